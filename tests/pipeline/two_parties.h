// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "pipeline/scenario.h"

namespace dpinholer::test {

/// A scenario with one dialog of two parties, each of which can offer, answer, refuse and trickle. Returns
/// what happened, as `Scenario` does.
class TwoParties {
 public:
  enum class Party { caller, callee };

  explicit TwoParties(PipelineSettings settings = {}, pinhole::Host* host = nullptr)
      : scenario(std::move(settings), host) {}

  /// An INVITE: the initial one from the caller, else a re-INVITE.
  std::string offer(const std::string& body, Party by = Party::caller) {
    offerer_ = by;
    invite_ = request_in_dialog("INVITE", by, body);
    if (!established_) invite_.to_tag = "";
    return send(by, invite_);
  }
  /// The response to the last INVITE.
  std::string answer(const std::string& body, const std::string& status = "200") {
    established_ = established_ || status == "200";
    Sip response = invite_;
    response.start = status + " INVITE";
    response.body = body;
    if (response.to_tag.empty()) response.to_tag = "b";
    return send(other(offerer_), response);
  }
  /// A trickle ICE fragment (RFC 8840).
  std::string trickle(Party by, const std::string& fragment) {
    Sip info = request_in_dialog("INFO", by, fragment);
    info.content_type = "application/trickle-ice-sdpfrag";
    info.headers = "Info-Package: trickle-ice\r\nContent-Disposition: Info-Package\r\n";
    return send(by, info);
  }
  std::string bye() {
    Sip bye = request_in_dialog("BYE", Party::caller, "");
    send(Party::caller, bye);
    bye.start = "200 BYE";
    return send(Party::callee, bye);
  }
  std::string send(Party by, const Sip& message) {
    return by == Party::caller ? scenario.send(caller, callee, message)
                               : scenario.send(callee, caller, message);
  }

  Scenario scenario;
  Host caller{"192.0.2.10"};
  Host callee{"203.0.113.5"};
  std::string call_id = "call@pbx";

 private:
  static Party other(Party party) { return party == Party::caller ? Party::callee : Party::caller; }

  Sip request_in_dialog(const std::string& method, Party by, const std::string& body) {
    ++cseq_;
    const bool caller_sends = by == Party::caller;
    return {.start = method,
            .call_id = call_id,
            .from_tag = caller_sends ? "a" : "b",
            .to_tag = caller_sends ? "b" : "a",
            .branch = "z9hG4bK" + std::to_string(cseq_),
            .cseq = cseq_,
            .body = body};
  }

  int cseq_ = 0;
  Party offerer_ = Party::caller;
  Sip invite_;
  bool established_ = false;
};

}  // namespace dpinholer::test
