// SPDX-License-Identifier: GPL-2.0-or-later
#include "pipeline/random_calls.h"

#include <array>
#include <stdexcept>

#include "base/limits.h"
#include "pipeline/choices.h"
#include "pipeline/scenario.h"

namespace dpinholer::test {

namespace {

const std::array<Host, 4> hosts{Host{"192.0.2.10"}, Host{"203.0.113.5"}, Host{"192.0.2.20"},
                                Host{"2001:db8::5"}};
const std::array<std::string, 3> tags{"a", "b", "c"};
const std::array<std::string, 3> branches{"z9hG4bK1", "z9hG4bK2", "z9hG4bK3"};
const std::array<std::string, 18> starts{"INVITE",     "INVITE",     "180 INVITE", "183 INVITE", "200 INVITE",
                                         "200 INVITE", "486 INVITE", "ACK",        "BYE",        "200 BYE",
                                         "481 BYE",    "CANCEL",     "UPDATE",     "200 UPDATE", "PRACK",
                                         "200 PRACK",  "INFO",       "OPTIONS"};
const std::array<std::string, 5> extra_headers{"", "", "Require: 100rel\r\nRSeq: 1\r\nRAck: 1 1 INVITE\r\n",
                                               "Session-Expires: 90\r\n", "Session-Expires: 1800\r\n"};

std::string section(Choices& choices) {
  const std::array<std::string, 6> addresses{"192.0.2.10",  "203.0.113.5", "192.0.2.20",
                                             "2001:db8::5", "0.0.0.0",     "10.9.8.7"};
  const std::array<std::string, 6> ports{"30000", "30002", "30003", "0", "9", "53"};
  const std::array<std::string, 5> profiles{"RTP/AVP 0", "RTP/SAVPF 96", "udptl t38", "TCP/MSRP *", "XYZ 0"};
  const std::array<std::string, 12> attributes{
      "a=rtcp-mux",      "a=rtcp:30001",
      "a=sendonly",      "a=inactive",
      "a=setup:actpass", "a=setup:active",
      "a=setup:passive", "a=mid:1",
      "a=mid:2",         "a=candidate:1 1 UDP 1 192.0.2.10 31000 typ host",
      "a=ice-ufrag:x",   "a=candidate:2 2 UDP 1 203.0.113.5 31001 typ host"};
  std::string text = choices.of(addresses) + "|audio " + choices.of(ports) + " " + choices.of(profiles);
  for (std::size_t i = choices.below(4); i > 0; --i) text += "|" + choices.of(attributes);
  return text;
}

std::string description(Choices& choices) {
  std::vector<std::string> sections;
  for (std::size_t i = choices.below(4); i > 0; --i) sections.push_back(section(choices));
  if (sections.empty()) return "";
  return sdp(sections, choices.below(3) == 0 ? "a=group:BUNDLE 1 2\r\n" : "");
}

Sip message(Choices& choices) {
  Sip sip;
  sip.start = choices.of(starts);
  sip.call_id = choices.below(8) == 0 ? "other@pbx" : "call@pbx";
  sip.from_tag = choices.of(tags);
  sip.to_tag = choices.below(3) == 0 ? "" : choices.of(tags);
  sip.branch = choices.of(branches);
  sip.cseq = static_cast<int>(1 + choices.below(3));
  return sip;
}

// Most messages answer the last one, or go on in its dialog: two that don't meet change nothing.
struct Sent {
  Host from = hosts[0];
  Host to = hosts[1];
  Sip message{.start = "INVITE"};
};

void answer(Sent& last, Choices& choices) {
  const std::array<std::string, 8> statuses{"180", "183", "200", "200", "200", "481", "488", "500"};
  const std::string& start = last.message.start;
  const std::string method = start.substr(start.find(' ') + 1);
  if (method == start) std::swap(last.from, last.to);
  last.message.start = choices.of(statuses) + " " + method;
  if (last.message.to_tag.empty()) last.message.to_tag = choices.of(tags);
}

void go_on(Sent& last, Choices& choices) {
  const std::array<std::string, 8> methods{"ACK",    "BYE",   "BYE",  "INVITE",
                                           "UPDATE", "PRACK", "INFO", "CANCEL"};
  if (last.message.start.find(' ') != std::string::npos) std::swap(last.from, last.to);
  last.message.start = choices.of(methods);
  if (choices.below(2) == 0) {  // the other party asks
    std::swap(last.from, last.to);
    std::swap(last.message.from_tag, last.message.to_tag);
  }
  if (last.message.start == "CANCEL" || last.message.start == "ACK") return;
  last.message.branch = "z9hG4bK" + std::to_string(choices.below(200));
  last.message.cseq += 1;
}

bool only_refusals(const std::string& transcript) {
  for (std::size_t at = 0; at < transcript.size(); at = transcript.find('\n', at) + 1) {
    if (transcript.compare(at, 7, "refuse ") != 0) return false;
  }
  return true;
}

void send(Scenario& scenario, Sent& last, Choices& choices) {
  switch (choices.below(8)) {
    case 0:
      last = {choices.of(hosts), choices.of(hosts), message(choices)};
      break;
    case 1:
    case 2:
    case 3:
      go_on(last, choices);
      break;
    default:
      answer(last, choices);
      break;
  }
  if ((last.from.address.find(':') == std::string::npos) !=
      (last.to.address.find(':') == std::string::npos)) {
    last.from = last.to;
  }
  Sip& sip = last.message;
  sip.headers = choices.of(extra_headers);
  sip.body = description(choices);
  sip.content_type = sip.start == "INFO" ? "application/trickle-ice-sdpfrag" : "application/sdp";
  if (choices.below(8) == 0) sip.headers += "Content-Disposition: early-session\r\n";
  // A copy of a message changes nothing, unless its first one found no room.
  const std::string done = scenario.send(last.from, last.to, sip);
  const std::string again = scenario.send(last.from, last.to, sip);
  const bool refused = done.find(" limit\n") != std::string::npos;
  if (!refused && !only_refusals(again)) throw std::logic_error("a copy of a message did " + again);
}

void restart(Scenario& scenario) {
  const std::string before = scenario.open();
  scenario.restart();
  if (scenario.open() != before)
    throw std::logic_error("a restart changed what is open, which was " + before);
}

void step(Scenario& scenario, Sent& last, Choices& choices) {
  switch (choices.below(16)) {
    case 0:
      scenario.wait(base::seconds{1 + 10 * static_cast<int>(choices.below(40))});
      break;
    case 1: {
      const Host& source = choices.of(hosts);
      scenario.media(source.address, "192.0.2.10", static_cast<std::uint16_t>(30000 + choices.below(4)));
      break;
    }
    case 2:
      if (choices.below(8) == 0) return restart(scenario);
      if (choices.below(16) == 0) {
        scenario.close(choices.below(2) == 0 ? "other@pbx" : "call@pbx");
        return;
      }
      [[fallthrough]];
    default:
      send(scenario, last, choices);
  }
}

PipelineSettings settings(Choices& choices) {
  PipelineSettings settings;
  settings.negotiation.open_before_answer = choices.below(4) != 0;
  settings.negotiation.tcp = choices.below(2) != 0;
  settings.negotiation.hold_narrow = choices.below(2) != 0;
  settings.negotiation.max_call = base::seconds{choices.below(2) != 0 ? 1000 : 0};
  settings.negotiation.pinholes_per_call = choices.below(4) == 0 ? 6 : 256;
  if (choices.below(2) != 0) settings.policy.inside_networks = {base::Network::parse("192.0.2.0/24").value()};
  // Further choices would change what inputs that were found mean.
  settings.negotiation.grace = base::seconds{settings.negotiation.tcp ? 20 : 0};
  settings.negotiation.held = base::seconds{settings.negotiation.hold_narrow ? 50 : 3600};
  settings.descriptions.ice = settings.negotiation.max_call.count() != 0 || !settings.negotiation.tcp;
  if (settings.negotiation.open_before_answer && settings.negotiation.max_call.count() == 0)
    settings.policy.networks = {base::Network::parse("203.0.113.0/29").value()};
  return settings;
}

}  // namespace

std::string run_random_calls(base::Bytes octets) {
  Choices choices(octets);
  Scenario scenario(settings(choices));
  Sent last;
  std::size_t number = 0;
  try {
    for (; choices.any(); ++number) {
      step(scenario, last, choices);
      if (!scenario.pipeline().consistent())
        return "step " + std::to_string(number) + ": open is not what is wanted";
    }
    // Silence ends everything: the longest timer is that of a call that was closed.
    scenario.wait(base::seconds{base::limits::closed_call_seconds + 20000});
  } catch (const std::logic_error& fault) {
    return "step " + std::to_string(number) + ": " + fault.what();
  }
  if (!scenario.open().empty() || scenario.pipeline().open_pinholes() != 0)
    return "pinholes are left: " + scenario.open();
  if (scenario.pipeline().next_deadline()) return "a timer is left";
  return "";
}

}  // namespace dpinholer::test
