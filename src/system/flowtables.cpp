// SPDX-License-Identifier: GPL-2.0-or-later
#include "system/flowtables.h"

#include <libmnl/libmnl.h>
#include <libnftnl/flowtable.h>
#include <linux/netfilter/nf_tables.h>

#include <cstdint>
#include <memory>
#include <optional>

#include "system/nft_dump.h"

namespace dpinholer::system {

namespace {

struct FlowtableDeleter {
  void operator()(nftnl_flowtable* flowtable) const { nftnl_flowtable_free(flowtable); }
};

std::optional<Flowtable> read_flowtable(const nlmsghdr& message) {
  const std::unique_ptr<nftnl_flowtable, FlowtableDeleter> read(nftnl_flowtable_alloc());
  if (!read || nftnl_flowtable_nlmsg_parse(&message, read.get()) != 0) return std::nullopt;
  const auto family = family_name(nftnl_flowtable_get_u32(read.get(), NFTNL_FLOWTABLE_FAMILY));
  const char* table = nftnl_flowtable_get_str(read.get(), NFTNL_FLOWTABLE_TABLE);
  const char* name = nftnl_flowtable_get_str(read.get(), NFTNL_FLOWTABLE_NAME);
  if (!family || table == nullptr || name == nullptr) return std::nullopt;
  return Flowtable{{*family, table},
                   name,
                   static_cast<int>(nftnl_flowtable_get_u32(read.get(), NFTNL_FLOWTABLE_PRIO)),
                   (nftnl_flowtable_get_u32(read.get(), NFTNL_FLOWTABLE_FLAGS) & NFT_FLOWTABLE_COUNTER) != 0};
}

}  // namespace

//   nft list flowtables
std::vector<Flowtable> read_flowtables() {
  std::vector<Flowtable> all;
  dump_nft(NFT_MSG_GETFLOWTABLE, [&](const nlmsghdr& message) {
    if (auto flowtable = read_flowtable(message)) all.push_back(std::move(*flowtable));
  });
  return all;
}

}  // namespace dpinholer::system
