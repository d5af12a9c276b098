// SPDX-License-Identifier: GPL-2.0-or-later
#include "pipeline/flow.h"

#include <algorithm>
#include <array>
#include <functional>
#include <set>
#include <sstream>
#include <utility>
#include <vector>

#include "pipeline/flow_script.h"
#include "pipeline/scenario.h"

namespace dpinholer::test {

namespace {

using Kind = FlowStep::Kind;

std::vector<std::string> words_of(const std::string& text, char separator) {
  std::vector<std::string> words;
  std::istringstream in(text);
  for (std::string word; std::getline(in, word, separator);) words.push_back(word);
  return words;
}

// ---- Outcomes ---------------------------------------------------------------------------------------------

// A line of a scenario's transcript, as far as lines that differ in nothing but their port may be one.
struct Outcome {
  std::string before;   // up to the address
  std::string address;  // "alice"
  int first_port = 0;
  int last_port = 0;
  std::string after;  // from the media type on

  bool goes_on_with(const Outcome& next) const {
    return next.before == before && next.address == address && next.after == after &&
           next.first_port == last_port + 1;
  }
  std::string text() const {
    std::string ports = std::to_string(first_port);
    if (last_port != first_port) ports += "-" + std::to_string(last_port);
    return before + address + ":" + ports + after;
  }
};

std::string source_names(const std::string& sources) {
  std::string names;
  for (const std::string& source : words_of(sources, ','))
    names += (names.empty() ? "" : ",") + host_name(source);
  return names;
}

// "+1 open tcp 192.0.2.10:30000 any audio rtp 180 offer"
Outcome read_outcome(const std::string& line) {
  auto words = words_of(line, ' ');
  std::size_t at = 0;
  Outcome outcome;
  if (words[at][0] == '+') outcome.before += "@" + words[at++].substr(1) + " ";
  const std::string kind = words.at(at++);
  outcome.before += kind + " ";
  if (words.at(at) == "tcp") outcome.before += words[at++] + " ";
  const std::string& place = words.at(at++);
  const auto colon = place.rfind(':');
  std::string address = place.substr(0, colon);
  if (!address.empty() && address.front() == '[') address = address.substr(1, address.size() - 2);
  outcome.address = host_name(address);
  outcome.first_port = outcome.last_port = std::stoi(place.substr(colon + 1));
  if (kind == "open" || kind == "bind") outcome.after += " " + source_names(words.at(at++));
  const std::string& media = words.at(at);
  if (media != "audio") outcome.after += " " + media;
  for (at += 2; at < words.size(); ++at) outcome.after += " " + words[at];
  return outcome;
}

std::vector<std::string> read_outcomes(const std::string& transcript) {
  std::vector<Outcome> outcomes;
  for (const std::string& line : words_of(transcript, '\n')) {
    if (line.starts_with("nat ")) continue;  // far_nat_test.cpp
    const Outcome next = read_outcome(line);
    if (!outcomes.empty() && outcomes.back().goes_on_with(next)) {
      outcomes.back().last_port = next.last_port;
    } else {
      outcomes.push_back(next);
    }
  }
  std::vector<std::string> lines;
  for (const Outcome& outcome : outcomes) lines.push_back(outcome.text());
  return lines;
}

std::string show(const FlowStep& step, const std::vector<std::string>& outcomes) {
  std::string text = step.text + "\n";
  for (const std::string& line : outcomes) text += "    " + line + "\n";
  return text;
}

// ---- Playing ----------------------------------------------------------------------------------------------

using Before = std::function<void(Scenario&, const FlowPacket&)>;
using After = std::function<void(Scenario&, std::size_t step)>;

std::vector<std::string> play_step(Scenario& scenario, const FlowStep& step, const Before& before) {
  switch (step.kind) {
    case Kind::comment:
      return {};
    case Kind::wait:
      return read_outcomes(scenario.wait(step.duration));
    case Kind::restart:
      return read_outcomes(scenario.restart());
    case Kind::close: {
      const std::string done = scenario.close(step.call_id);
      return done == "not found\n" ? std::vector<std::string>{"not found"} : read_outcomes(done);
    }
    case Kind::media:
      return {scenario.media(step.media_from.address, step.media_to.address, step.media_to.port) ? "passes"
                                                                                                 : "dropped"};
    case Kind::message:
      break;
  }
  std::string transcript;
  for (const FlowPacket& packet : step.packets) {
    if (before) before(scenario, packet);
    transcript += scenario.send(packet.from, packet.to, packet.message);
  }
  return read_outcomes(transcript);
}

std::string play(Scenario& scenario, const std::vector<FlowStep>& steps, const Before& before = {},
                 const After& after = {}) {
  std::string text;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    text += show(steps[i], play_step(scenario, steps[i], before));
    if (!scenario.pipeline().consistent()) text += "    inconsistent: open is not what calls want\n";
    if (after) after(scenario, i);
  }
  return text;
}

bool only_refusals(const std::string& transcript) {
  const auto lines = words_of(transcript, '\n');
  return std::all_of(lines.begin(), lines.end(),
                     [](const std::string& l) { return l.rfind("refuse ", 0) == 0; });
}

// ---- What holds for every flow ----------------------------------------------------------------------------

using Faults = std::vector<std::string>;

// A message may be on its way for 32 s at most (RFC 3261 table 4); then what it was about is forgotten.
void check_late_copies(Scenario& scenario, const std::vector<FlowStep>& steps, Faults& faults) {
  base::seconds age{0};
  std::size_t oldest = steps.size();
  while (oldest > 0 && age < base::seconds{32}) age += steps[--oldest].duration;
  const std::string open = scenario.open();
  for (; oldest < steps.size(); ++oldest) {
    for (const FlowPacket& packet : steps[oldest].packets) {
      const std::string done = scenario.send(packet.from, packet.to, packet.message);
      if (!only_refusals(done))
        faults.push_back("a late copy of \"" + steps[oldest].text + "\" did\n" + done);
    }
  }
  if (scenario.open() != open) faults.push_back("late copies changed what is open");
}

void check_end(Scenario& scenario, Faults& faults) {
  scenario.wait(base::seconds{8 * 24 * 3600});
  if (!scenario.open().empty()) faults.push_back("open for ever:\n" + scenario.open());
  if (scenario.pipeline().next_deadline()) faults.push_back("state is left for ever");
}

void check_doubled(const std::vector<FlowStep>& steps, const FlowOptions& options, const std::string& plain,
                   Faults& faults) {
  Scenario scenario(options.settings);
  std::vector<std::string> twice;
  std::string text;
  for (const FlowStep& step : steps) {
    FlowStep single = step;
    std::vector<std::string> outcomes = step.kind == Kind::message ? Faults{} : play_step(scenario, step, {});
    std::string transcript;
    for (const FlowPacket& packet : step.packets) {
      transcript += scenario.send(packet.from, packet.to, packet.message);
      const std::string again = scenario.send(packet.from, packet.to, packet.message);
      if (!only_refusals(again)) faults.push_back("a second \"" + step.text + "\" did\n" + again);
    }
    if (step.kind == Kind::message) outcomes = read_outcomes(transcript);
    text += show(step, outcomes);
  }
  if (text != plain) faults.push_back("with every message doubled:\n" + text);
}

// What a stranger may try with a message that he has seen: on ways of his own, and on the true way without
// knowing one thing. Left out is what may come on a new way or from a new party: requests with an offer or an
// answer, first responses of another fork (third_parties_test.cpp has those).
std::vector<FlowPacket> forgeries(const FlowPacket& packet, bool tags_matter) {
  const Host mallory{"198.51.100.66"};
  const Host other{"198.51.100.67"};
  const Sip& message = packet.message;
  const bool response = message.start.find(' ') != std::string::npos;
  const bool may_describe = !response && (!message.body.empty() || message.start == "INVITE");
  if (may_describe || message.start == "UPDATE") return {};
  std::vector<FlowPacket> forged{
      {mallory, packet.to, message}, {mallory, other, message}, {other, packet.from, message}};
  auto with = [&](auto change) {
    FlowPacket one = packet;
    change(one.message);
    forged.push_back(one);
  };
  with([](Sip& sip) { sip.call_id = "guessed"; });
  if (tags_matter) with([](Sip& sip) { sip.from_tag = "guessed"; });
  if (response) {
    with([](Sip& sip) { sip.branch = "z9hG4bKguessed"; });
    with([](Sip& sip) { sip.cseq += 1000; });
  } else if (message.start != "CANCEL") {
    if (tags_matter) with([](Sip& sip) { sip.to_tag = "guessed"; });
  } else {
    with([](Sip& sip) { sip.branch = "z9hG4bKguessed"; });
    with([](Sip& sip) { sip.cseq += 1000; });
  }
  return forged;
}

void check_stranger(const std::vector<FlowStep>& steps, const FlowOptions& options, const std::string& plain,
                    Faults& faults) {
  Scenario scenario(options.settings);
  auto attack = [&](Scenario& s, const FlowPacket& packet) {
    for (const FlowPacket& forged : forgeries(packet, options.tags_matter)) {
      const std::string done = s.send(forged.from, forged.to, forged.message);
      if (only_refusals(done)) continue;
      faults.push_back("forged, from " + forged.from.address + " to " + forged.to.address + ":\n" +
                       to_text(forged.message) + "did\n" + done);
    }
  };
  const std::string text = play(scenario, steps, attack);
  if (text != plain) faults.push_back("with a stranger about:\n" + text);
}

// "192.0.2.10:30000" of each line of Scenario::open().
std::set<std::string> places(const std::string& open) {
  std::set<std::string> all;
  for (const std::string& line : words_of(open, '\n')) all.insert(line.substr(0, line.rfind(' ')));
  return all;
}

void check_closed(const std::vector<FlowStep>& steps, const FlowOptions& options, Faults& faults) {
  std::vector<std::set<std::string>> opened;
  Scenario usual(options.settings);
  play(usual, steps, {}, [&](Scenario& s, std::size_t) { opened.push_back(places(s.open())); });

  PipelineSettings strict = options.settings;
  strict.negotiation.open_before_answer = false;
  Scenario scenario(strict);
  play(scenario, steps, {}, [&](Scenario& s, std::size_t step) {
    const std::string open = s.open();
    if (open.find(" any\n") != std::string::npos)
      faults.push_back("closed before the answer, but after \"" + steps[step].text + "\":\n" + open);
    const auto here = places(open);
    if (!std::includes(opened[step].begin(), opened[step].end(), here.begin(), here.end()))
      faults.push_back("open only when closed before the answer, after \"" + steps[step].text + "\":\n" +
                       open);
  });
}

}  // namespace

std::string played(std::string_view flow, const PipelineSettings& settings) {
  Scenario scenario(settings);
  return play(scenario, read_flow(flow));
}

testing::AssertionResult plays(std::string_view flow, const FlowOptions& options) {
  const auto steps = read_flow(flow);
  std::string expected;
  for (const FlowStep& step : steps) expected += show(step, step.expected);

  Scenario scenario(options.settings);
  const std::string plain = play(scenario, steps);
  if (plain != expected) {
    const auto diff = testing::internal::edit_distance::CreateUnifiedDiff(words_of(expected, '\n'),
                                                                          words_of(plain, '\n'), 100);
    return testing::AssertionFailure() << "expected (-) and happened (+):\n" << diff;
  }
  Faults faults;
  if (options.check_late_copies) check_late_copies(scenario, steps, faults);
  check_end(scenario, faults);
  check_doubled(steps, options, plain, faults);
  if (options.check_stranger) check_stranger(steps, options, plain, faults);
  if (options.check_closed) check_closed(steps, options, faults);
  if (faults.empty()) return testing::AssertionSuccess();
  auto failure = testing::AssertionFailure();
  for (const std::string& fault : faults) failure << fault << "\n";
  return failure;
}

}  // namespace dpinholer::test
