// SPDX-License-Identifier: GPL-2.0-or-later
#include "pipeline/flow_script.h"

#include <algorithm>
#include <array>
#include <map>
#include <stdexcept>
#include <utility>

namespace dpinholer::test {

namespace {

// 192.0.2.0/24 is inside, the rest outside.
constexpr std::array<std::pair<std::string_view, std::string_view>, 15> names{{
    {"alice", "192.0.2.10"},
    {"alice2", "192.0.2.11"},
    {"carol", "192.0.2.30"},
    {"pbx", "192.0.2.1"},
    {"pbx2", "192.0.2.2"},
    {"bob", "203.0.113.5"},
    {"bob2", "203.0.113.6"},
    {"bob3", "203.0.113.7"},
    {"dave", "203.0.113.8"},
    {"gateway", "203.0.113.20"},
    {"gateway2", "203.0.113.21"},
    {"proxy", "198.51.100.1"},
    {"proxy2", "198.51.100.2"},
    {"relay", "198.51.100.9"},
    {"mallory", "198.51.100.66"},
}};

Host host(std::string_view text) {
  for (const auto& [name, address] : names) {
    if (name == text) return {std::string(address)};
  }
  return {std::string(text)};
}

bool begins(std::string_view text, std::string_view prefix) {
  return text.substr(0, prefix.size()) == prefix;
}

std::string trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return std::string(text.substr(first, text.find_last_not_of(" \t") - first + 1));
}

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(separator, begin), text.size());
    if (auto part = trimmed(text.substr(begin, end - begin)); !part.empty()) parts.push_back(std::move(part));
    begin = end + 1;
  }
  return parts;
}

bool is_outcome(const std::string& line) {
  constexpr std::array prefixes{"open ", "bind ", "close ", "refuse ", "@", "passes", "dropped", "not found"};
  return std::any_of(prefixes.begin(), prefixes.end(), [&](const char* p) { return begins(line, p); });
}

// ---- Bodies -----------------------------------------------------------------------------------------------

struct Body {
  std::string content;
  std::string headers;  // of a body part: type, and disposition where it is not the default
  std::string content_type;
};

Body read_body(std::string_view kind, std::string_view text, const Host& origin) {
  std::vector<std::string> sections;
  std::string session_lines;
  for (const std::string& media : split(text, ',')) {
    auto words = split(media, ' ');
    if (words.size() < 2) throw std::invalid_argument("media: " + media);
    const auto at = words[1].find('@');
    const std::string address =
        at == std::string::npos ? origin.address : host(words[1].substr(at + 1)).address;
    std::string profile = "RTP/AVP 0";
    std::string attributes;
    for (std::size_t i = 2; i < words.size(); ++i) {
      std::string word = words[i];
      std::replace(word.begin(), word.end(), '_', ' ');
      if (begins(word, "session:")) {
        session_lines += "a=" + word.substr(8) + "\r\n";
      } else if (word.find('/') != std::string::npos && i == 2) {
        profile = word + " 0";
      } else {
        attributes += "|a=" + word;
      }
    }
    sections.push_back(address + "|" + words[0] + " " + words[1].substr(0, at) + " " + profile + attributes);
  }
  Body body{sdp(sections, session_lines),
            {},
            kind == "ice" ? "application/trickle-ice-sdpfrag" : "application/sdp"};
  body.headers = "Content-Type: " + body.content_type + "\r\n";
  if (kind == "early") body.headers += "Content-Disposition: early-session\r\n";
  return body;
}

// Takes the bodies off the end of a message line.
std::vector<Body> take_bodies(std::string& line, const Host& origin) {
  std::vector<Body> bodies;
  std::size_t first = std::string::npos;
  for (std::size_t at = line.find('['); at != std::string::npos; at = line.find('[', at + 1)) {
    const std::size_t end = line.find(']', at);
    if (end == std::string::npos) throw std::invalid_argument("no ]");
    const std::size_t kind = line.rfind(' ', at) + 1;
    bodies.push_back(read_body(std::string_view(line).substr(kind, at - kind),
                               std::string_view(line).substr(at + 1, end - at - 1), origin));
    first = std::min(first, kind);
  }
  line.resize(std::min(first, line.size()));
  return bodies;
}

