// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "system/ban_sets.h"
#include "system/config.h"
#include "system/netlink.h"

namespace dpinholer::system {

/// Those in one table of the kernel. Errors name the set.
class NftBanSets : public BanSets {
 public:
  explicit NftBanSets(TableName table);

  tl::expected<void, SystemError> add(std::span<const Ban> bans) override;
  tl::expected<bool, SystemError> remove(const base::Address& source) override;
  tl::expected<void, SystemError> for_each(const std::function<void(const Ban&)>& visit) override;

 private:
  using Put = std::function<void(nlmsghdr& message, std::size_t index)>;
  tl::expected<int, SystemError> transact(std::uint16_t type, std::uint16_t flags, std::size_t count,
                                          const Put& put);
  SystemError error(int code, base::Family family) const;

  TableName table_;
  NetlinkSocket socket_;
  std::vector<std::uint8_t> buffer_;
};

}  // namespace dpinholer::system
