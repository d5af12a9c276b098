// SPDX-License-Identifier: GPL-2.0-or-later
#include "system/nft_counter.h"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <libnftnl/common.h>
#include <libnftnl/object.h>
#include <linux/netfilter/nf_tables.h>

#include <array>
#include <memory>

#include "system/nft_element.h"

namespace dpinholer::system {

// nft list counter TABLE NAME, by its key: the kernel reads nothing else for it.
std::optional<std::uint64_t> NftCounter::packets() {
  alignas(nlmsghdr) std::array<char, longest_element_message> octets{};
  nlmsghdr& request =
      *nftnl_nlmsg_build_hdr(octets.data(), NFT_MSG_GETOBJ, family_number(table_), NLM_F_ACK, 0);
  mnl_attr_put_strz(&request, NFTA_OBJ_TABLE, table_.name.c_str());
  mnl_attr_put_strz(&request, NFTA_OBJ_NAME, name_.c_str());
  mnl_attr_put_u32(&request, NFTA_OBJ_TYPE, htonl(NFT_OBJECT_COUNTER));
  std::optional<std::uint64_t> packets;
  const auto end = netlink_request(socket_, request, [&](const nlmsghdr& answer) {
    const std::unique_ptr<nftnl_obj, void (*)(const nftnl_obj*)> counter(nftnl_obj_alloc(), nftnl_obj_free);
    if (counter == nullptr || nftnl_obj_nlmsg_parse(&answer, counter.get()) != 0) return;
    packets = nftnl_obj_get_u64(counter.get(), NFTNL_OBJ_CTR_PKTS);
  });
  if (!end || end->code != 0) return std::nullopt;
  return packets;
}

}  // namespace dpinholer::system
