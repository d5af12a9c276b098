// SPDX-License-Identifier: GPL-2.0-or-later
#include "pipeline/attacked_calls.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <sstream>
#include <vector>

#include "pipeline/choices.h"
#include "pipeline/scenario.h"

namespace dpinholer::test {

namespace {

const Host alice{"192.0.2.10"};
const Host proxy{"203.0.113.1"};
const Host carol{"192.0.2.30"};
const Host bob{"203.0.113.5"};
const Host mallory{"198.51.100.66"};
const Host accomplice{"192.0.2.99"};

struct Packet {
  Host from;
  Host to;
  Sip message;
};

// A step of the parties.
struct Step {
  std::optional<Packet> packet;
  base::seconds wait{0};
  std::optional<std::pair<Host, int>> media;  // from whom, to which port of alice
  bool half_answered = false;                 // a late offer, on one leg of the call, not yet on the other
};

// ---- The parties ------------------------------------------------------------------------------------------

// Writes what they say: each message on every leg of the call, in its order.
class Parties {
 public:
  explicit Parties(Choices& choices) : choices_(choices) {
    switch (choices.below(3)) {
      case 0:
        way_ = {alice, bob};
        break;
      case 1:
        way_ = {alice, proxy};
        break;
      default:
        way_ = {alice, proxy, carol};
    }
  }

  std::vector<Step> write() {
    for (std::size_t calls = 1 + choices_.below(2); calls > 0 && !up_; --calls) {
      begin();
      if (!up_) pause(30);  // a retry; later on nobody uses the Call-ID any more, and it is anybody's
    }
    if (up_) go_on();
    pause(600);
    return std::move(steps_);
  }

 private:
  bool one_in(std::size_t n) { return choices_.below(n) == 0; }

  std::string sdp_of(bool caller) {
    const std::string port = std::to_string((caller ? 30000 : 40000) + 2 * choices_.below(4));
    const std::string host = caller                                ? "192.0.2.10"
                             : way_.back().address == "192.0.2.30" ? "192.0.2.30"
                                                                   : "203.0.113.5";
    std::vector<std::string> sections{host + "|audio " + port + " RTP/AVP 0"};
    if (one_in(4))
      sections.push_back(host + "|video " + std::to_string(caller ? 30100 : 40100) + "/20 RTP/AVP 31");
    return sdp(sections);
  }

  // By the caller, or by the callee: over all legs.
  void say(const Sip& message, bool caller) {
    const std::size_t legs = way_.size() - 1;
    for (std::size_t i = 0; i < legs; ++i) {
      const std::size_t leg = caller ? i : legs - 1 - i;
      Sip copy = message;
      copy.branch += "-" + std::to_string(leg);
      Packet packet{way_[leg], way_[leg + 1], copy};
      if (!caller) std::swap(packet.from, packet.to);
      steps_.push_back({packet, base::seconds{0}, std::nullopt});
      const bool answers = (copy.start == "ACK" || copy.start == "PRACK") && !copy.body.empty();
      steps_.back().half_answered = answers && i + 1 < legs;
    }
    silence_ = base::seconds{0};
  }
  Sip request(const std::string& method, bool caller, const std::string& body = "") {
    Sip sip{.start = method,
            .from_tag = caller ? caller_tag_ : callee_tag_,
            .to_tag = caller ? callee_tag_ : caller_tag_,
            .branch = "z9hG4bK" + std::to_string(++branch_),
            .cseq = ++cseq_,
            .body = body};
    say(sip, caller);
    return sip;
  }
  void respond(const Sip& request, const std::string& status, bool caller, const std::string& body = "",
               bool reliable = false) {
    Sip sip = request;
    sip.start = status + " " + request.start;
    if (sip.to_tag.empty()) sip.to_tag = next_callee_tag_;
    sip.body = body;
    sip.headers = reliable ? "Require: 100rel\r\nRSeq: 1\r\n" : "";
    say(sip, !caller);
  }
  void pause(std::size_t longest) {
    const std::size_t duration = longest > 250 ? choices_.below(longest / 10) * 10 : choices_.below(longest);
    steps_.push_back({std::nullopt, base::seconds{static_cast<int>(duration)}, {}});
    silence_ += steps_.back().wait;
  }
  // Silence ends a call, and then anybody may begin one with its Call-ID: the parties don't use it again.
  bool is_over() const { return silence_ >= negotiation::Settings{}.media_idle; }

