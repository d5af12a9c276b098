// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <array>
#include <cstddef>
#include <functional>
#include <limits>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "system/pinhole_sets.h"
#include "system/ruleset_watch.h"

namespace dpinholer {

/// The pinhole sets of a kernel that fails where it is told to. As nf_tables does it: a transaction is done
/// whole or not at all; adding what is there changes nothing; removing never fails; no element expires.
class FakeSets : public system::PinholeSets {
 public:
  struct Element {
    std::string comment;
    std::uint64_t packets = 0;
  };
  std::map<pinhole::ElementKey, Element> elements;
  std::size_t size = std::numeric_limits<std::size_t>::max();  ///< of each set
  bool missing = false;                                        ///< the sets
  system::RulesetNews news;                                    ///< not read yet
  int blind = 0;                                               ///< how many of the next looks fail
  /// While it is held, commits wait for it: somebody else changes a ruleset.
  std::mutex ruleset;
  bool restless = false;  ///< readings say that others changed the set meanwhile
  int resizing = 0;       ///< how many of the next readings pass over every other element, and do not say so

  /// What goes wrong, once, with the change that is the `at`th since the beginning.
  enum class Fault {
    none,
    refuse,        ///< this element, with ENOMEM; the transaction with it
    lose_if_done,  ///< the acknowledgement of a transaction that was carried out
    lose_if_not,   ///< and of one that was not
    wait_if_done,  ///< the same two, but nothing says that it was lost: it is waited for
    wait_if_not,
    fail,           ///< the transaction as a whole, with ENOBUFS
    flush_before,   ///< others flush the sets ahead of the transaction
    flush_after,    ///< or behind it
    destroy_after,  ///< others delete the table and load it again
    fill,           ///< nothing more fits into any set until `empty` is called
  };
  Fault fault = Fault::none;
  std::size_t at = 0;
  bool struck = false;  ///< it went wrong
  void fail_next(Fault what);

  void flush();
  void destroy();  ///< the table, with all that is in it; `restore` brings it back
  void restore();
  void empty() { size = std::numeric_limits<std::size_t>::max(); }
  /// By others.
  void add(const pinhole::ElementKey& key, const std::string& comment, bool told = true);
  void remove(const pinhole::ElementKey& key, bool told = true);

  std::set<pinhole::ElementKey> keys() const;
  std::size_t commits() const { return commits_; }
  std::size_t aborts() const { return aborts_; }
  std::size_t lookups() const { return lookups_; }  ///< of elements

  std::vector<std::string> faults() override;
  tl::expected<void, system::CommitError> commit(std::span<const pinhole::ElementChange> changes,
                                                 std::vector<system::ElementState>* removed) override;
  tl::expected<std::vector<std::optional<system::ElementState>>, system::SystemError> find_all(
      std::span<const pinhole::ElementKey> keys) override;
  tl::expected<bool, system::SystemError> for_each(
      pinhole::Set set, const std::function<void(const system::ElementState&)>& visit) override;
  tl::expected<void, system::SystemError> begin_reading(pinhole::Set set) override;
  tl::expected<bool, system::SystemError> read_some(
      const std::function<void(const system::ElementState&)>& visit) override;

 private:
  using Elements = std::map<pinhole::ElementKey, Element>;
  std::optional<int> apply(const pinhole::ElementChange& change, Elements& to,
                           std::vector<system::ElementState>& removed) const;
  void visit_all(pinhole::Set set, const std::function<void(const system::ElementState&)>& visit);
  Fault strike(std::size_t changes, std::size_t& index);

  std::size_t steps_ = 0;
  std::size_t commits_ = 0;
  std::size_t aborts_ = 0;
  std::size_t lookups_ = 0;
  std::vector<system::ElementState> reading_;
};

}  // namespace dpinholer
