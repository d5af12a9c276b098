// SPDX-License-Identifier: GPL-2.0-or-later
#include "pinhole/element.h"

#include <algorithm>
#include <charconv>

#include "base/hash.h"

// Grammar of a comment, at most 127 octets:
//
//   comment   = media SP component SP "call=" call-text SP "id=" 16hexdig
//   media     = 1*32token-char                 ; RFC 8866, less the quotes ' and `
//   component = "rtp" / "rtcp" / "data"
//   call-text = *(visible / "%" 2HEXDIG) ["..."]  ; "..." when it was cut
//   visible   = %x21-7E without % " ' ` \      ; all else is written %XX

namespace dpinholer::pinhole {

namespace {

constexpr std::size_t comment_length = 127;  // nft's own limit for the comments it writes
constexpr std::size_t media_length = 32;
constexpr std::size_t hash_digits = 16;
constexpr std::string_view call_field = " call=";
constexpr std::string_view id_field = " id=";
constexpr std::string_view cut_mark = "...";
constexpr std::string_view hexadecimal = "0123456789abcdef";

struct SetProperties {
  std::string_view name;
  base::Family family;
  bool has_source;
};

// In the order of the enumerators.
constexpr std::array<SetProperties, all_sets.size()> set_properties{{
    {"sip_rtp4", base::Family::ipv4, false},
    {"sip_rtp6", base::Family::ipv6, false},
    {"sip_rtp4_from", base::Family::ipv4, true},
    {"sip_rtp6_from", base::Family::ipv6, true},
    {"sip_tcp4", base::Family::ipv4, false},
    {"sip_tcp6", base::Family::ipv6, false},
    {"sip_tcp4_from", base::Family::ipv4, true},
    {"sip_tcp6_from", base::Family::ipv6, true},
}};

const SetProperties& properties(Set set) {
  return set_properties[static_cast<std::size_t>(set)];
}

// Quotes and the backslash would be legal in a comment, but not in the command that someone pastes it into.
bool is_visible(char c) {
  return c > ' ' && c <= '~' && std::string_view("%\"'`\\").find(c) == std::string_view::npos;
}

bool is_media_char(char c) {
  return is_visible(c) && std::string_view("(),/:;<=>?@[]").find(c) == std::string_view::npos;
}

std::string media_text(std::string_view media) {
  std::string text(media.substr(0, media_length));
  std::replace_if(
      text.begin(), text.end(), [](char c) { return !is_media_char(c); }, '_');
  return text.empty() ? "_" : text;
}

std::string escaped(char c) {
  if (is_visible(c)) return {c};
  const auto octet = static_cast<std::uint8_t>(c);
  return {'%', hexadecimal[octet >> 4], hexadecimal[octet & 15]};
}

// At most `room` octets; an escape is never cut in two.
std::string hash_text(std::uint64_t hash) {
  std::string text(hash_digits, '0');
  for (auto digit = text.rbegin(); digit != text.rend(); ++digit, hash >>= 4) *digit = hexadecimal[hash & 15];
  return text;
}

std::optional<std::uint64_t> read_hash(std::string_view text) {
  const bool all_digits = text.find_first_not_of(hexadecimal) == std::string_view::npos;
  std::uint64_t hash = 0;
  if (text.size() != hash_digits || !all_digits) return std::nullopt;
  std::from_chars(text.data(), text.data() + text.size(), hash, 16);
  return hash;
}

std::optional<Component> read_component(std::string_view text) {
  for (Component component : {Component::rtp, Component::rtcp, Component::data}) {
    if (text == negotiation::name(component)) return component;
  }
  return std::nullopt;
}

// Whether `text` may stand for a Call-ID in a comment.
bool is_call_text(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return is_visible(c) || c == '%'; });
}

bool contains(const std::vector<ElementKey>& keys, const ElementKey& key) {
  return std::find(keys.begin(), keys.end(), key) != keys.end();
}

}  // namespace

std::string_view name(Set set) {
  return properties(set).name;
}

base::Family family(Set set) {
  return properties(set).family;
}

bool has_source(Set set) {
  return properties(set).has_source;
}

Set set_for(const Key& key, bool bound) {
  const bool ipv4 = key.destination.address.family() == base::Family::ipv4;
  switch (key.protocol) {
    case base::Protocol::udp:
      if (bound) return ipv4 ? Set::rtp4_from : Set::rtp6_from;
      return ipv4 ? Set::rtp4 : Set::rtp6;
    case base::Protocol::tcp:
      break;
  }
  if (bound) return ipv4 ? Set::tcp4_from : Set::tcp6_from;
  return ipv4 ? Set::tcp4 : Set::tcp6;
}