  void begin() {
    ++number_;
    caller_tag_ = "a" + std::to_string(number_);
    next_callee_tag_ = "b" + std::to_string(number_);
    callee_tag_.clear();
    up_ = false;
    const bool offers = !one_in(4);
    const Sip invite = request("INVITE", true, offers ? sdp_of(true) : "");
    bool answered = false;
    for (std::size_t i = choices_.below(4); i > 0; --i) {
      pause(one_in(4) ? 400 : 20);
      if (one_in(2) || (!offers && answered)) {
        respond(invite, "180", true);
        continue;
      }
      respond(invite, "183", true, sdp_of(false), !offers || one_in(2));
      callee_tag_ = next_callee_tag_;
      if (!offers) respond(request_prack(sdp_of(true)), "200", true);
      answered = true;
    }
    callee_tag_ = next_callee_tag_;
    if (one_in(5)) {
      respond(invite, "486", true);
    } else if (one_in(6)) {
      Sip cancel = invite;
      cancel.start = "CANCEL";
      cancel.body.clear();
      say(cancel, true);
      if (!one_in(3)) respond(invite, "487", true);
    } else if (!one_in(8)) {
      respond(invite, "200", true, one_in(5) || (!offers && answered) ? "" : sdp_of(false));
      Sip ack = invite;
      ack.start = "ACK";
      ack.to_tag = callee_tag_;
      ack.branch = "z9hG4bK" + std::to_string(++branch_);
      ack.body = !offers && !answered ? sdp_of(true) : "";
      say(ack, true);
      up_ = true;
    }
  }
  Sip request_prack(const std::string& body) {
    Sip prack{.start = "PRACK",
              .from_tag = caller_tag_,
              .to_tag = callee_tag_,
              .branch = "z9hG4bK" + std::to_string(++branch_),
              .cseq = cseq_ + 1,
              .headers = "RAck: 1 " + std::to_string(cseq_) + " INVITE\r\n",
              .body = body};
    ++cseq_;
    say(prack, true);
    return prack;
  }

  void go_on() {
    for (std::size_t i = choices_.below(6); i > 0 && up_; --i) {
      const bool caller = one_in(2);
      switch (choices_.below(6)) {
        case 0:
          re_offer(caller);
          break;
        case 1:
          respond(request("OPTIONS", caller), "200", caller);
          break;
        case 2:
          steps_.push_back({std::nullopt,
                            base::seconds{0},
                            {{one_in(2) ? bob : carol, 30000 + static_cast<int>(choices_.below(8))}}});
          break;
        case 3:
          bye(caller);
          break;
        default:
          pause(one_in(4) ? 400 : 30);
          if (is_over()) up_ = false;
      }
    }
    if (up_ && !one_in(4)) bye(one_in(2));
  }
  void re_offer(bool caller) {
    const Sip sip = request(one_in(2) ? "INVITE" : "UPDATE", caller, sdp_of(caller));
    if (one_in(6)) return;
    if (one_in(4)) return respond(sip, one_in(2) ? "488" : "491", caller);
    respond(sip, "200", caller, sdp_of(!caller));
    if (sip.start != "INVITE") return;
    Sip ack = sip;
    ack.start = "ACK";
    ack.branch = "z9hG4bK" + std::to_string(++branch_);
    ack.body.clear();
    say(ack, caller);
  }
  void bye(bool caller) {
    const Sip sip = request("BYE", caller);
    if (!one_in(4)) respond(sip, one_in(4) ? "481" : "200", caller);
    up_ = false;
  }

  Choices& choices_;
  std::vector<Host> way_;
  std::vector<Step> steps_;
  std::string caller_tag_;
  std::string callee_tag_;
  std::string next_callee_tag_;
  int number_ = 0;
  int branch_ = 0;
  int cseq_ = 0;
  bool up_ = false;
  base::seconds silence_{0};  // since they said anything
};

// ---- The stranger -----------------------------------------------------------------------------------------

class Stranger {
 public:
  Stranger(Choices& choices, Naming naming) : choices_(choices), naming_(naming) {}

  void overhears(const Packet& packet) {
    const Sip& sip = packet.message;
    tags_[0] = sip.from_tag;
    if (!sip.to_tag.empty()) tags_[1] = sip.to_tag;
    cseq_ = sip.cseq;
    branch_ = sip.branch;
    parties_[0] = packet.from;
    parties_[1] = packet.to;
  }

  std::string acts(Scenario& scenario) {
    std::string done;
    for (std::size_t i = choices_.below(4); i > 0; --i) done += act(scenario);
    return done;
  }

 private:
  bool one_in(std::size_t n) { return choices_.below(n) == 0; }
  static bool is_his(const Host& host) {
    return host.address == mallory.address || host.address == accomplice.address;
  }

