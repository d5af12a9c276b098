// SPDX-License-Identifier: GPL-2.0-or-later
#include "message/framing.h"

#include "base/limits.h"
#include "message/lexical.h"

// message      = *eol start-line eol *(field eol) eol body        eol = CRLF / LF
// start-line   = method SP request-uri SP version / version SP status SP reason
// field        = name *WSP ":" value                              value = *(octet / eol WSP)

namespace dpinholer::message {

namespace {

constexpr std::string_view sip_prefix = "SIP/";
constexpr std::string_view sip_version = "SIP/2.0";

enum class LineKind : std::uint8_t { sip, not_sip, malformed };

LineKind read_status_line(std::string_view line, StartLine& start) {
  if (!equal_ignoring_case(take_word(line), sip_version)) return LineKind::malformed;
  const std::string_view code = take_word(line);
  const auto status = read_number(code);
  if (code.size() != 3 || !status || *status < 100 || *status > 699) return LineKind::malformed;
  start.status = static_cast<std::uint16_t>(*status);
  return LineKind::sip;
}

LineKind read_request_line(std::string_view line, StartLine& start) {
  line = line.substr(0, line.find_last_not_of(' ') + 1);
  const auto last_space = line.rfind(' ');
  if (last_space == std::string_view::npos) return LineKind::not_sip;
  const std::string_view version = line.substr(last_space + 1);
  line = line.substr(0, last_space);
  start.method = take_word(line);
  if (!starts_with_ignoring_case(version, sip_prefix) || !is_token(start.method)) return LineKind::not_sip;
  if (!equal_ignoring_case(version, sip_version)) return LineKind::malformed;
  // The Request-URI itself says nothing to us; RFC 4475 section 3.1.2.7 lets even <> pass.
  const std::string_view uri = trim(line);
  const bool one_word = std::all_of(uri.begin(), uri.end(), is_visible);
  return uri.empty() || !one_word ? LineKind::malformed : LineKind::sip;
}

LineKind read_start_line(std::string_view line, StartLine& start) {
  start = {};
  return starts_with_ignoring_case(line, sip_prefix) ? read_status_line(line, start)
                                                     : read_request_line(line, start);
}

// RFC 3261 section 20, RFC 4028, RFC 3262.
std::optional<FieldName> known_name(std::string_view name) {
  constexpr struct {
    std::string_view name;
    char compact;
    FieldName field;
  } rows[] = {
      {"Call-ID", 'i', FieldName::call_id},
      {"Content-Disposition", '\0', FieldName::content_disposition},
      {"Content-Encoding", 'e', FieldName::content_encoding},
      {"Content-Length", 'l', FieldName::content_length},
      {"Content-Transfer-Encoding", '\0', FieldName::content_transfer_encoding},
      {"Content-Type", 'c', FieldName::content_type},
      {"CSeq", '\0', FieldName::cseq},
      {"From", 'f', FieldName::from},
      {"RAck", '\0', FieldName::rack},
      {"Require", '\0', FieldName::require},
      {"RSeq", '\0', FieldName::rseq},
      {"Session-Expires", 'x', FieldName::session_expires},
      {"To", 't', FieldName::to},
      {"Via", 'v', FieldName::via},
  };
  for (const auto& row : rows) {
    if (name.size() == 1 ? lower(name.front()) == row.compact : equal_ignoring_case(name, row.name))
      return row.field;
  }
  return std::nullopt;
}

bool has_stray_octets(std::string_view line) {
  if (line.find('\r') != std::string_view::npos) return true;
  for (auto at = line.find('\0'); at != std::string_view::npos; at = line.find('\0', at + 1)) {
    if (at == 0 || line[at - 1] != '\\') return true;
  }
  return false;
}

// Collects the fields line by line, so that a folded one can grow.
class FieldReader {
 public:
  explicit FieldReader(Header& header) : header_(header) {}

  bool take(std::string_view line) {
    if (has_stray_octets(line)) return false;
    return is_blank(line.front()) ? continue_field(line) : begin_field(line);
  }

  bool finish() { return end_field(); }

 private:
  bool begin_field(std::string_view line) {
    if (!end_field()) return false;
    const auto colon = line.find(':');
    if (colon == std::string_view::npos || ++fields_ > base::limits::header_fields) return false;
    const std::string_view name = trim(line.substr(0, colon));
    if (name.empty() || !std::all_of(name.begin(), name.end(), is_visible)) return false;
    name_ = known_name(name);
    value_ = line.substr(colon + 1);
    folded_ = false;
    return true;
  }

  bool continue_field(std::string_view line) {
    if (fields_ == 0 || trim(line).empty()) return false;
    value_ = {value_.data(), static_cast<std::size_t>(line.data() + line.size() - value_.data())};
    folded_ = true;
    return true;
  }

