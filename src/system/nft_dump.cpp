// SPDX-License-Identifier: GPL-2.0-or-later
#include "system/nft_dump.h"

#include <libmnl/libmnl.h>
#include <libnftnl/common.h>
#include <linux/netfilter.h>

#include <array>

#include "system/netlink.h"

namespace dpinholer::system {

void dump_nft(std::uint16_t type, const std::function<void(const nlmsghdr&)>& visit) {
  NetlinkSocket socket;
  alignas(nlmsghdr) std::array<std::uint8_t, 256> octets{};
  auto* request =
      nftnl_nlmsg_build_hdr(reinterpret_cast<char*>(octets.data()), type, NFPROTO_UNSPEC, NLM_F_DUMP, 0);
  (void)netlink_request(socket, *request, visit);
}

std::optional<std::string> family_name(std::uint32_t number) {
  if (number == NFPROTO_IPV4) return "ip";
  if (number == NFPROTO_IPV6) return "ip6";
  if (number == NFPROTO_INET) return "inet";
  return std::nullopt;
}

}  // namespace dpinholer::system
