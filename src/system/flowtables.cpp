// SPDX-License-Identifier: GPL-2.0-or-later
#include "system/flowtables.h"

#include <libmnl/libmnl.h>
#include <libnftnl/common.h>
#include <libnftnl/flowtable.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include <array>
#include <cstdint>
#include <memory>
#include <optional>

#include "system/netlink.h"

namespace dpinholer::system {

namespace {

struct FlowtableDeleter {
  void operator()(nftnl_flowtable* flowtable) const { nftnl_flowtable_free(flowtable); }
};

const char* family_name(std::uint32_t family) {
  switch (family) {
    case NFPROTO_IPV4:
      return "ip";
    case NFPROTO_IPV6:
      return "ip6";
    case NFPROTO_INET:
      return "inet";
    default:  // no others have flowtables
      return nullptr;
  }
}

std::optional<Flowtable> read_flowtable(const nlmsghdr& message) {
  const std::unique_ptr<nftnl_flowtable, FlowtableDeleter> read(nftnl_flowtable_alloc());
  if (!read || nftnl_flowtable_nlmsg_parse(&message, read.get()) != 0) return std::nullopt;
  const char* family = family_name(nftnl_flowtable_get_u32(read.get(), NFTNL_FLOWTABLE_FAMILY));
  const char* table = nftnl_flowtable_get_str(read.get(), NFTNL_FLOWTABLE_TABLE);
  const char* name = nftnl_flowtable_get_str(read.get(), NFTNL_FLOWTABLE_NAME);
  if (family == nullptr || table == nullptr || name == nullptr) return std::nullopt;
  return Flowtable{{family, table},
                   name,
                   static_cast<int>(nftnl_flowtable_get_u32(read.get(), NFTNL_FLOWTABLE_PRIO)),
                   (nftnl_flowtable_get_u32(read.get(), NFTNL_FLOWTABLE_FLAGS) & NFT_FLOWTABLE_COUNTER) != 0};
}

}  // namespace

//   nft list flowtables
std::vector<Flowtable> read_flowtables() {
  std::vector<Flowtable> all;
  NetlinkSocket socket;
  alignas(nlmsghdr) std::array<std::uint8_t, 256> octets{};
  auto* request = nftnl_nlmsg_build_hdr(reinterpret_cast<char*>(octets.data()), NFT_MSG_GETFLOWTABLE,
                                        NFPROTO_UNSPEC, NLM_F_DUMP, 0);
  (void)netlink_request(socket, *request, [&](const nlmsghdr& message) {
    if (auto flowtable = read_flowtable(message)) all.push_back(std::move(*flowtable));
  });
  return all;
}

}  // namespace dpinholer::system
