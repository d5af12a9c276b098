// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <unordered_map>
#include <vector>

#include "base/hash.h"
#include "base/time.h"
#include "pinhole/element.h"
#include "pinhole/key_hash.h"
#include "pinhole/pinhole.h"

namespace dpinholer::pinhole {

/// The pinholes that the kernel was told to hold, and its reports on them: the account of the gatekeeper,
/// which carries the changes out. The table of table.h says what is wanted; this one, what was done.
class Installed {
 public:
  struct Entry {
    std::vector<base::Address> from;
    base::seconds timeout{0};
    Label label;  ///< of whoever opened it
    base::TimePoint opened;
    /// Packets that elements counted which are gone or were renewed.
    std::uint64_t packets = 0;
    /// The kernel showed an element of it when it went, since it was opened or last bound: then `packets` is
    /// all that there was.
    bool accounted = false;
    std::uint64_t seen = 0;  ///< packets when somebody looked last
    bool lost = false;       ///< elements went without showing what they had counted: `packets` is too low
    /// Elements that are not in the kernel and of which no count is lost: others removed them, and the kernel
    /// showed what they had counted, or they were never there.
    std::uint16_t absent = 0;
    std::uint64_t offloaded = 0;  ///< packets of its flows by connection tracking, if that is read

    /// One element: its source, or anybody.
    struct Source {
      std::uint64_t seen = 0;  ///< what it had counted when somebody looked last
      bool heard = false;      ///< it has counted more since `take_heard` was last asked about it
    };
    std::vector<Source> sources = std::vector<Source>(1);  ///< as `from` has them, or one for anybody

    /// Packets that passed, as far as is known.
    std::uint64_t passed() const { return passed(packets); }
    /// The same, if its elements have counted so many in all.
    std::uint64_t passed(std::uint64_t counted) const;
    bool lets(const base::Address& source) const;
    /// So many packets more came from a source that it lets through.
    void note_flow(const base::Address& source, std::uint64_t more);
    /// So many of its elements are not in the kernel, and are about to be written again.
    void note_missing(std::size_t elements);
    void set_from(const std::vector<base::Address>& now);
    Source* source_of(const std::optional<base::Address>& source);
    /// The element of `source` has counted so many packets.
    void look(const std::optional<base::Address>& source, std::uint64_t counted);
    /// The sources that were heard, each once; of `asked` only, unless it is open to others than was thought.
    Sources take_heard(const Sources* asked = nullptr);
  };

  explicit Installed(base::HashKey hash_key) : entries_(0, KeyHash{hash_key}) {}

  /// Carries one change over. A change of a pinhole that is not known, or an opening of one that is, is taken
  /// as if it were.
  void apply(const Change& change);

  Entry* find(const Key& key);
  const Entry* find(const Key& key) const;
  /// The keys of its elements; none when it is not known.
  std::vector<ElementKey> elements(const Key& key) const;

  /// An element that the kernel removed had counted `packets`. `known`: it was one that had been written, not
  /// one made only to be removed.
  void count(const ElementKey& element, std::uint64_t packets, bool known);
  /// The same of one that somebody else removed.
  void count_removed(const ElementKey& element, std::uint64_t packets);
  /// The kernel has none of its elements, and never had.
  void note_absent(const Key& key);

  /// Whether an element is one of a pinhole as it is bound now.
  bool holds(const ElementKey& element) const;

  /// What has the timeout `before` is to have `now`; the kernel hears of it when it is renewed.
  void change_timeout(base::seconds before, base::seconds now);

  std::size_t size() const { return entries_.size(); }
  void for_each(const std::function<void(const Key&, const Entry&)>& visit) const;

 private:
  std::unordered_map<Key, Entry, KeyHash> entries_;
};

/// The pinhole that an element belongs to.
Key pinhole_of(const ElementKey& element);

/// Of the packets that an element counted, those that passed: nft/dpinholer.nft counts one in 64 twice, once
/// when it matches and once when it renews the element.
std::uint64_t passed(std::uint64_t counted);

}  // namespace dpinholer::pinhole
