// SPDX-License-Identifier: GPL-2.0-or-later
#include "message/framing.h"

#include <array>
#include <utility>

#include "base/limits.h"
#include "message/lexical.h"

// message      = *eol start-line eol *(field eol) eol body        eol = CRLF / LF
// start-line   = method SP request-uri SP version / version SP status SP reason
// field        = name *WSP ":" value                              value = *(octet / eol WSP)

namespace dpinholer::message {

namespace {

constexpr std::string_view sip_prefix = "SIP/";
constexpr std::string_view sip_version = "SIP/2.0";

constexpr std::size_t usual_fields = 12;  // of those that are looked at, so that most messages allocate once

// These three: `header` when it is the first line of one, not_sip, or malformed.
FrameStatus read_status_line(std::string_view line, StartLine& start) {
  if (!equal_ignoring_case(take_word(line), sip_version)) return FrameStatus::malformed;
  const std::string_view code = take_word(line);
  const auto status = read_number(code);
  if (code.size() != 3 || !status || *status < 100 || *status > 699) return FrameStatus::malformed;
  start.status = static_cast<std::uint16_t>(*status);
  return FrameStatus::header;
}

FrameStatus read_request_line(std::string_view line, StartLine& start) {
  line = line.substr(0, line.find_last_not_of(' ') + 1);
  const auto last_space = line.rfind(' ');
  if (last_space == std::string_view::npos) return FrameStatus::not_sip;
  const std::string_view version = line.substr(last_space + 1);
  line = line.substr(0, last_space);
  start.method = take_word(line);
  if (!starts_with_ignoring_case(version, sip_prefix) || !is_token(start.method)) return FrameStatus::not_sip;
  if (!equal_ignoring_case(version, sip_version)) return FrameStatus::malformed;
  // The Request-URI is taken as it is; RFC 4475 section 3.1.2.7 lets even <> pass.
  start.uri = trim(line);
  return start.uri.empty() || !is_visible_text(start.uri) ? FrameStatus::malformed : FrameStatus::header;
}

FrameStatus read_start_line(std::string_view line, StartLine& start) {
  start = {};
  return starts_with_ignoring_case(line, sip_prefix) ? read_status_line(line, start)
                                                     : read_request_line(line, start);
}

// RFC 3261 section 20, RFC 4028, RFC 3262, RFC 2045; by length, because most names are told apart by that.
struct NameRow {
  std::string_view name;
  FieldName field;
};
constexpr std::array<NameRow, 23> name_rows = {{
    {"c", FieldName::content_type},
    {"e", FieldName::content_encoding},
    {"f", FieldName::from},
    {"i", FieldName::call_id},
    {"l", FieldName::content_length},
    {"t", FieldName::to},
    {"v", FieldName::via},
    {"x", FieldName::session_expires},
    {"To", FieldName::to},
    {"Via", FieldName::via},
    {"CSeq", FieldName::cseq},
    {"From", FieldName::from},
    {"RAck", FieldName::rack},
    {"RSeq", FieldName::rseq},
    {"Call-ID", FieldName::call_id},
    {"Require", FieldName::require},
    {"User-Agent", FieldName::user_agent},
    {"Content-Type", FieldName::content_type},
    {"Content-Length", FieldName::content_length},
    {"Session-Expires", FieldName::session_expires},
    {"Content-Encoding", FieldName::content_encoding},
    {"Content-Disposition", FieldName::content_disposition},
    {"Content-Transfer-Encoding", FieldName::content_transfer_encoding},
}};
constexpr std::size_t longest_name = name_rows.back().name.size();

// The first row whose name is at least as long as the index.
constexpr auto rows_by_length = [] {
  std::array<std::uint8_t, longest_name + 1> first{};
  for (std::size_t length = 1; length < first.size(); ++length) {
    first[length] = first[length - 1];
    while (name_rows[first[length]].name.size() < length) ++first[length];
  }
  return first;
}();

std::optional<FieldName> known_name(std::string_view name) {
  if (name.size() > longest_name) return std::nullopt;
  for (std::size_t row = rows_by_length[name.size()];
       row < name_rows.size() && name_rows[row].name.size() == name.size(); ++row) {
    if (equal_ignoring_case(name, name_rows[row].name)) return name_rows[row].field;
  }
  return std::nullopt;
}

struct Line {
  std::string_view text;  // without its end
  std::size_t next = 0;   // where the next one begins
  bool whole = false;     // has an end
  bool stray = false;     // has a CR or NUL in it, see the header
};

class LineReader {
 public:
  explicit LineReader(std::string_view octets) : octets_(octets), nul_(octets.find('\0')) {}