void set_body(Sip& message, const std::vector<Body>& bodies) {
  if (bodies.size() == 1) {
    const bool early = bodies[0].headers.find("early-session") != std::string::npos;
    message.body = bodies[0].content;
    message.content_type = bodies[0].content_type;
    if (early) message.headers += "Content-Disposition: early-session\r\n";
  } else if (bodies.size() > 1) {
    message.content_type = "multipart/mixed;boundary=part";
    for (const Body& body : bodies)
      message.body += "--part\r\n" + body.headers + "\r\n" + body.content + "\r\n";
    message.body += "--part--\r\n";
  }
}

// ---- Messages ---------------------------------------------------------------------------------------------

struct Sent {
  FlowPacket packet;
  std::string label;
  bool failed = false;
};

struct Line {
  std::vector<Host> hops;
  std::string start;
  std::vector<std::string> tags;
  std::map<std::string, std::string> options;
  std::vector<Body> bodies;

  bool is_response() const { return start.find(' ') != std::string::npos; }
  std::string method() const { return is_response() ? start.substr(start.find(' ') + 1) : start; }
  std::string option(const std::string& name, const std::string& absent) const {
    auto found = options.find(name);
    return found == options.end() ? absent : found->second;
  }
};

Line read_line(std::string text) {
  Line line;
  const auto first_words = split(text, ' ');
  line.bodies = take_bodies(text, host(first_words.at(0)));
  const auto words = split(text, ' ');
  line.hops.push_back(host(words.at(0)));
  std::size_t at = 1;
  for (; at + 1 < words.size() && words[at] == ">"; at += 2) line.hops.push_back(host(words[at + 1]));
  if (line.hops.size() < 2 || at == words.size()) throw std::invalid_argument("no message");
  line.start = words[at++];
  if (line.start.find_first_not_of("0123456789") == std::string::npos) line.start += " " + words.at(at++);
  for (; at < words.size(); ++at) {
    const auto equals = words[at].find('=');
    if (words[at][0] == '#') {
      line.options["#"] = words[at];
    } else if (equals != std::string::npos) {
      line.options[words[at].substr(0, equals)] = words[at].substr(equals + 1);
    } else {
      line.tags.push_back(words[at]);
    }
  }
  return line;
}

class Writer {
 public:
  std::vector<FlowPacket> write(const Line& line) {
    std::vector<FlowPacket> packets;
    ++line_number_;
    const std::size_t hops = line.hops.size() - 1;
    const bool one_each = hops > 1 && line.bodies.size() == hops;
    for (std::size_t hop = 0; hop < hops; ++hop) {
      const Host& from = line.hops[hop];
      const Host& to = line.hops[hop + 1];
      Sip message = line.is_response() ? response(line, from, to) : request(line, from, to, hop);
      const std::string expires = line.option("expires", "");
      if (!expires.empty()) message.headers += "Session-Expires: " + expires + "\r\n";
      set_body(message, one_each ? std::vector{line.bodies[hop]} : line.bodies);
      packets.push_back({from, to, message});
      if (!line.is_response()) sent_.push_back({packets.back(), line.option("#", ""), false});
    }
    return packets;
  }

 private:
  static std::string call_id(const Line& line) { return line.option("call", "1") + "@example.com"; }

  // The last request of that method on that way, or the one that the line names.
  Sent* find(const std::string& method, const Line& line, const Host& from, const Host& to) {
    const std::string label = line.option("#", "");
    auto found = std::find_if(sent_.rbegin(), sent_.rend(), [&](const Sent& s) {
      const bool same_way = s.packet.from.address == from.address && s.packet.to.address == to.address;
      return same_way && s.packet.message.start == method && s.packet.message.call_id == call_id(line) &&
             (label.empty() || s.label == label);
    });
    return found == sent_.rend() ? nullptr : &*found;
  }

  Sent& answered(const std::string& method, const Line& line, const Host& from, const Host& to) {
    Sent* found = find(method, line, from, to);
    if (found == nullptr) throw std::invalid_argument("no such request on that way");
    return *found;
  }

