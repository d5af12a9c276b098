// SPDX-License-Identifier: GPL-2.0-or-later
#include "pipeline/scenario.h"

#include <algorithm>
#include <stdexcept>

#include "base/address.h"
#include "pinhole/element.h"

namespace dpinholer::test {

namespace {

base::Address address(const std::string& text) {
  auto parsed = base::Address::parse(text);
  if (!parsed) throw std::invalid_argument("not an address: " + text);
  return *parsed;
}

void put_u16(std::vector<std::uint8_t>& out, std::size_t value) {
  out.push_back(static_cast<std::uint8_t>(value >> 8 & 0xff));
  out.push_back(static_cast<std::uint8_t>(value & 0xff));
}

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::size_t begin = 0;
  for (std::size_t at = text.find(separator); at != std::string::npos; at = text.find(separator, begin)) {
    parts.push_back(text.substr(begin, at - begin));
    begin = at + 1;
  }
  parts.push_back(text.substr(begin));
  return parts;
}

std::string place(const pinhole::Key& key) {
  const std::string text = base::to_string(key.destination);
  return key.protocol == base::Protocol::tcp ? "tcp " + text : text;
}

std::string sources(const std::vector<base::Address>& from) {
  if (from.empty()) return "any";
  std::string text;
  for (const auto& source : from) text += (text.empty() ? "" : ",") + source.to_string();
  return text;
}

std::string label(const pinhole::Label& label) {
  return label.media + " " + std::string(negotiation::name(label.component));
}

std::string cause(negotiation::Cause cause) {
  return std::string(negotiation::name(cause)) + "\n";
}

std::string seconds_text(base::TimePoint time) {
  const double value = std::chrono::duration<double>(time.time_since_epoch()).count();
  std::string text = std::to_string(value);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  return text;
}

// By way of the comment that its elements have in the kernel.
pinhole::Recovered left_by(const pinhole::Change& change) {
  const auto content = pinhole::read_comment(pinhole::comment(change.label));
  if (!content) throw std::logic_error("a comment that can't be read");
  return {change.key,         change.from,   negotiation::media_of(content->media),
          content->component, content->call, content->call_hash,
          change.timeout};
}

}  // namespace

std::vector<std::uint8_t> udp_packet(const Host& source, const Host& destination, std::string_view payload) {
  const base::Address from = address(source.address);
  const base::Address to = address(destination.address);
  const std::size_t udp_length = 8 + payload.size();
  std::vector<std::uint8_t> packet;
  if (from.family() == base::Family::ipv4) {
    packet = {0x45, 0};
    put_u16(packet, 20 + udp_length);
    packet.insert(packet.end(), {0, 0, 0, 0, 64, 17, 0, 0});
  } else {
    packet = {0x60, 0, 0, 0};
    put_u16(packet, udp_length);
    packet.insert(packet.end(), {17, 64});
  }
  for (const base::Address& end : {from, to})
    packet.insert(packet.end(), end.bytes().begin(), end.bytes().end());
  put_u16(packet, source.port);
  put_u16(packet, destination.port);
  put_u16(packet, udp_length);
  put_u16(packet, 0);
  packet.insert(packet.end(), payload.begin(), payload.end());
  return packet;
}

std::string to_text(const Sip& message) {
  const auto words = split(message.start, ' ');
  const bool response = words.size() > 1;
  const std::string& method = words.back();
  std::string text =
      response ? "SIP/2.0 " + words.front() + " Reason\r\n" : method + " sip:callee@example.com SIP/2.0\r\n";
  text += "Via: SIP/2.0/UDP host.example.com";
  if (!message.branch.empty()) text += ";branch=" + message.branch;
  text += "\r\nMax-Forwards: 70\r\nFrom: <sip:caller@example.com>";
  if (!message.from_tag.empty()) text += ";tag=" + message.from_tag;
  text += "\r\nTo: <sip:callee@example.com>";
  if (!message.to_tag.empty()) text += ";tag=" + message.to_tag;
  text +=
      "\r\nCall-ID: " + message.call_id + "\r\nCSeq: " + std::to_string(message.cseq) + " " + method + "\r\n";
  text += message.headers;
  if (!message.body.empty()) text += "Content-Type: " + message.content_type + "\r\n";
  return text + "Content-Length: " + std::to_string(message.body.size()) + "\r\n\r\n" + message.body;
}

std::string Scenario::send(const Host& from, const Host& to, const Sip& message) {
  return send_raw(from, to, to_text(message));
}

std::string Scenario::send_raw(const Host& from, const Host& to, std::string_view payload) {
  return send_packet(udp_packet(from, to, payload));
}

std::string Scenario::send_packet(const std::vector<std::uint8_t>& packet) {
  pipeline_.process(packet, now_, outcome_, arrival_);
  return take(false);
}