  Line read(std::size_t begin) {
    Line line;
    const auto end = octets_.find('\n', begin);
    line.whole = end != std::string_view::npos;
    line.next = line.whole ? end + 1 : octets_.size();
    line.text = octets_.substr(begin, end - begin);
    const auto cr = line.text.find('\r');
    if (cr != std::string_view::npos) {
      line.stray = !line.whole || cr + 1 != line.text.size();
      line.text.remove_suffix(1);
    }
    for (; nul_ < line.next; nul_ = octets_.find('\0', nul_ + 1)) {
      line.stray |= nul_ == begin || octets_[nul_ - 1] != '\\';
    }
    return line;
  }

 private:
  std::string_view octets_;
  std::size_t nul_;  // the next one, so that it costs nothing that there is none
};

// Collects the fields line by line, so that a folded one can grow.
class FieldReader {
 public:
  explicit FieldReader(Header& header) : header_(header) { header_.fields.reserve(usual_fields); }

  bool take(std::string_view line) {
    return is_blank(line.front()) ? continue_field(line) : begin_field(line);
  }

  bool finish() { return end_field(); }

 private:
  bool begin_field(std::string_view line) {
    if (!end_field()) return false;
    const auto colon = line.find(':');
    if (colon == std::string_view::npos || ++fields_ > base::limits::header_fields) return false;
    const std::string_view name = trim(line.substr(0, colon));
    if (name.empty() || !is_visible_text(name)) return false;
    const auto known = known_name(name);
    wanted_ = known.has_value();
    if (known) name_ = *known;
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
    if (!std::exchange(wanted_, false)) return true;
    const std::string_view value = trim(value_);
    if (name_ == FieldName::content_length) return read_content_length(value);
    header_.fields.push_back({name_, folded_, value});
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
  bool wanted_ = false;  // whether the field at hand is one to keep
  FieldName name_{};
  std::string_view value_;
  bool folded_ = false;
  std::size_t fields_ = 0;
};

// Every line from `at`, the first field, to the empty one; or to the end, if that ends a line.
bool read_fields(std::string_view octets, std::size_t at, Header& header) {
  LineReader lines(octets);
  FieldReader reader(header);
  while (at < octets.size()) {
    const Line line = lines.read(at);
    if (!line.whole || line.stray) return false;
    at = line.next;
    if (line.text.empty()) break;
    if (!reader.take(line.text)) return false;
  }
  header.length = at;
  return reader.finish();
}

FrameStatus read_first_line(const Line& line, StartLine& start) {
  const FrameStatus kind = read_start_line(line.text, start);
  return kind == FrameStatus::header && (!line.whole || line.stray) ? FrameStatus::malformed : kind;
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
    const auto line_end = octets.find('\n', std::max(begin, progress.searched));
    progress.searched = std::min(line_end, octets.size());
    if (line_end == std::string_view::npos) return FrameStatus::need_more;
    ++progress.searched;
    progress.start_line_read = true;
    StartLine start;
    const FrameStatus status = read_first_line(LineReader(octets.substr(begin)).read(0), start);
    if (status != FrameStatus::header) return status;
  }
  if (has_empty_line(octets, progress.searched)) return FrameStatus::header;
  progress.searched = octets.size();
  return FrameStatus::need_more;
}

}  // namespace

FrameStatus read_header(std::string_view octets, Extent extent, FramingProgress& progress, Header& header) {
  const auto begin = octets.find_first_not_of("\r\n");
  if (begin == std::string_view::npos) return FrameStatus::keep_alive;
  if (!is_token(octets.substr(begin, 1))) {
    const bool blank = octets.find_first_not_of(std::string_view("\r\n\0", 3)) == std::string_view::npos;
    return blank && extent == Extent::datagram ? FrameStatus::keep_alive : FrameStatus::not_sip;
  }
  if (extent == Extent::stream) {
    const FrameStatus status = await_header(octets, begin, progress);
    if (status != FrameStatus::header) return status;
  }
  header = {};
  const Line line = LineReader(octets).read(begin);
  const FrameStatus status = read_first_line(line, header.start);
  if (status != FrameStatus::header) return status;
  return read_fields(octets, line.next, header) ? FrameStatus::header : FrameStatus::malformed;
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
