// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.h"
#include "message/unread.h"

namespace dpinholer::message {

/// The meaning of a media description's protocol field for pinholes.
enum class Profile : std::uint8_t {
  rtp,          ///< RTP/AVP and its kin over UDP: RTP and RTCP
  udp,          ///< udptl, UDP/DTLS/SCTP, UDP/BFCP, udp, ...: one UDP port
  tcp,          ///< TCP/MSRP, TCP/BFCP, TCP/RTP/AVP, ...: one TCP port
  unsupported,  ///< anything else (DCCP, ATM, ...): opens nothing
};

/// RFC 8866 section 6.7; a media-level attribute wins over the session's.
enum class Direction : std::uint8_t { sendrecv, sendonly, recvonly, inactive };

/// RFC 4145 section 4; `absent` is not the same as its default, which depends on offer or answer.
enum class Setup : std::uint8_t { absent, active, passive, actpass, holdconn };

/// Connection data (RFC 8866 section 5.7), from the media description or else from the session.
struct Connection {
  enum class Kind : std::uint8_t { absent, address, host_name };
  Kind kind = Kind::absent;
  base::Address address;  ///< when `kind` is address; may be unspecified, multicast, ...
  std::string host_name;  ///< when `kind` is host_name, as written, cut at 255 octets (RFC 1035)

  friend bool operator==(const Connection&, const Connection&) = default;
};

/// RFC 8839 section 5.1 and RFC 6544 section 4.5.
struct Candidate {
  enum class TcpType : std::uint8_t { none, active, passive, simultaneous_open };
  base::Protocol protocol = base::Protocol::udp;
  TcpType tcp_type = TcpType::none;
  std::uint16_t component = 1;  ///< 1 RTP (or the only one), 2 RTCP
  std::uint32_t port = 0;       ///< may exceed 65535; the policy refuses such a one
  base::Address address;

  /// Whether a peer may send to it: not to port 0 or 9, nor over TCP to an end that does not listen.
  bool may_open() const;

  friend bool operator==(const Candidate&, const Candidate&) = default;
};

/// RFC 3605.
struct RtcpAttribute {
  std::uint32_t port = 0;
  std::optional<base::Address> address;  ///< absent: the media description's own

  friend bool operator==(const RtcpAttribute&, const RtcpAttribute&) = default;
};

/// One m= section. A section whose m= line could not be read is there too, as `Profile::unsupported` with
/// port 0, so that indices stay those of the SDP.
struct MediaDescription {
  std::string media;  ///< "audio"; at most limits::token_length octets
  Profile profile = Profile::unsupported;
  std::uint32_t port = 0;        ///< may exceed 65535; the policy refuses such a one
  std::uint32_t port_count = 1;  ///< m=audio 49170/2; at least 1
  Connection connection;
  std::optional<RtcpAttribute> rtcp;
  bool rtcp_mux = false;       ///< RFC 5761
  bool rtcp_mux_only = false;  ///< RFC 8858
  bool bundle_only = false;    ///< RFC 9143
  bool ice = false;            ///< candidates, or an ice-ufrag here or at session level (RFC 8839)
  Direction direction = Direction::sendrecv;
  Setup setup = Setup::absent;
  std::string mid;                    ///< RFC 5888; empty when there is none
  std::vector<Candidate> candidates;  ///< those that may open something
  /// Addresses of the others, each once: media may come from there. At most limits::silent_addresses.
  std::vector<base::Address> silent;

  /// Adds one to them; false when it is there already, or over the bound.
  bool add_silent(const base::Address& address);

  friend bool operator==(const MediaDescription&, const MediaDescription&) = default;
};

/// Bounds of one session description, from `[limits]` of the configuration.
struct DescriptionLimits {
  std::size_t media_sections = 16;
  std::size_t candidates = 128;  ///< of all sections together, those that may open something
  bool ice = true;               ///< false: candidates are not read (media.ice = "ignore")

  friend bool operator==(const DescriptionLimits&, const DescriptionLimits&) = default;
};

/// The parts of an SDP (RFC 8866) that matter to pinholes.
struct SessionDescription {
  std::vector<MediaDescription> media;
  std::vector<std::vector<std::string>> bundles;  ///< mids of each a=group:BUNDLE, in order (RFC 9143)
  /// More media descriptions or candidates than the limits allow: `media` then holds those read so far, to
  /// name them in the refusal, and none of it may open anything.
  bool over_limit = false;

  friend bool operator==(const SessionDescription&, const SessionDescription&) = default;
};

/// Reads a body of type application/sdp, or application/trickle-ice-sdpfrag (RFC 8840), whose m= lines and
/// mids relate candidates to the sections of an earlier description.
///
/// Never fails: a line that can't be read is skipped, v= o= s= t= may be missing, line ends may be CRLF or
/// LF. Linear in the length of `body`; stops at the first bound that is passed.
///
/// `unread`, unless it says something already: the first media description of a body of type application/sdp
/// that asks for something and can't be given it, since it can't be read or has no connection data.
SessionDescription read_session_description(std::string_view body, const DescriptionLimits& limits,
                                            std::optional<Unread>& unread);
SessionDescription read_session_description(std::string_view body, const DescriptionLimits& limits);

}  // namespace dpinholer::message
