// SPDX-License-Identifier: GPL-2.0-or-later
#include "message/unread.h"

#include "base/limits.h"

namespace dpinholer::message {

namespace {

struct Words {
  std::string_view name;
  std::string_view meaning;
};

// In the order of the enumeration.
constexpr Words words[] = {
    {"encoding", "its body is encoded"},
    {"encrypted", "its body is encrypted"},
    {"cut", "its body is cut short"},
    {"syntax", "its session description can't be read"},
    {"connection", "its session description has no address for media that can be read"},
    {"malformed", "what identifies the message can't be read"},
    {"foreign", "the connection does not go on as SIP"},
    {"tls", "the connection is encrypted by TLS"},
    {"conflict", "the connection brought different bytes for one place"},
    {"gap", "bytes of the connection were not seen"},
    {"bound", "the connection is over limits.tcp-buffer or limits.tcp-flows"},
};
static_assert(std::size(words) == unread_causes);

const Words& words_of(UnreadCause cause) {
  return words[static_cast<std::size_t>(cause)];
}

}  // namespace

std::string_view name(UnreadCause cause) {
  return words_of(cause).name;
}

std::string_view meaning_of(UnreadCause cause) {
  return words_of(cause).meaning;
}

std::string sentence_of(const Unread& unread) {
  return std::string(meaning_of(unread.cause)) + (unread.text.empty() ? "" : ": " + unread.text);
}

Unread unread(UnreadCause cause, std::string_view text) {
  return {cause,
          std::string(text.substr(0, text.find_first_of("\r\n")).substr(0, base::limits::unread_text))};
}

}  // namespace dpinholer::message