  Sip response(const Line& line, const Host& from, const Host& to) {
    Sent& request = answered(line.method(), line, to, from);
    request.failed = line.start[0] >= '3';
    Sip message = request.packet.message;
    message.start = line.start;
    message.headers.clear();
    message.body.clear();
    if (!line.tags.empty()) message.to_tag = line.tags[0];
    const std::string rseq = line.option("rel", "");
    if (!rseq.empty()) message.headers = "Require: 100rel\r\nRSeq: " + rseq + "\r\n";
    return message;
  }

  Sip request(const Line& line, const Host& from, const Host& to, std::size_t hop) {
    Sip message;
    message.start = line.start;
    message.call_id = call_id(line);
    message.branch = "z9hG4bK-" + std::to_string(line_number_) + "-" + std::to_string(hop);
    if (line.start == "CANCEL") {
      const Sip& invite = answered("INVITE", line, from, to).packet.message;
      message.branch = invite.branch;
      message.from_tag = invite.from_tag;
      message.to_tag = invite.to_tag;
      message.cseq = invite.cseq;
      return message;
    }
    message.from_tag = line.tags.at(0);
    if (line.tags.size() > 1) message.to_tag = line.tags[1];
    auto& [cseq, invite_cseq] = cseq_[{message.call_id, message.from_tag}];
    if (line.start == "ACK") {
      message.cseq = invite_cseq;
      const Sent* invite = find("INVITE", line, from, to);
      if (invite != nullptr && invite->failed) message.branch = invite->packet.message.branch;
    } else {
      if (hop == 0) ++cseq;
      message.cseq = cseq;
    }
    const std::string given = line.option("cseq", "");
    if (!given.empty()) message.cseq = std::stoi(given);
    if (line.start == "INVITE") invite_cseq = message.cseq;
    if (line.start == "PRACK")
      message.headers =
          "RAck: " + line.option("rack", "1") + " " + std::to_string(invite_cseq) + " INVITE\r\n";
    return message;
  }

  std::vector<Sent> sent_;
  std::map<std::pair<std::string, std::string>, std::pair<int, int>> cseq_;  // last, and that of the INVITE
  int line_number_ = 0;
};

FlowStep read_step(const std::string& text, Writer& writer) {
  FlowStep step;
  step.text = text;
  const auto words = split(text, ' ');
  if (text[0] == '#') return step;
  if (words[0] == "restart") {
    step.kind = FlowStep::Kind::restart;
  } else if (words[0] == "wait") {
    step.kind = FlowStep::Kind::wait;
    step.duration = base::seconds{std::stol(words.at(1))};
  } else if (words[0] == "operator") {
    step.kind = FlowStep::Kind::close;
    step.call_id = words.at(2) + "@example.com";
  } else if (words.at(1) == "~>") {
    step.kind = FlowStep::Kind::media;
    const std::string& place = words.at(2);
    step.media_from = host(words[0]);
    step.media_to = host(place.substr(0, place.rfind(':')));
    step.media_to.port = static_cast<std::uint16_t>(std::stoi(place.substr(place.rfind(':') + 1)));
  } else {
    step.kind = FlowStep::Kind::message;
    step.packets = writer.write(read_line(text));
  }
  return step;
}

}  // namespace

std::vector<FlowStep> read_flow(std::string_view flow) {
  std::vector<FlowStep> steps;
  Writer writer;
  for (const std::string& line : split(flow, '\n')) {
    if (is_outcome(line)) {
      if (steps.empty()) throw std::invalid_argument("outcome of nothing: " + line);
      steps.back().expected.push_back(line);
      continue;
    }
    try {
      steps.push_back(read_step(line, writer));
    } catch (const std::exception& error) {
      throw std::invalid_argument("flow line \"" + line + "\": " + error.what());
    }
  }
  return steps;
}

std::string host_name(const std::string& address) {
  for (const auto& [name, its_address] : names) {
    if (its_address == address) return std::string(name);
  }
  return address;
}

}  // namespace dpinholer::test