std::vector<ElementKey> element_keys(const Key& key, const std::vector<base::Address>& from) {
  if (from.empty()) return {{set_for(key, false), std::nullopt, key.destination}};
  std::vector<ElementKey> keys;
  keys.reserve(from.size());
  for (const auto& source : from) {
    const ElementKey element{set_for(key, true), source, key.destination};
    if (fits(element)) keys.push_back(element);
  }
  return keys;
}

bool fits(const ElementKey& key) {
  const base::Family of_set = family(key.set);
  return key.source.has_value() == has_source(key.set) && key.destination.address.family() == of_set &&
         (!key.source || key.source->family() == of_set);
}

std::vector<ElementChange> element_changes(const Change& change) {
  using Kind = ElementChange::Kind;
  std::vector<ElementChange> changes;
  const std::vector<ElementKey> now = element_keys(change.key, change.from);
  auto put = [&](Kind kind, const ElementKey& key) {
    const bool gone = kind == Kind::remove;
    changes.push_back(
        {kind, key, gone ? base::seconds{0} : change.timeout, gone ? std::string{} : comment(change.label)});
  };
  switch (change.kind) {
    case Change::Kind::open:
      for (const auto& key : now) put(Kind::add, key);
      break;
    case Change::Kind::bind: {
      const std::vector<ElementKey> before = element_keys(change.key, change.from_before);
      // Those that stay get the new timeout too: an early one must not end an answered call.
      for (const auto& key : now) put(contains(before, key) ? Kind::renew : Kind::add, key);
      for (const auto& key : before) {
        if (!contains(now, key)) put(Kind::remove, key);
      }
      break;
    }
    case Change::Kind::refresh:
      for (const auto& key : now) put(Kind::renew, key);
      break;
    case Change::Kind::close:
      for (const auto& key : now) put(Kind::remove, key);
      break;
  }
  return changes;
}

std::string comment_text(std::string_view of, std::size_t room) {
  std::string text;
  std::size_t longest_to_cut_at = 0;
  for (char c : of) {
    const std::string next = escaped(c);
    if (text.size() + next.size() > room) return text.substr(0, longest_to_cut_at).append(cut_mark);
    text += next;
    if (text.size() + cut_mark.size() <= room) longest_to_cut_at = text.size();
  }
  return text;
}

CommentContent content(const Label& label) {
  CommentContent content{media_text(label.media),
                         label.component,
                         {},
                         label.call_hash.value_or(base::stable_hash(label.call_id))};
  const std::size_t room = comment_length - content.media.size() - 1 - name(content.component).size() -
                           call_field.size() - id_field.size() - hash_digits;
  // Text from a comment is escaped and cut already.
  const bool from_comment = label.call_hash && label.call_id.size() <= room && is_call_text(label.call_id);
  content.call = from_comment ? label.call_id : comment_text(label.call_id, room);
  return content;
}

std::string comment(const Label& label) {
  const CommentContent tells = content(label);
  std::string text = tells.media;
  text.append(" ").append(name(tells.component)).append(call_field).append(tells.call);
  return text.append(id_field).append(hash_text(tells.call_hash));
}

std::optional<CommentContent> read_comment(std::string_view text) {
  if (text.size() > comment_length) return std::nullopt;
  const std::size_t media_end = text.find(' ');
  const std::size_t component_end = text.find(call_field);
  const std::size_t call_end = text.rfind(id_field);
  if (media_end == 0 || media_end > media_length || component_end == std::string_view::npos ||
      component_end <= media_end || call_end == std::string_view::npos ||
      call_end < component_end + call_field.size()) {
    return std::nullopt;
  }
  const std::string_view media = text.substr(0, media_end);
  const auto component = read_component(text.substr(media_end + 1, component_end - media_end - 1));
  const std::string_view call =
      text.substr(component_end + call_field.size(), call_end - component_end - call_field.size());
  const auto hash = read_hash(text.substr(call_end + id_field.size()));
  const bool ours = std::all_of(media.begin(), media.end(), is_media_char) && is_call_text(call);
  if (!ours || !component || !hash) return std::nullopt;
  return CommentContent{std::string(media), *component, std::string(call), *hash};
}

}  // namespace dpinholer::pinhole
