// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pinhole/pinhole.h"

namespace dpinholer::pinhole {

/// The named sets of ruleset.md that hold pinholes.
enum class Set : std::uint8_t { rtp4, rtp6, rtp4_from, rtp6_from, tcp4, tcp6, tcp4_from, tcp6_from };

inline constexpr std::array all_sets{Set::rtp4, Set::rtp6, Set::rtp4_from, Set::rtp6_from,
                                     Set::tcp4, Set::tcp6, Set::tcp4_from, Set::tcp6_from};

/// "sip_rtp4_from".
std::string_view name(Set set);
base::Family family(Set set);
/// True for the sets whose key begins with the source address.
bool has_source(Set set);
/// The set for pinholes to `key`, bound to sources or not.
Set set_for(const Key& key, bool bound);

/// Key of one set element: `addr . port`, or `source addr . addr . port`.
struct ElementKey {
  Set set = Set::rtp4;
  std::optional<base::Address> source;  ///< present exactly if has_source(set)
  base::Endpoint destination;

  friend bool operator==(const ElementKey&, const ElementKey&) = default;
  friend auto operator<=>(const ElementKey&, const ElementKey&) = default;
};

/// Whether it is a key of its set: with a source exactly if the keys of that set have one, and of its family.
bool fits(const ElementKey& key);

/// The elements that let `from` (empty: anybody) through to `key`. All fit; for sources of another family
/// there are none.
std::vector<ElementKey> element_keys(const Key& key, const std::vector<base::Address>& from);

/// One operation of an nft transaction.
struct ElementChange {
  enum class Kind : std::uint8_t {
    /// nft add element TABLE SET { KEY timeout T comment "C" }
    add,
    /// nft add element ...; nft delete element TABLE SET { KEY } -- in one transaction this never fails, not
    /// even when the element has just expired
    remove,
    /// nft add ...; nft delete ...; nft add ... -- starts the timeout again on every kernel; the counter of
    /// the element starts again too
    renew,
  };
  Kind kind = Kind::add;
  ElementKey key;
  base::seconds timeout{0};
  std::string comment;  ///< printable ASCII without quotes, at most 127 octets; empty for remove
};

/// The effect of `change` on the set elements, in an order that leaves no gap: additions first.
std::vector<ElementChange> element_changes(const Change& change);

/// Text from the wire for a comment: visible ASCII without quotes, blanks or percent signs, everything else
/// as %XX. A text that would take more than `room` octets ends with "...".
std::string comment_text(std::string_view of, std::size_t room);

/// The comment of a pinhole's elements, for people and for a daemon that starts and finds them:
/// `audio rtp call=<Call-ID, escaped and cut> id=<16 hexadecimal digits>`, where id is the base::stable_hash
/// of the Call-ID. `read_comment` can read it again, whatever the label holds.
std::string comment(const Label& label);

struct CommentContent {
  std::string media;
  Component component = Component::rtp;
  std::string call;  ///< the Call-ID, escaped and cut
  std::uint64_t call_hash = 0;

  friend bool operator==(const CommentContent&, const CommentContent&) = default;
};
/// The content of the comment of `label`.
CommentContent content(const Label& label);
/// The content of a comment; nothing when it is not one of ours.
std::optional<CommentContent> read_comment(std::string_view text);

}  // namespace dpinholer::pinhole
