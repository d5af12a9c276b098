// SPDX-License-Identifier: GPL-2.0-or-later
#include "message/sdp_lines.h"

#include "base/limits.h"
#include "message/lexical.h"

// media-field   = media SP port ["/" integer] SP proto *(SP fmt)
// connection    = nettype SP addrtype SP connection-address       nettype = "IN"; addrtype = "IP4" / "IP6"
// address-IP4   = unicast / multicast "/" ttl ["/" integer]
// address-IP6   = unicast / multicast ["/" integer]
// rtcp          = port [SP nettype SP addrtype SP address]
// candidate     = foundation SP component SP transport SP priority SP address SP port SP "typ" SP type
//                 *(SP name SP value)                             name = "raddr" / "rport" / "tcptype" /
//                 token
//
// More than one space between words is overlooked: nobody reads such a line in another way.

namespace dpinholer::message {

namespace {

struct ProfileRow {
  std::string_view proto;
  bool prefix;  // whether more may follow
  Profile profile;
};

// From the IANA registry "proto", the first match stands. RFC 8866 section 8.2.2 lets each proto say what its
// transport is; that the others above UDP/ and TCP/ are one port each is what all registered ones have in
// common.
constexpr ProfileRow profile_rows[] = {
    {"RTP/AVP", false, Profile::rtp},      // RFC 3551
    {"RTP/SAVP", false, Profile::rtp},     // RFC 3711
    {"RTP/AVPF", false, Profile::rtp},     // RFC 4585
    {"RTP/SAVPF", false, Profile::rtp},    // RFC 5124
    {"UDP/TLS/RTP/", true, Profile::rtp},  // RFC 5764
    {"TCP", false, Profile::tcp},          // RFC 4145
    {"TCP/", true, Profile::tcp},          // RFC 4571, 4975, 8856, 8841, ...
    {"udp", false, Profile::udp},          // RFC 8866
    {"udptl", false, Profile::udp},        // RFC 3362
    {"udpsprt", false, Profile::udp},      // ITU-T V.150.1
    {"DTLS/SCTP", false, Profile::udp},    // drafts of RFC 8841
    {"UDP/", true, Profile::udp},          // UDP/TLS/UDPTL (RFC 7345), UDP/BFCP (RFC 8856), ...
    {"FEC/UDP", false, Profile::udp},      // RFC 6364
    {"FLUTE/UDP", false, Profile::udp},    // RFC 6968
};

Profile read_profile(std::string_view proto) {
  for (const auto& row : profile_rows) {
    if (row.prefix ? proto.size() > row.proto.size() && starts_with_ignoring_case(proto, row.proto)
                   : equal_ignoring_case(proto, row.proto)) {
      return row.profile;
    }
  }
  return Profile::unsupported;
}

std::optional<base::Family> read_network(std::string_view nettype, std::string_view addrtype) {
  if (!equal_ignoring_case(nettype, "IN")) return std::nullopt;
  if (equal_ignoring_case(addrtype, "IP4")) return base::Family::ipv4;
  if (equal_ignoring_case(addrtype, "IP6")) return base::Family::ipv6;
  return std::nullopt;
}

std::optional<base::Address> read_address(base::Family family, std::string_view text) {
  auto address = base::Address::parse(text);
  if (!address || address->family() != family) return std::nullopt;
  return address;
}

// The letter that the last label begins with tells a name from the many ways to misspell an address
// (RFC 1123 section 2.1): 0x7f.1, 127.1, 192.0.2.1. and 1.2.3.4a are neither.
bool is_host_name(std::string_view text) {
  for (char c : text) {
    if (!is_alpha(c) && !is_digit(c) && c != '.' && c != '-') return false;
  }
  const auto dot = text.rfind('.');
  const std::string_view last = dot == std::string_view::npos ? text : text.substr(dot + 1);
  return !last.empty() && is_alpha(last.front());
}

// "/127" or "/127/3" after an IPv4 multicast address, "/3" after an IPv6 one.
bool is_multicast_suffix(base::Family family, std::string_view suffix) {
  for (int numbers = family == base::Family::ipv4 ? 2 : 1; numbers > 0 && !suffix.empty(); --numbers) {
    if (suffix.front() != '/') return false;
    suffix.remove_prefix(1);
    const std::string_view number = suffix.substr(0, suffix.find('/'));
    if (!read_number(number)) return false;
    suffix.remove_prefix(number.size());
  }
  return suffix.empty();
}

}  // namespace

std::optional<MediaDescription> read_media_line(std::string_view value) {
  const std::string_view media = take_word(value);
  const std::string_view ports = take_word(value);
  const std::string_view proto = take_word(value);
  if (proto.empty()) return std::nullopt;
  const auto slash = ports.find('/');
  const auto port = read_u32(ports.substr(0, slash));
  const auto count = slash == std::string_view::npos ? 1 : read_u32(ports.substr(slash + 1));
  if (!port || !count || *count == 0) return std::nullopt;
  MediaDescription description;
  description.media = media.substr(0, base::limits::token_length);
  description.profile = read_profile(proto);
  description.port = *port;
  description.port_count = *count;
  return description;
}

std::optional<Connection> read_connection(std::string_view value) {
  const std::string_view nettype = take_word(value);
  const std::string_view addrtype = take_word(value);
  const std::string_view text = take_word(value);
  const auto family = read_network(nettype, addrtype);
  if (!family || !take_word(value).empty()) return std::nullopt;
  Connection connection;
  if (is_host_name(text)) {
    connection.kind = Connection::Kind::host_name;
    connection.host_name = text.substr(0, base::limits::host_name_length);
    return connection;
  }
  const std::string_view suffix = text.substr(std::min(text.find('/'), text.size()));
  const auto address = read_address(*family, text.substr(0, text.size() - suffix.size()));
  if (!address) return std::nullopt;
  if (!suffix.empty() && !(address->is_multicast() && is_multicast_suffix(*family, suffix)))
    return std::nullopt;
  connection.kind = Connection::Kind::address;
  connection.address = *address;
  return connection;
}

std::optional<RtcpAttribute> read_rtcp(std::string_view value) {
  const auto port = read_u32(take_word(value));
  if (!port) return std::nullopt;
  RtcpAttribute rtcp{*port, std::nullopt};
  const std::string_view nettype = take_word(value);
  if (nettype.empty()) return rtcp;
  const auto family = read_network(nettype, take_word(value));
  if (!family) return std::nullopt;
  rtcp.address = read_address(*family, take_word(value));
  if (!rtcp.address || !take_word(value).empty()) return std::nullopt;
  return rtcp;
}

std::optional<Setup> read_setup(std::string_view value) {
  static constexpr struct {
    std::string_view text;
    Setup setup;
  } rows[] = {{"active", Setup::active},
              {"passive", Setup::passive},
              {"actpass", Setup::actpass},
              {"holdconn", Setup::holdconn}};
  for (const auto& row : rows) {
    if (equal_ignoring_case(value, row.text)) return row.setup;
  }
  return std::nullopt;
}

std::optional<Candidate> read_candidate(std::string_view value) {
  const std::string_view foundation = take_word(value);
  const auto component = read_number(take_word(value));
  const std::string_view transport = take_word(value);
  const auto priority = read_number(take_word(value));
  const auto address = base::Address::parse(take_word(value));
  const auto port = read_u32(take_word(value));
  const bool typ = equal_ignoring_case(take_word(value), "typ");
  const std::string_view type = take_word(value);
  if (foundation.empty() || !component || *component < 1 || *component > 256) return std::nullopt;
  if (!priority || !address || !port || !typ || type.empty()) return std::nullopt;

  Candidate candidate;
  candidate.component = static_cast<std::uint16_t>(*component);
  candidate.port = *port;
  candidate.address = *address;
  if (equal_ignoring_case(transport, "UDP")) return candidate;
  if (!equal_ignoring_case(transport, "TCP")) return std::nullopt;
  candidate.protocol = base::Protocol::tcp;
  for (auto name = take_word(value); !name.empty(); name = take_word(value)) {
    const std::string_view text = take_word(value);
    if (name != "tcptype") continue;
    using enum Candidate::TcpType;
    if (equal_ignoring_case(text, "active")) candidate.tcp_type = active;
    if (equal_ignoring_case(text, "passive")) candidate.tcp_type = passive;
    if (equal_ignoring_case(text, "so")) candidate.tcp_type = simultaneous_open;
    break;
  }
  return candidate;
}

}  // namespace dpinholer::message
