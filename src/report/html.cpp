// SPDX-License-Identifier: GPL-2.0-or-later
//   UTF-8 (RFC 3629 section 4):
//     U+0000..U+007F     0xxxxxxx
//     U+0080..U+07FF     110xxxxx 10xxxxxx
//     U+0800..U+FFFF     1110xxxx 10xxxxxx 10xxxxxx      but no surrogates, U+D800..U+DFFF
//     U+10000..U+10FFFF  11110xxx 10xxxxxx 10xxxxxx 10xxxxxx
#include "report/html.h"

#include <array>
#include <cstdint>

#include "base/limits.h"

namespace dpinholer::report {

namespace {

constexpr char32_t replacement = 0xfffd;

struct Form {
  std::uint8_t mask;
  std::uint8_t lead;
  std::size_t length;
  char32_t least;  // shorter forms exist for what is below
};
constexpr std::array<Form, 4> forms{
    {{0x80, 0x00, 1, 0}, {0xe0, 0xc0, 2, 0x80}, {0xf0, 0xe0, 3, 0x800}, {0xf8, 0xf0, 4, 0x10000}}};

struct Character {
  char32_t code = replacement;
  std::size_t octets = 1;
};

Character first_of(std::string_view text) {
  const auto octet = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  for (const Form& form : forms) {
    if ((octet(0) & form.mask) != form.lead) continue;
    if (text.size() < form.length) return {};
    char32_t code = octet(0) & static_cast<std::uint8_t>(~form.mask);
    for (std::size_t i = 1; i < form.length; ++i) {
      if ((octet(i) & 0xc0) != 0x80) return {};
      code = code << 6 | (octet(i) & 0x3f);
    }
    const bool surrogate = code >= 0xd800 && code <= 0xdfff;
    if (code < form.least || code > 0x10ffff || surrogate) return {};
    return {code, form.length};
  }
  return {};
}

// Marks that show nothing themselves and change how what is around them looks.
bool is_invisible(char32_t code) {
  struct Range {
    char32_t first;
    char32_t last;
  };
  constexpr Range ranges[] = {{0x80, 0x9f},     {0xad, 0xad},     {0x61c, 0x61c},   {0x180e, 0x180e},
                              {0x200b, 0x200f}, {0x2028, 0x202e}, {0x2060, 0x206f}, {0xfdd0, 0xfdef},
                              {0xfe00, 0xfe0f}, {0xfeff, 0xfeff}, {0xfff0, 0xfffb}, {0xe0000, 0xe0fff}};
  for (const Range& range : ranges) {
    if (code >= range.first && code <= range.last) return true;
  }
  return (code & 0xfffe) == 0xfffe;
}

void append_utf8(std::string& out, char32_t code) {
  const auto put = [&](char32_t octet) { out += static_cast<char>(octet); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xc0 | code >> 6);
    put(0x80 | (code & 0x3f));
  } else if (code < 0x10000) {
    put(0xe0 | code >> 12);
    put(0x80 | (code >> 6 & 0x3f));
    put(0x80 | (code & 0x3f));
  } else {
    put(0xf0 | code >> 18);
    put(0x80 | (code >> 12 & 0x3f));
    put(0x80 | (code >> 6 & 0x3f));
    put(0x80 | (code & 0x3f));
  }
}

void append(std::string& out, char32_t code) {
  if (code == '&') {
    out += "&amp;";
  } else if (code == '<') {
    out += "&lt;";
  } else if (code == '>') {
    out += "&gt;";
  } else if (code == '"') {
    out += "&quot;";
  } else if (code == '\'') {
    out += "&#39;";
  } else if (code < 0x20) {
    append_utf8(out, 0x2400 + code);
  } else if (code == 0x7f) {
    append_utf8(out, 0x2421);
  } else {
    append_utf8(out, is_invisible(code) ? replacement : code);
  }
}

}  // namespace

std::string html(std::string_view text, std::size_t longest) {
  std::string out;
  for (std::size_t characters = 0; !text.empty(); ++characters) {
    if (characters == longest) return out + "\u2026";
    const Character character = first_of(text);
    append(out, character.code);
    text.remove_prefix(character.octets);
  }
  return out;
}

std::string html(std::string_view text) {
  return html(text, base::limits::report_text);
}

}  // namespace dpinholer::report
