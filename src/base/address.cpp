// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

namespace dpinholer::base {

namespace {

constexpr std::size_t longest_text = 45;  // INET6_ADDRSTRLEN less the NUL

// IPv4address = dec-octet 3("." dec-octet), dec-octet without leading zeros
std::optional<std::array<std::uint8_t, 4>> parse_ipv4(std::string_view text) {
  std::array<std::uint8_t, 4> octets{};
  const char* at = text.data();
  const char* end = at + text.size();
  for (std::size_t i = 0; i < octets.size(); ++i) {
    if (i > 0 && (at == end || *at++ != '.')) return std::nullopt;
    auto [next, error] = std::from_chars(at, end, octets[i]);
    if (error != std::errc{} || (*at == '0' && next - at > 1)) return std::nullopt;
    at = next;
  }
  if (at != end) return std::nullopt;
  return octets;
}

}  // namespace

std::string_view name(Protocol protocol) {
  switch (protocol) {
    case Protocol::tcp:
      return "tcp";
    case Protocol::udp:
      return "udp";
  }
  return "";
}

Address Address::v4(std::array<std::uint8_t, 4> octets) { return from_bytes(Family::ipv4, octets.data()); }

Address Address::v6(const std::array<std::uint8_t, 16>& octets) {
  return from_bytes(Family::ipv6, octets.data());
}

Address Address::from_bytes(Family family, const std::uint8_t* octets) {
  Address address;
  address.family_ = family;
  std::copy_n(octets, family == Family::ipv4 ? 4 : 16, address.octets_.begin());
  return address;
}

std::optional<Address> Address::parse(std::string_view text) {
  if (text.empty() || text.size() > longest_text) return std::nullopt;
  if (text.find(':') == std::string_view::npos) {
    auto octets = parse_ipv4(text);
    if (!octets) return std::nullopt;
    return v4(*octets);
  }
  // inet_pton knows RFC 4291 exactly, and no zone ids, but needs a NUL at the end.
  std::array<char, longest_text + 1> terminated{};
  std::copy(text.begin(), text.end(), terminated.begin());
  if (text.find('\0') != std::string_view::npos) return std::nullopt;
  std::array<std::uint8_t, 16> octets{};
  if (inet_pton(AF_INET6, terminated.data(), octets.data()) != 1) return std::nullopt;
  return v6(octets);
}

std::string Address::to_string() const {
  std::array<char, INET6_ADDRSTRLEN> text{};
  inet_ntop(family_ == Family::ipv4 ? AF_INET : AF_INET6, octets_.data(), text.data(), text.size());
  return text.data();
}

Address Address::masked(unsigned bits) const {
  Address first = *this;
  for (unsigned bit = bits; bit < bytes().size() * 8; ++bit) {
    first.octets_[bit / 8] &= static_cast<std::uint8_t>(~(0x80U >> bit % 8));
  }
  return first;
}

bool Address::is_unspecified() const {
  return std::all_of(octets_.begin(), octets_.end(), [](std::uint8_t octet) { return octet == 0; });
}

bool Address::is_loopback() const {
  if (family_ == Family::ipv4) return octets_[0] == 127;
  return octets_[15] == 1 && std::all_of(octets_.begin(), octets_.end() - 1, [](auto octet) { return octet == 0; });
}

bool Address::is_link_local() const {
  if (family_ == Family::ipv4) return octets_[0] == 169 && octets_[1] == 254;
  return octets_[0] == 0xfe && (octets_[1] & 0xc0) == 0x80;
}

bool Address::is_private() const {
  if (family_ == Family::ipv6) return (octets_[0] & 0xfe) == 0xfc;
  return octets_[0] == 10 || (octets_[0] == 172 && (octets_[1] & 0xf0) == 16) ||
         (octets_[0] == 192 && octets_[1] == 168) || (octets_[0] == 100 && (octets_[1] & 0xc0) == 64);
}

bool Address::is_multicast() const {
  if (family_ == Family::ipv4) return (octets_[0] & 0xf0) == 0xe0;
  return octets_[0] == 0xff;
}

bool Address::is_broadcast() const {
  return family_ == Family::ipv4 && std::all_of(octets_.begin(), octets_.begin() + 4, [](auto o) { return o == 255; });
}

bool Address::is_reserved() const {
  return family_ == Family::ipv4 && (octets_[0] == 0 || (octets_[0] & 0xf0) == 0xf0);
}

bool Address::is_ipv4_mapped() const {
  if (family_ == Family::ipv4 || is_unspecified() || is_loopback()) return false;
  bool zeros = std::all_of(octets_.begin(), octets_.begin() + 10, [](auto octet) { return octet == 0; });
  bool mapped = octets_[10] == 0xff && octets_[11] == 0xff;
  bool compatible = octets_[10] == 0 && octets_[11] == 0;
  return zeros && (mapped || compatible);
}

std::optional<Network> Network::parse(std::string_view text) {
  auto slash = text.find('/');
  auto address = Address::parse(text.substr(0, slash));
  if (!address) return std::nullopt;
  Network network;
  network.base_ = *address;
  auto bits = static_cast<std::uint8_t>(address->bytes().size() * 8);
  network.length_ = bits;
  if (slash != std::string_view::npos) {
    std::string_view digits = text.substr(slash + 1);
    auto [next, error] = std::from_chars(digits.data(), digits.data() + digits.size(), network.length_);
    if (error != std::errc{} || next != digits.data() + digits.size() || network.length_ > bits) {
      return std::nullopt;
    }
  }
  for (unsigned bit = network.length_; bit < bits; ++bit) {
    if (address->bytes()[bit / 8] >> (7 - bit % 8) & 1) return std::nullopt;
  }
  return network;
}

Network Network::source(const Address& address, std::uint8_t ipv6_prefix) {
  Network network(address);
  if (address.family() == Family::ipv4 || ipv6_prefix >= network.length_) return network;
  network.base_ = address.masked(ipv6_prefix);
  network.length_ = ipv6_prefix;
  return network;
}

bool Network::contains(const Address& address) const {
  if (address.family() != base_.family()) return false;
  Bytes ours = base_.bytes();
  Bytes theirs = address.bytes();
  const std::size_t whole = length_ / 8;
  if (!std::equal(ours.begin(), ours.begin() + static_cast<std::ptrdiff_t>(whole), theirs.begin())) return false;
  const unsigned rest = length_ % 8;
  return rest == 0 || (ours[whole] ^ theirs[whole]) >> (8 - rest) == 0;
}

bool Network::is_one_address() const {
  return length_ == base_.bytes().size() * 8;
}

std::string Network::to_string() const { return base_.to_string() + "/" + std::to_string(length_); }

std::string to_string(const Endpoint& endpoint) {
  std::string text = endpoint.address.to_string();
  if (endpoint.address.family() == Family::ipv6) text = "[" + text + "]";
  return text + ":" + std::to_string(endpoint.port);
}

}  // namespace dpinholer::base
