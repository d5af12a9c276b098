// SPDX-License-Identifier: GPL-2.0-or-later
// libosip2 has an SDP parser too. It gives up on the first line that it can't read, insists on v=, o=, s= and
// t= in their order, knows no attributes, and keeps ports as text; what phones send and calls.md section 7
// asks for is the opposite, and the format is simple enough to be read here.
#include "message/session_description.h"

#include <algorithm>

#include "base/limits.h"
#include "message/lexical.h"
#include "message/sdp_lines.h"

// session-description = *line
// line                = type "=" value (CRLF / LF)       type = one letter
// attribute           = "a=" name [":" value]
//
// Lines before the first m= are the session's, the others belong to the m= before them.

namespace dpinholer::message {

namespace {

std::optional<Direction> read_direction(std::string_view name) {
  static constexpr struct {
    std::string_view name;
    Direction direction;
  } rows[] = {{"sendrecv", Direction::sendrecv},
              {"sendonly", Direction::sendonly},
              {"recvonly", Direction::recvonly},
              {"inactive", Direction::inactive}};
  for (const auto& row : rows) {
    if (name == row.name) return row.direction;
  }
  return std::nullopt;
}

// RFC 6544 section 4.5: the end only connects out. RFC 8840: it is not known yet.
constexpr std::uint32_t discard_port = 9;

std::string cut_token(std::string_view text) {
  return std::string(text.substr(0, base::limits::token_length));
}

class Reader {
 public:
  explicit Reader(const DescriptionLimits& limits) : limits_(limits) {}

  SessionDescription read(std::string_view body, std::optional<Unread>& unread) {
    std::string_view rest = body;
    while (!rest.empty() && !description_.over_limit) read_line(take_line(rest));
    if (!unread && !description_.over_limit) unread = find_unread(body);
    return std::move(description_);
  }

 private:
  // The values for all sections, until a section says otherwise.
  struct SessionLevel {
    Connection connection;
    Direction direction = Direction::sendrecv;
    Setup setup = Setup::absent;
    bool ice = false;
  };

  // Ports 0 and 9 ask for nothing (RFC 3264 section 6, RFC 8840 section 4.1.1).
  static bool asks(std::uint32_t port) { return port != 0 && port != discard_port; }

  std::optional<Unread> find_unread(std::string_view body) const {
    if (!body.empty() && !has_lines_) return message::unread(UnreadCause::syntax, body);
    for (std::size_t i = 0; i < description_.media.size(); ++i) {
      const MediaDescription& media = description_.media[i];
      const auto& [line, readable] = media_lines_[i];
      const bool wanted = asks(media.port) || (media.port != 0 && !media.candidates.empty());
      if (!readable || (media.profile == Profile::unsupported && wanted))
        return message::unread(UnreadCause::syntax, line);
      if (asks(media.port) && media.connection.kind == Connection::Kind::absent)
        return message::unread(UnreadCause::connection, bad_connection_.empty() ? line : bad_connection_);
    }
    return std::nullopt;
  }

  void read_line(std::string_view line) {
    if (line.size() < 2 || line[1] != '=') return;
    has_lines_ = true;
    // Readers differ on what stands behind these octets; a section is still a section.
    const bool readable = find_one_of<'\r', '\0'>(line) == line.size();
    const std::string_view value = line.substr(2, line.find_last_not_of(' ') - 1);
    if (line[0] == 'm') read_media(readable ? read_media_line(value) : std::nullopt, line);
    if (!readable) return;
    if (line[0] == 'c') read_connection_line(value, line);
    if (line[0] == 'a') read_attribute(value);
  }

  void read_media(std::optional<MediaDescription> section, std::string_view line) {
    if (description_.media.size() >= limits_.media_sections) {
      description_.over_limit = true;
      return;
    }
    in_readable_section_ = section.has_value();
    media_lines_.push_back({line, in_readable_section_});
    description_.media.push_back(std::move(section).value_or(MediaDescription{}));
    MediaDescription& added = description_.media.back();
    added.connection = session_.connection;
    added.direction = session_.direction;
    added.setup = session_.setup;
    added.ice = session_.ice;
    has_own_connection_ = has_own_setup_ = has_own_direction_ = false;
  }

