// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace dpinholer::base {

enum class Family : std::uint8_t { ipv4, ipv6 };

/// Transport protocols of pinholes; the values are those of the IP header (IANA).
enum class Protocol : std::uint8_t { tcp = 6, udp = 17 };

/// "udp" or "tcp".
std::string_view name(Protocol protocol);

/// An IPv4 or IPv6 address. Value type; ordered by family, then by octets.
class Address {
 public:
  /// 0.0.0.0
  constexpr Address() = default;
  static Address v4(std::array<std::uint8_t, 4> octets);
  static Address v6(const std::array<std::uint8_t, 16>& octets);
  /// `octets` in network order; 4 or 16 of them, as the family has.
  static Address from_bytes(Family family, const std::uint8_t* octets);

  /// The strict textual forms only: four decimal octets without leading zeros (RFC 3986 IPv4address), or
  /// RFC 4291 section 2.2 without zone id and without brackets. Everything else (octal, hexadecimal, a
  /// single number, trailing dots, blanks) is refused, so that no two readers can disagree.
  static std::optional<Address> parse(std::string_view text);

  Family family() const { return family_; }
  /// 4 or 16 octets in network order; valid as long as this object.
  Bytes bytes() const { return {octets_.data(), family_ == Family::ipv4 ? 4U : 16U}; }
  /// RFC 5952 for IPv6.
  std::string to_string() const;

  /// The first address of the network of `bits` bits that contains it.
  Address masked(unsigned bits) const;

  bool is_unspecified() const;  ///< 0.0.0.0 or ::
  bool is_loopback() const;     ///< 127.0.0.0/8, ::1
  bool is_link_local() const;   ///< 169.254.0.0/16, fe80::/10
  bool is_private() const;      ///< of no network outside: RFC 1918, 100.64.0.0/10 (RFC 6598), fc00::/7
  bool is_multicast() const;    ///< 224.0.0.0/4, ff00::/8
  bool is_broadcast() const;    ///< 255.255.255.255
  bool is_reserved() const;     ///< 0.0.0.0/8 and 240.0.0.0/4: never a host's address (RFC 6890)
  bool is_ipv4_mapped()
      const;  ///< ::ffff:0:0/96, and the deprecated ::0:0/96 but :: and ::1 (RFC 4291 2.5.5)

  friend bool operator==(const Address&, const Address&) = default;
  friend std::strong_ordering operator<=>(const Address&, const Address&) = default;

 private:
  Family family_ = Family::ipv4;
  std::array<std::uint8_t, 16> octets_{};  // IPv4: the first four, the rest zero
};

/// An address prefix in CIDR notation.
class Network {
 public:
  Network() = default;
  Network(const Address& address)  // NOLINT: an address is a network of one
      : base_(address), length_(static_cast<std::uint8_t>(address.bytes().size() * 8)) {}
  /// "192.0.2.0/24", "2001:db8::/32", or a single address. Host bits must be zero.
  static std::optional<Network> parse(std::string_view text);

  /// One source: an IPv4 address, or all IPv6 addresses that have the first `ipv6_prefix` bits in common, of
  /// which one host may choose any it likes.
  static Network source(const Address& address, std::uint8_t ipv6_prefix);

  bool contains(const Address& address) const;
  bool overlaps(const Network& other) const { return contains(other.base_) || other.contains(base_); }
  bool is_one_address() const;
  const Address& first() const { return base_; }
  std::string to_string() const;
  /// The same, but a single address without its length.
  std::string text() const { return is_one_address() ? base_.to_string() : to_string(); }

  friend bool operator==(const Network&, const Network&) = default;
  friend std::strong_ordering operator<=>(const Network&, const Network&) = default;

 private:
  Address base_;
  std::uint8_t length_ = 0;  // bits
};

/// Where packets come from or go to.
struct Endpoint {
  Address address;
  std::uint16_t port = 0;

  friend bool operator==(const Endpoint&, const Endpoint&) = default;
  friend auto operator<=>(const Endpoint&, const Endpoint&) = default;
};

/// "192.0.2.1:5060", "[2001:db8::1]:5060".
std::string to_string(const Endpoint& endpoint);

}  // namespace dpinholer::base