  std::string body(const Host& from) {
    if (one_in(3)) return "";
    const std::array<std::string, 6> theirs{
        "192.0.2.10|audio 30000 RTP/AVP 0",   "192.0.2.10|audio 30002 RTP/AVP 0",
        "203.0.113.5|audio 40000 RTP/AVP 0",  "192.0.2.30|audio 40000 RTP/AVP 0",
        "203.0.113.5|video 40100 RTP/AVP 31", "192.0.2.10|video 30100 RTP/AVP 31"};
    const std::string port = std::to_string(10000 + 2 * choices_.below(100));
    std::vector<std::string> sections{
        from.address + "|audio " + port + " RTP/AVP 0" +
        (one_in(3) ? "|a=candidate:1 1 UDP 1 " + from.address + " 31000 typ host" : "")};
    if (one_in(8)) sections.push_back(from.address + "|video 20000/100 RTP/AVP 31");
    if (naming_ == Naming::ports_of_the_parties && one_in(2)) sections.push_back(choices_.of(theirs));
    return sdp(sections);
  }
  std::string tag(std::size_t which) {
    switch (choices_.below(8)) {
      case 0:
        return tags_[1 - which];
      case 1:
        return "m" + std::to_string(choices_.below(3));
      case 2:
        return which == 1 ? "" : tags_[which];
      default:
        return tags_[which];
    }
  }

  std::string act(Scenario& scenario) {
    static const std::array<std::string, 14> methods{"INVITE",  "INVITE", "UPDATE", "UPDATE", "PRACK",
                                                     "ACK",     "BYE",    "BYE",    "CANCEL", "INFO",
                                                     "OPTIONS", "ACK",    "INVITE", "REFER"};
    static const std::array<std::string, 8> statuses{"180", "183", "200", "200", "481", "487", "408", "500"};
    const std::array<Host, 5> everybody{parties_[0], parties_[1], accomplice, mallory, alice};
    const bool swapped = one_in(2);
    Sip sip{.start = choices_.of(methods),
            .from_tag = tag(swapped ? 1 : 0),
            .to_tag = tag(swapped ? 0 : 1),
            .branch = one_in(3) ? branch_ : "z9hG4bKm" + std::to_string(++own_branch_),
            .cseq = cseq_ + static_cast<int>(choices_.below(3)),
            .headers = one_in(3)
                           ? "Require: 100rel\r\nRSeq: 1\r\nRAck: 1 " + std::to_string(cseq_) + " INVITE\r\n"
                           : ""};
    if (one_in(6)) sip.headers += "Session-Expires: 90\r\n";
    const Host from = one_in(3) ? accomplice : mallory;
    const Host to = choices_.of(everybody);
    if (to.address == from.address) return "";
    sip.body = body(from);
    if (sip.start == "INFO") sip.content_type = "application/trickle-ice-sdpfrag";
    if (one_in(4)) {  // an answer to something that he never was asked
      sip.start = choices_.of(statuses) + " " + sip.start;
      return told(scenario, from, to, sip);
    }
    std::string done = told(scenario, from, to, sip);
    if (sip.start == "ACK" || one_in(3)) return done;
    Sip reply = sip;
    reply.headers = one_in(2) ? "Require: 100rel\r\nRSeq: 1\r\n" : "";
    static const std::array<std::string, 6> refusals{"481", "403", "500", "408", "488", "100"};
    reply.start = (is_his(to) ? choices_.of(statuses) : choices_.of(refusals)) + " " + sip.start;
    if (reply.to_tag.empty()) reply.to_tag = "m" + std::to_string(choices_.below(3));
    reply.body = is_his(to) ? body(to) : "";
    done += told(scenario, to, from, reply);
    if (sip.start == "INVITE" && is_his(to) && one_in(2)) {
      sip.start = "ACK";
      sip.to_tag = reply.to_tag;
      sip.body = one_in(2) ? "" : body(from);
      done += told(scenario, from, to, sip);
    }
    return done;
  }
  static std::string told(Scenario& scenario, const Host& from, const Host& to, const Sip& sip) {
    std::string done = "  STRANGER " + from.address + " > " + to.address + " " + sip.start + " " +
                       sip.from_tag + " " + sip.to_tag + " cseq=" + std::to_string(sip.cseq) + " " +
                       sip.branch + (sip.body.empty() ? "" : " sdp") + "\n";
    return done + scenario.send(from, to, sip);
  }

