// SPDX-License-Identifier: GPL-2.0-or-later
#include "message/websocket.h"

#include <algorithm>
#include <utility>

#include "message/lexical.h"

// frame  = %x: FIN RSV1-3 opcode(4) | MASK length(7) | [length(16) / length(64)] | [key(32)] | payload
// opcode = 0 continuation, 1 text, 2 binary, 8 close, 9 ping, 10 pong

namespace dpinholer::message {

namespace {

constexpr std::size_t longest_control_payload = 125;
constexpr std::size_t longest_http_header = 16384;

bool has_token(std::string_view list, std::string_view token) {
  while (!list.empty()) {
    const std::string_view item = list.substr(0, list.find(','));
    if (equal_ignoring_case(trim(item), token)) return true;
    list.remove_prefix(std::min(list.size(), item.size() + 1));
  }
  return false;
}

// What of an HTTP header tells about the upgrade.
struct HttpFields {
  bool upgrade = false;
  bool sip = false;
  bool extensions = false;
};

HttpFields read_fields(std::string_view lines) {
  HttpFields fields;
  while (!lines.empty()) {
    const auto line_end = std::min(lines.find("\r\n"), lines.size());
    const std::string_view line = lines.substr(0, line_end);
    lines.remove_prefix(std::min(lines.size(), line_end + 2));
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    const std::string_view name = line.substr(0, colon);
    const std::string_view value = trim(line.substr(colon + 1));
    if (equal_ignoring_case(name, "Upgrade")) fields.upgrade |= has_token(value, "websocket");
    if (equal_ignoring_case(name, "Sec-WebSocket-Protocol")) fields.sip |= has_token(value, "sip");
    if (equal_ignoring_case(name, "Sec-WebSocket-Extensions")) fields.extensions |= !value.empty();
  }
  return fields;
}

UpgradeHeader read_upgrade(std::string_view octets, std::string_view first, bool offers_extensions,
                           std::size_t& searched) {
  const std::size_t known = std::min(octets.size(), first.size());
  if (octets.substr(0, known) != first.substr(0, known)) return {Upgrade::other, 0};
  const auto end = octets.find("\r\n\r\n", searched);
  if (end == std::string_view::npos) {
    searched = octets.size() - std::min<std::size_t>(octets.size(), 3);
    return {octets.size() > longest_http_header ? Upgrade::other : Upgrade::need_more, 0};
  }
  searched = 0;
  const HttpFields fields = read_fields(octets.substr(octets.find("\r\n") + 2, end - octets.find("\r\n")));
  const bool agreed = fields.upgrade && fields.sip && (offers_extensions || !fields.extensions);
  return {agreed ? Upgrade::agreed : Upgrade::other, end + 4};
}

}  // namespace

UpgradeHeader read_upgrade_request(std::string_view octets, std::size_t& searched) {
  return read_upgrade(octets, "GET ", true, searched);
}

// An extension that the server accepts, compression for one, changes what the frames mean.
UpgradeHeader read_upgrade_response(std::string_view octets, std::size_t& searched) {
  return read_upgrade(octets, "HTTP/1.1 101", false, searched);
}

void FrameReader::release() {
  if (std::exchange(complete_, false)) message_ = std::string();
}

FrameReader::Step FrameReader::next(base::Bytes octets) {
  release();
  if (octets.size() < 2) return {};
  const bool final = (octets[0] & 0x80) != 0;
  const bool reserved = (octets[0] & 0x70) != 0;
  const unsigned opcode = octets[0] & 0x0f;
  const bool masked = (octets[1] & 0x80) != 0;
  std::uint64_t length = octets[1] & 0x7f;
  std::size_t header = 2;
  if (length >= 126) {
    const std::size_t digits = length == 126 ? 2 : 8;
    if (octets.size() < header + digits) return {};
    length = 0;
    for (std::size_t i = 0; i < digits; ++i) length = length << 8 | octets[header + i];
    header += digits;
  }
  const bool control = opcode >= 8;
  const bool known = opcode <= 2 || (opcode >= 8 && opcode <= 10);
  const bool in_sequence = control || (opcode == 0) == in_message_;
  const bool control_fits = !control || (final && length <= longest_control_payload);
  if (reserved || !known || masked != masked_ || !in_sequence || !control_fits) return {Status::malformed, 0};
  if (!control && length > bound_ - std::min(bound_, message_.size())) return {Status::over_bound, 0};

  const std::size_t mask = header;
  if (masked) header += 4;
  if (octets.size() < header + length) return {};
  const auto payload = octets.subspan(header, static_cast<std::size_t>(length));
  const std::size_t consumed = header + payload.size();
  if (control) return {Status::other, consumed};
  for (std::size_t i = 0; i < payload.size(); ++i) {
    const std::uint8_t key = masked ? octets[mask + i % 4] : std::uint8_t{0};
    message_ += static_cast<char>(payload[i] ^ key);
  }
  in_message_ = !final;
  complete_ = final;
  return {final ? Status::message : Status::other, consumed};
}

}  // namespace dpinholer::message
