// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "base/time.h"
#include "pinhole/element.h"
#include "system/config.h"
#include "system/netlink.h"
#include "system/pinhole_sets.h"

namespace dpinholer::system {

/// "inet filter"
std::string to_string(const TableName& table);

/// The pinhole sets of ruleset.md in one table of the kernel.
class NftSets : public PinholeSets {
 public:
  explicit NftSets(TableName table);
  ~NftSets() override;
  NftSets(NftSets&&) noexcept;
  NftSets& operator=(NftSets&&) noexcept;

  /// Reads the default timeouts too.
  std::vector<std::string> faults() override;
  tl::expected<void, CommitError> commit(std::span<const pinhole::ElementChange> changes,
                                         std::vector<ElementState>* removed = nullptr) override;
  tl::expected<std::vector<std::optional<ElementState>>, SystemError> find_all(
      std::span<const pinhole::ElementKey> keys) override;
  /// One of them.
  tl::expected<std::optional<ElementState>, SystemError> find(const pinhole::ElementKey& key);
  tl::expected<bool, SystemError> for_each(pinhole::Set set,
                                           const std::function<void(const ElementState&)>& visit) override;
  tl::expected<void, SystemError> begin_reading(pinhole::Set set) override;
  tl::expected<bool, SystemError> read_some(const std::function<void(const ElementState&)>& visit) override;

  /// Of the netlink socket that transactions come from.
  unsigned port_id() const;
  const TableName& table() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace dpinholer::system
