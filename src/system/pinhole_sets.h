// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "pinhole/element.h"
#include "system/error.h"

namespace dpinholer::system {

/// "sip_rtp4_from { 203.0.113.5 . 192.0.2.10 . 30000 }", as one would write it for nft.
std::string to_string(const pinhole::ElementKey& key);

/// What the kernel holds for one element.
struct ElementState {
  pinhole::ElementKey key;
  std::chrono::milliseconds timeout{0};
  std::chrono::milliseconds expires{0};  ///< until it goes by itself
  std::uint64_t packets = 0;             ///< as counted by matches and by updates (ruleset.md)
  std::uint64_t bytes = 0;
  std::string comment;  ///< may be anything: others write to these sets too
};

/// Why changes did not come to be. Those before `committed` stand in the kernel. What follows them is not
/// there, unless `unknown`.
struct CommitError {
  SystemError error;  ///< names the first element that was refused, or else the table
  std::size_t committed = 0;
  /// Changes that the kernel refused one by one, by index, in order, each with its errno: without them the
  /// rest may well succeed. Empty when the transaction failed as a whole.
  struct Refused {
    std::size_t index = 0;
    int code = 0;
  };
  std::vector<Refused> refused;
  /// The acknowledgement was lost: the transaction may or may not have been carried out.
  bool unknown = false;
};

/// The pinhole sets of ruleset.md in one table: those of the kernel (NftSets), or what stands for them in a
/// test. An implementation holds no copy of them. One thread may `commit` while another one asks: the kernel
/// answers questions while it is busy with a ruleset. But `faults` is not to be asked meanwhile.
class PinholeSets {
 public:
  virtual ~PinholeSets() = default;

  /// What keeps the sets from being used, each one line with its remedy; nothing when all is well. To be
  /// called once before anything else, and again after the sets were made anew.
  virtual std::vector<std::string> faults() = 0;

  /// Carries out all changes in order, as one transaction, unless they need more than
  /// limits::transaction_messages. Returns when the kernel has confirmed it: what was added matches packets
  /// from then on. Doing it again does no harm. Appends what the kernel held of the elements that were
  /// removed or renewed, last counts included, to `removed`; `expires` is 0 there.
  virtual tl::expected<void, CommitError> commit(std::span<const pinhole::ElementChange> changes,
                                                 std::vector<ElementState>* removed) = 0;

  /// These elements, in their order, at constant cost each; nothing in the place of one that is not there.
  virtual tl::expected<std::vector<std::optional<ElementState>>, SystemError> find_all(
      std::span<const pinhole::ElementKey> keys) = 0;

  /// Every element of a set whose key can be read, in no order. The result is false when the set changed
  /// meanwhile: then elements may be missing or come twice. For a moment after many changes that may be so
  /// even when it is true, while the kernel fits the set's hash table to its new size.
  virtual tl::expected<bool, SystemError> for_each(pinhole::Set set,
                                                   const std::function<void(const ElementState&)>& visit) = 0;

  /// The same in pieces, beside whatever else is done to the sets. `begin_reading` gives up a reading that is
  /// not at its end. `read_some` visits some hundred elements, as they were a moment ago, and says whether
  /// more are left.
  virtual tl::expected<void, SystemError> begin_reading(pinhole::Set set) = 0;
  virtual tl::expected<bool, SystemError> read_some(
      const std::function<void(const ElementState&)>& visit) = 0;
};

}  // namespace dpinholer::system
