// SPDX-License-Identifier: GPL-2.0-or-later
#include "message/framing.h"

#include <algorithm>
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

// RFC 3261 section 16.3: without these a message can't be told from others, or from the next one.
constexpr bool identifies(FieldName name) {
  switch (name) {
    case FieldName::call_id:
    case FieldName::content_length:
    case FieldName::content_type:
    case FieldName::cseq:
    case FieldName::from:
    case FieldName::to:
    case FieldName::via:
      return true;
    case FieldName::content_disposition:
    case FieldName::content_encoding:
    case FieldName::content_transfer_encoding:
    case FieldName::rack:
    case FieldName::require:
    case FieldName::rseq:
    case FieldName::session_expires:
    case FieldName::user_agent:
      return false;
  }
  return true;
}

constexpr bool is_token_char(char c) {
  return is_token({&c, 1});
}

std::string_view first_word(std::string_view text) {
  const auto begin = std::find_if(text.begin(), text.end(), is_token_char);
  return {begin, std::find_if_not(begin, text.end(), is_token_char)};
}

std::string_view last_word(std::string_view text) {
  while (!text.empty() && !is_token_char(text.back())) text.remove_suffix(1);
  const auto begin = std::find_if_not(text.rbegin(), text.rend(), is_token_char);
  return {begin.base(), text.end()};
}

// The fields that other readers may find in a line that can't be read.
struct Suspicion {
  bool identity = false;   // a field that identifies the message
  bool other_end = false;  // another end of the header, or of the body

  void add(FieldName name) {
    identity |= identifies(name);
    other_end |= name == FieldName::content_length;
  }
};

// As written by the careless, and read by the lenient: "Call-ID\0: x", "Call-ID x: y", "x Call-ID: y",
// "Content-Length 5". A single letter is a name only before a colon, and where it is no part of a word in
// another script.
void suspect_name(std::string_view line, Suspicion& suspicion) {
  const auto colon = line.find(':');
  const std::string_view before = line.substr(0, colon);
  const auto letter_at = [&](std::size_t at) {
    return at < before.size() && static_cast<unsigned char>(before[at]) >= 0x80;
  };
  for (const std::string_view word : {first_word(before), last_word(before)}) {
    const auto at = static_cast<std::size_t>(word.data() - before.data());
    const bool is_part =
        colon == std::string_view::npos || letter_at(at + word.size()) || (at > 0 && letter_at(at - 1));
    if (word.size() == 1 && is_part) continue;
    if (const auto name = known_name(word)) suspicion.add(*name);
    if (colon == std::string_view::npos) return;
  }
}