std::string Scenario::send_packets(const std::vector<std::vector<std::uint8_t>>& packets) {
  std::string text;
  for (const auto& packet : packets) text += send_packet(packet);
  return text;
}

std::string Scenario::wait(base::seconds duration) {
  now_ += duration;
  pipeline_.advance(now_, outcome_);
  return take(true);
}

std::string Scenario::close(std::string_view call_id) {
  const bool known = pipeline_.close(call_id, now_, outcome_);
  return known ? take(false) : "not found\n";
}

std::string Scenario::restart() {
  std::vector<pinhole::Recovered> found;
  for (const OpenPinhole& pinhole : open_) found.push_back(pinhole.left);
  std::reverse(found.begin(), found.end());  // the kernel has an order of its own
  open_.clear();
  pipeline_ = Pipeline(settings_, host_);
  observe_connections();
  pipeline_.recover(found, now_, outcome_);
  return take(false);
}

// Shared with the observer, which must not know where this object lives.
void Scenario::observe_connections() {
  connections_ = std::make_shared<std::map<ip::StreamId, Connection>>();
  pipeline_.observe_connections(
      [all = connections_](ip::StreamId stream, const std::optional<Connection>& now) {
        if (now) all->insert_or_assign(stream, *now);
        if (!now) all->erase(stream);
      });
}

std::vector<Connection> Scenario::connections() const {
  std::vector<Connection> all;
  for (const auto& [stream, connection] : *connections_) all.push_back(connection);
  return all;
}

bool Scenario::media(const std::string& source, const std::string& destination, std::uint16_t port) {
  const pinhole::Key key{base::Protocol::udp, {address(destination), port}};
  if (!pipeline_.passes(key, address(source))) return false;
  pipeline_.media_seen(key, address(source), now_);
  return true;
}

std::string Scenario::open() const {
  std::vector<std::string> lines;
  for (const OpenPinhole& pinhole : open_) lines.push_back(place(pinhole.key) + " " + pinhole.from + "\n");
  std::sort(lines.begin(), lines.end());
  std::string text;
  for (const std::string& line : lines) text += line;
  return text;
}

std::string Scenario::take(bool with_time) {
  using Kind = pinhole::Change::Kind;
  std::string text;
  for (const pinhole::Change& change : outcome_.changes) {
    auto known =
        std::find_if(open_.begin(), open_.end(), [&](const OpenPinhole& o) { return o.key == change.key; });
    if (change.kind == Kind::refresh) {
      if (known != open_.end()) known->left.timeout = change.timeout;
      continue;
    }
    // A transcript that contradicts itself is a fault of the program, whatever the test looks at.
    if ((change.kind == Kind::open) != (known == open_.end()))
      throw std::logic_error("opened twice, or never");
    if (with_time) text += "+" + seconds_text(change.time) + " ";
    const std::string from = sources(change.from);
    switch (change.kind) {
      case Kind::open:
        open_.push_back({change.key, from, left_by(change)});
        text += "open " + place(change.key) + " " + from + " " + label(change.label) + " " +
                std::to_string(change.timeout.count()) + " " + cause(change.cause);
        break;
      case Kind::bind:
        if (known->from != sources(change.from_before)) throw std::logic_error("bound from what it was not");
        known->from = from;
        known->left.from = change.from;
        known->left.timeout = change.timeout;
        text += "bind " + place(change.key) + " " + from + " " + label(change.label) + " " +
                std::to_string(change.timeout.count()) + " " + cause(change.cause);
        break;
      case Kind::refresh:
        break;
      case Kind::close:
        if (known->from != from) throw std::logic_error("closed as what it was not");
        open_.erase(known);
        text += "close " + place(change.key) + " " + label(change.label) + " " + cause(change.cause);
        break;
    }
  }
  for (const pinhole::Refusal& refusal : outcome_.refusals) {
    text += "refuse " + refusal.address + ":" + std::to_string(refusal.port) + " " + label(refusal.label) +
            " " + cause(refusal.cause);
  }
  for (const scanners::Offence& offence : outcome_.offences) {
    if (with_time) text += "+" + seconds_text(offence.time) + " ";
    text += "ban " + offence.source.to_string() + " " + std::string(name(offence.cause)) + " " +
            offence.text + "\n";
  }
  for (const message::UnreadEvent& event : outcome_.unread) {
    unread_ += to_string(event.source) + " > " + to_string(event.destination) + " ";
    if (!event.call_id.empty()) unread_ += event.call_id + " ";
    unread_ +=
        std::string(name(event.what.cause)) + (event.what.text.empty() ? "" : ": " + event.what.text) + "\n";
  }
  for (const pinhole::FarNat& nat : outcome_.far_nats) {
    text += "nat " + nat.announced.to_string() + " from " + nat.source.to_string() + " " + nat.call_id + "\n";
  }
  outcome_ = {};
  return text;
}

std::string Scenario::unread() {
  return std::exchange(unread_, {});
}

}  // namespace dpinholer::test