  // RFC 8866 section 5.7: several in one section are for layered multicast, so the first stands.
  void read_connection_line(std::string_view value, std::string_view line) {
    auto& connection = in_session() ? session_.connection : section().connection;
    if (has_own_connection_) return;
    auto read = read_connection(value);
    if (!read) {
      if (bad_connection_.empty()) bad_connection_ = line;
      return;
    }
    connection = std::move(*read);
    has_own_connection_ = true;
  }

  void read_attribute(std::string_view text) {
    const auto colon = text.find(':');
    const std::string_view name = text.substr(0, colon);
    const std::string_view value =
        colon == std::string_view::npos ? std::string_view{} : text.substr(colon + 1);
    if (name == "setup") {
      read_setup_attribute(value);
    } else if (name == "ice-ufrag") {
      (in_session() ? session_.ice : section().ice) = true;
    } else if (const auto direction = read_direction(name)) {
      if (!has_own_direction_) (in_session() ? session_.direction : section().direction) = *direction;
      has_own_direction_ = true;
    } else if (in_session()) {
      if (name == "group") read_group(value);
    } else {
      read_section_attribute(name, value);
    }
  }

  void read_setup_attribute(std::string_view value) {
    const auto setup = read_setup(value);
    if (!setup || has_own_setup_) return;
    (in_session() ? session_.setup : section().setup) = *setup;
    has_own_setup_ = true;
  }

  void read_section_attribute(std::string_view name, std::string_view value) {
    if (name == "mid") {
      if (section().mid.empty()) section().mid = cut_token(value);
    } else if (!in_readable_section_) {
      return;  // nothing else of such a section may count
    } else if (name == "candidate") {
      read_candidate_attribute(value);
    } else if (name == "rtcp") {
      if (!section().rtcp) section().rtcp = read_rtcp(value);
    } else if (name == "rtcp-mux") {
      section().rtcp_mux = true;
    } else if (name == "rtcp-mux-only") {
      section().rtcp_mux_only = true;
    } else if (name == "bundle-only") {
      section().bundle_only = true;
    }
  }

  void read_candidate_attribute(std::string_view value) {
    section().ice = true;
    if (!limits_.ice) return;
    auto candidate = read_candidate(value);
    if (!candidate) return;
    if (!candidate->may_open()) {
      section().add_silent(candidate->address);
      return;
    }
    if (candidates_ >= limits_.candidates) {
      description_.over_limit = true;
      return;
    }
    ++candidates_;
    section().candidates.push_back(*candidate);
  }

  // group-attribute = "a=group:" semantics *(SP mid)   (RFC 5888)
  void read_group(std::string_view value) {
    if (take_word(value) != "BUNDLE" || description_.bundles.size() >= base::limits::bundle_groups) return;
    auto& mids = description_.bundles.emplace_back();
    for (auto mid = take_word(value); !mid.empty() && mids.size() < base::limits::bundle_groups;
         mid = take_word(value)) {
      mids.push_back(cut_token(mid));
    }
  }

  bool in_session() const { return description_.media.empty(); }
  MediaDescription& section() { return description_.media.back(); }

  struct MediaLine {
    std::string_view text;
    bool readable;
  };

  const DescriptionLimits& limits_;
  SessionDescription description_;
  std::vector<MediaLine> media_lines_;  // of its media
  std::string_view bad_connection_;     // the first c= line that can't be read
  bool has_lines_ = false;
  SessionLevel session_;
  std::size_t candidates_ = 0;
  bool in_readable_section_ = false;
  bool has_own_connection_ = false;  // of the section at hand, or of the session while there is none
  bool has_own_setup_ = false;
  bool has_own_direction_ = false;
};

}  // namespace

bool Candidate::may_open() const {
  if (port == 0 || port == discard_port) return false;
  return protocol == base::Protocol::udp || tcp_type == TcpType::passive ||
         tcp_type == TcpType::simultaneous_open;
}

bool MediaDescription::add_silent(const base::Address& address) {
  if (silent.size() >= base::limits::silent_addresses) return false;
  if (std::find(silent.begin(), silent.end(), address) != silent.end()) return false;
  silent.push_back(address);
  return true;
}

SessionDescription read_session_description(std::string_view body, const DescriptionLimits& limits,
                                            std::optional<Unread>& unread) {
  return Reader(limits).read(body, unread);
}

SessionDescription read_session_description(std::string_view body, const DescriptionLimits& limits) {
  std::optional<Unread> unread;
  return read_session_description(body, limits, unread);
}

}  // namespace dpinholer::message