// Some readers take a lone CR for the end of a line, and a line of blanks for the end of the header.
Suspicion suspect(std::string_view text) {
  Suspicion suspicion;
  for (std::size_t begin = 0; begin <= text.size();) {
    auto end = text.find('\r', begin);
    while (end < text.size() && text.substr(end, 2) == "\r\n") end = text.find('\r', end + 1);  // a fold
    end = std::min(end, text.size());
    const std::string_view line = text.substr(begin, end - begin);
    suspicion.other_end |= trim(line).empty();
    suspect_name(line, suspicion);
    begin = end + 1;
  }
  return suspicion;
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

  void take(const Line& line) {
    if (is_blank(line.text.front())) {
      continue_field(line);
    } else {
      begin_field(line);
    }
  }

  void suspect_line(std::string_view text) { believe(suspect(text)); }

  // True when the message can be read.
  bool finish() {
    end_field();
    const bool agreed = readable_ || header_.content_length.has_value();
    header_.end_certain = end_certain_ && agreed && !header_.content_length_ambiguous;
    return readable_;
  }

 private:
  void begin_field(const Line& line) {
    end_field();
    if (++fields_ > base::limits::header_fields) readable_ = false;
    const auto colon = line.text.find(':');
    const std::string_view name =
        colon == std::string_view::npos ? std::string_view() : trim(line.text.substr(0, colon));
    text_ = line.text;
    value_ = line.text.substr(std::min(colon, line.text.size() - 1) + 1);
    name_ = known_name(name);
    odd_ = line.stray || (!name_ && !is_token(name));
    folded_ = false;
  }

  void continue_field(const Line& line) {
    if (trim(line.text).empty()) {  // some readers end the header here
      readable_ = end_certain_ = false;
      return;
    }
    if (fields_ == 0) {  // more of the start line, or a field all the same
      begin_field(line);
      odd_ = true;
      return;
    }
    const auto grown = [&](std::string_view from) {
      return std::string_view(from.data(),
                              static_cast<std::size_t>(line.text.data() + line.text.size() - from.data()));
    };
    text_ = grown(text_);
    value_ = grown(value_);
    odd_ |= line.stray;
    folded_ = true;
  }

  void end_field() {
    const std::string_view text = std::exchange(text_, {});
    if (text.empty()) return;
    if (odd_) return overlook(text);
    if (!name_) return;
    const std::string_view value = trim(value_);
    if (*name_ == FieldName::content_length) return read_content_length(value);
    if (readable_) header_.fields.push_back({*name_, folded_, value});
  }

  void overlook(std::string_view text) {
    Suspicion suspicion = suspect(text);
    if (name_) suspicion.add(*name_);
    believe(suspicion);
  }

  void believe(const Suspicion& suspicion) {
    readable_ = readable_ && !suspicion.identity && !suspicion.other_end;
    end_certain_ = end_certain_ && !suspicion.other_end;
  }

  void read_content_length(std::string_view value) {
    const auto length = read_number(value);
    if (!length) {
      readable_ = end_certain_ = false;
      return;
    }
    if (!header_.content_length) header_.content_length = length;
    header_.content_length_ambiguous |= header_.content_length != length;
  }

  Header& header_;
  bool readable_ = true;
  bool end_certain_ = true;
  // The field that is being read:
  std::string_view text_;  // all of it; empty when there is none
  std::string_view value_;
  std::optional<FieldName> name_;
  bool odd_ = false;
  bool folded_ = false;
  std::size_t fields_ = 0;
};

// Every line from `at`, the first field, to the empty one; or to the end, if that ends a line.
bool read_fields(std::string_view octets, std::size_t at, FieldReader& reader, Header& header) {
  LineReader lines(octets);
  bool whole = true;
  while (at < octets.size() && whole) {
    const Line line = lines.read(at);
    whole = line.whole;
    at = line.next;
    if (line.text.empty()) break;
    if (whole) reader.take(line);
  }
  header.length = at;
  return reader.finish() && whole;
}

FrameStatus read_first_line(const Line& line, StartLine& start) {
  const FrameStatus kind = read_start_line(line.text, start);
  return kind == FrameStatus::header && (!line.whole || line.stray) ? FrameStatus::malformed : kind;
}

// Past the first empty line that ends after `searched`; npos when there is none.
std::size_t find_empty_line(std::string_view octets, std::size_t searched) {
  for (auto at = octets.find('\n', searched); at != std::string_view::npos; at = octets.find('\n', at + 1)) {
    std::string_view before = octets.substr(0, at);
    if (before.ends_with('\r')) before.remove_suffix(1);
    if (before.ends_with('\n')) return at + 1;
  }
  return std::string_view::npos;
}

// Whether the header of a message in a stream is there as a whole; reads no octet twice. Cuts off what
// follows it.
FrameStatus await_header(std::string_view& octets, std::size_t begin, FramingProgress& progress) {
  if (!progress.start_line_read) {
    const auto line_end = octets.find('\n', std::max(begin, progress.searched));
    progress.searched = std::min(line_end, octets.size());
    if (line_end == std::string_view::npos) return FrameStatus::need_more;
    ++progress.searched;
    progress.start_line_read = true;
    StartLine start;
    const Line line = LineReader(octets.substr(0, progress.searched)).read(begin);
    if (read_first_line(line, start) == FrameStatus::not_sip) return FrameStatus::not_sip;
  }
  const std::size_t end = find_empty_line(octets, progress.searched);
  if (end == std::string_view::npos) {
    progress.searched = octets.size();
    return FrameStatus::need_more;
  }
  octets = octets.substr(0, end);
  return FrameStatus::header;
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
  if (status == FrameStatus::not_sip) return status;
  FieldReader reader(header);
  if (line.stray) reader.suspect_line(line.text);
  const bool readable = read_fields(octets, line.next, reader, header);
  return readable ? status : FrameStatus::malformed;
}

bool read_part_header(std::string_view part, Header& header) {
  header = {};
  FieldReader reader(header);
  return read_fields(part, 0, reader, header);
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