  bool end_field() {
    if (!name_) return true;
    const Field field{*name_, folded_, trim(value_)};
    name_.reset();
    if (field.name == FieldName::content_length) return read_content_length(field.value);
    header_.fields.push_back(field);
    return true;
  }

  bool read_content_length(std::string_view value) {
    const auto length = read_number(value);
    if (!length) return false;
    if (!header_.content_length) header_.content_length = length;
    header_.content_length_ambiguous |= header_.content_length != length;
    return true;
  }

  Header& header_;
  std::optional<FieldName> name_;  // of the field at hand, when it is one to keep
  std::string_view value_;
  bool folded_ = false;
  std::size_t fields_ = 0;
};

// Every line from `at`, the first field, to the empty one; or to the end, if that ends a line.
bool read_fields(std::string_view octets, std::size_t at, Header& header) {
  FieldReader reader(header);
  while (at < octets.size()) {
    const auto line_end = octets.find('\n', at);
    if (line_end == std::string_view::npos) return false;  // cut in the middle
    std::string_view line = octets.substr(at, line_end - at);
    at = line_end + 1;
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty()) break;
    if (!reader.take(line)) return false;
  }
  header.length = at;
  return reader.finish();
}

// The start line, of which `line_end` is the LF, or npos when there is none.
LineKind read_first_line(std::string_view octets, std::size_t begin, std::size_t line_end, StartLine& start) {
  std::string_view line = octets.substr(begin, line_end - begin);
  if (line.ends_with('\r')) line.remove_suffix(1);
  const LineKind kind = read_start_line(line, start);
  const bool whole = line_end != std::string_view::npos && !has_stray_octets(line);
  return kind == LineKind::sip && !whole ? LineKind::malformed : kind;
}

// Whether an empty line ends after `searched`.
bool has_empty_line(std::string_view octets, std::size_t searched) {
  for (auto at = octets.find('\n', searched); at != std::string_view::npos; at = octets.find('\n', at + 1)) {
    std::string_view before = octets.substr(0, at);
    if (before.ends_with('\r')) before.remove_suffix(1);
    if (before.ends_with('\n')) return true;
  }
  return false;
}

// Of a stream: whether the header is there as a whole, without reading any of it twice.
FrameStatus await_header(std::string_view octets, std::size_t begin, FramingProgress& progress) {
  if (!progress.start_line_read) {
    if (!is_token(octets.substr(begin, 1))) return FrameStatus::not_sip;
    const auto line_end = octets.find('\n', std::max(begin, progress.searched));
    progress.searched = std::min(line_end, octets.size());
    if (line_end == std::string_view::npos) return FrameStatus::need_more;
    StartLine start;
    const LineKind kind = read_first_line(octets, begin, line_end, start);
    if (kind == LineKind::not_sip) return FrameStatus::not_sip;
    if (kind == LineKind::malformed) return FrameStatus::malformed;
    progress.start_line_read = true;
    ++progress.searched;
  }
  if (has_empty_line(octets, progress.searched)) return FrameStatus::header;
  progress.searched = octets.size();
  return FrameStatus::need_more;
}

}  // namespace

FrameStatus read_header(std::string_view octets, Extent extent, FramingProgress& progress, Header& header) {
  const auto begin = octets.find_first_not_of("\r\n");
  if (begin == std::string_view::npos) return FrameStatus::keep_alive;
  if (extent == Extent::stream) {
    const FrameStatus status = await_header(octets, begin, progress);
    if (status != FrameStatus::header) return status;
  } else if (octets.find_first_not_of(std::string_view("\r\n\0", 3)) == std::string_view::npos) {
    return FrameStatus::keep_alive;  // NULs are seen on UDP only
  }
  const auto line_end = octets.find('\n', begin);
  header = {};
  switch (read_first_line(octets, begin, line_end, header.start)) {
    case LineKind::not_sip:
      return FrameStatus::not_sip;
    case LineKind::malformed:
      return FrameStatus::malformed;
    case LineKind::sip:
      break;
  }
  return read_fields(octets, line_end + 1, header) ? FrameStatus::header : FrameStatus::malformed;
}

bool read_part_header(std::string_view part, Header& header) {
  header = {};
  return read_fields(part, 0, header);
}

std::string_view unfold(const Field& field, std::string& scratch) {
  if (!field.folded) return field.value;
  scratch.clear();
  std::string_view rest = field.value;
  while (!rest.empty()) {
    const auto fold = rest.find_first_of("\r\n");
    std::string_view piece = rest.substr(0, fold);
    rest.remove_prefix(piece.size());
    rest.remove_prefix(std::min(rest.find_first_not_of(" \t\r\n"), rest.size()));
    while (!piece.empty() && is_blank(piece.back())) piece.remove_suffix(1);
    scratch += piece;
    if (!rest.empty()) scratch += ' ';
  }
  return scratch;
}

}  // namespace dpinholer::message
