// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <chrono>
#include <functional>
#include <span>
#include <string>

#include <tl/expected.hpp>

#include "base/address.h"
#include "system/error.h"

namespace dpinholer::system {

/// An element of sip_banned4 or sip_banned6: SIP from there is dropped. In sip_banned6 the first address of a
/// network stands for all of it, since dpinholer.nft looks for sources under a mask, too.
struct Ban {
  base::Address source;
  std::chrono::milliseconds expires{0};  ///< until it goes by itself: whole seconds when it is written
  std::string comment;  ///< when written as pinhole::ElementChange has it; when read, anything
};

/// The sets of banned sources (ruleset.md): those of the kernel (NftBanSets), or what stands for them in a
/// test.
class BanSets {
 public:
  virtual ~BanSets() = default;

  /// All of them or none; those that are there already stay as they are.
  virtual tl::expected<void, SystemError> add(std::span<const Ban> bans) = 0;
  /// False when it was not there.
  virtual tl::expected<bool, SystemError> remove(const base::Address& source) = 0;
  /// In no order.
  virtual tl::expected<void, SystemError> for_each(const std::function<void(const Ban&)>& visit) = 0;
};

}  // namespace dpinholer::system