  Choices& choices_;
  Naming naming_;
  std::array<std::string, 2> tags_{"m1", "m2"};  // until he has heard them
  std::array<Host, 2> parties_{alice, bob};
  std::string branch_ = "z9hG4bK1-0";
  int cseq_ = 1;
  int own_branch_ = 0;
};

// ---- What is compared -------------------------------------------------------------------------------------

using Sources = std::set<std::string>;  // "any", or the addresses
using Open = std::map<std::string, Sources>;

bool is_of_the_parties(const std::string& place) {
  for (const Host& host : {mallory, accomplice}) {
    if (place.rfind(host.address + ":", 0) == 0) return false;
  }
  return true;
}

Open open_for_the_parties(const Scenario& scenario) {
  Open open;
  std::istringstream lines(scenario.open());
  for (std::string place, sources; lines >> place >> sources;) {
    if (!is_of_the_parties(place)) continue;
    std::istringstream list(sources);
    for (std::string one; std::getline(list, one, ',');) open[place].insert(one);
  }
  return open;
}

std::string take(Scenario& scenario, const Step& step) {
  if (step.packet) {
    const auto& [from, to, sip] = *step.packet;
    return from.address + " > " + to.address + " " + sip.start + " " + sip.from_tag + " " + sip.to_tag +
           " cseq=" + std::to_string(sip.cseq) + (sip.body.empty() ? "" : " sdp") + "\n" +
           scenario.send(from, to, sip);
  }
  if (step.media) {
    scenario.media(step.media->first.address, alice.address, static_cast<std::uint16_t>(step.media->second));
    return "media\n";
  }
  return "wait " + std::to_string(step.wait.count()) + "\n" + scenario.wait(step.wait);
}

bool is_for_strangers_alone(const Sources& sources) {
  return std::ranges::all_of(sources, [](const std::string& source) {
    return source == mallory.address || source == accomplice.address;
  });
}

// An ACK or PRACK that goes directly may answer a late offer: for its sender, until a party answers on that
// leg (calls.md 2). `offered`: what would be open if offers opened at once.
std::string compare(const Open& plain, const Open& offered, const Open& attacked, Naming naming,
                    bool half_answered) {
  for (const auto& [place, sources] : plain) {
    if (!attacked.contains(place)) return "he closed " + place;
  }
  for (const auto& [place, sources] : attacked) {
    const auto before = plain.find(place);
    // An offer of the stranger in the parties' name is an offer like any other.
    if (before == plain.end() && naming == Naming::ports_of_the_parties) continue;
    if (before == plain.end() && offered.contains(place) && is_for_strangers_alone(sources)) continue;
    if (before == plain.end()) return "he kept open " + place;
    if (before->second.contains("any")) continue;
    for (const std::string& source : sources) {
      if (before->second.contains(source)) continue;
      // His accomplice answers him: they have a call of their own to that port, and say who may send there.
      if (naming == Naming::ports_of_the_parties && source != "any") continue;
      if (half_answered && is_for_strangers_alone({source})) continue;
      return "he let in " + source + " to " + place;
    }
  }
  return "";
}

// The pinholes that are open after each step.
std::vector<Open> without_stranger(const std::vector<Step>& steps, const PipelineSettings& settings) {
  std::vector<Open> open;
  Scenario scenario(settings);
  for (const Step& step : steps) {
    take(scenario, step);
    open.push_back(open_for_the_parties(scenario));
  }
  return open;
}

}  // namespace

std::string run_attacked_calls(base::Bytes octets, Naming naming) {
  Choices choices(octets);
  PipelineSettings settings;
  settings.negotiation.open_before_answer = choices.below(4) != 0;
  if (choices.below(2) != 0) settings.policy.inside_networks = {base::Network::parse("192.0.2.0/24").value()};
  const std::vector<Step> steps = Parties(choices).write();

  const std::vector<Open> plain = without_stranger(steps, settings);
  PipelineSettings opening = settings;
  opening.negotiation.open_before_answer = true;
  const std::vector<Open> offered =
      settings.negotiation.open_before_answer ? plain : without_stranger(steps, opening);

  Scenario scenario(settings);
  Stranger stranger(choices, naming);
  std::string history;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    history += take(scenario, steps[i]);
    if (steps[i].packet) stranger.overhears(*steps[i].packet);
    for (int moment = 0; moment < 2; ++moment) {
      const std::string fault =
          compare(plain[i], offered[i], open_for_the_parties(scenario), naming, steps[i].half_answered);
      if (!fault.empty()) return history + fault;
      if (!scenario.pipeline().consistent()) return history + "open is not what is wanted";
      if (scenario.pipeline().open_pinholes() > settings.negotiation.pinholes_per_call)
        return history + "too much is open";
      if (moment == 0) history += stranger.acts(scenario);
    }
  }
  scenario.wait(base::seconds{50000});
  if (!scenario.open().empty()) return history + "pinholes are left:\n" + scenario.open();
  if (scenario.pipeline().next_deadline()) return history + "a timer is left";
  return "";
}

}  // namespace dpinholer::test
