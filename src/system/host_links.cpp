// SPDX-License-Identifier: GPL-2.0-or-later
#include "system/host_links.h"

#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>

#include <array>
#include <cstdint>
#include <string_view>

#include "system/netlink.h"

// Of the kernel's answers this is read (rtnetlink(7)):
//
//   link = ifinfomsg  IFLA_IFNAME [IFLA_MASTER] [IFLA_LINKINFO{IFLA_INFO_SLAVE_KIND}] ...

namespace dpinholer::system {

namespace {

int take_slave_kind(const nlattr* attribute, void* link) {
  if (mnl_attr_get_type(attribute) == IFLA_INFO_SLAVE_KIND &&
      mnl_attr_validate(attribute, MNL_TYPE_NUL_STRING) >= 0)
    static_cast<HostLink*>(link)->bridge_port = std::string_view(mnl_attr_get_str(attribute)) == "bridge";
  return MNL_CB_OK;
}

int take_link_attribute(const nlattr* attribute, void* target) {
  auto& link = *static_cast<HostLink*>(target);
  switch (mnl_attr_get_type(attribute)) {
    case IFLA_IFNAME:
      if (mnl_attr_validate(attribute, MNL_TYPE_NUL_STRING) >= 0) link.name = mnl_attr_get_str(attribute);
      break;
    case IFLA_MASTER:
      if (mnl_attr_validate(attribute, MNL_TYPE_U32) >= 0) link.master = mnl_attr_get_u32(attribute);
      break;
    case IFLA_LINKINFO:
      mnl_attr_parse_nested(attribute, take_slave_kind, target);
      break;
    default:  // of dozens
      break;
  }
  return MNL_CB_OK;
}

}  // namespace

//   ip link show
std::vector<HostLink> read_host_links() {
  std::vector<HostLink> links;
  NetlinkSocket socket(NETLINK_ROUTE);
  alignas(nlmsghdr) std::array<std::uint8_t, 128> octets{};
  nlmsghdr* request = mnl_nlmsg_put_header(octets.data());
  request->nlmsg_type = RTM_GETLINK;
  request->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  mnl_nlmsg_put_extra_header(request, sizeof(ifinfomsg));
  mnl_attr_put_u32(request, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
  (void)netlink_request(socket, *request, [&](const nlmsghdr& answer) {
    if (answer.nlmsg_type != RTM_NEWLINK || mnl_nlmsg_get_payload_len(&answer) < sizeof(ifinfomsg)) return;
    const auto* header = static_cast<const ifinfomsg*>(mnl_nlmsg_get_payload(&answer));
    HostLink& link = links.emplace_back();
    link.index = static_cast<unsigned>(header->ifi_index);
    link.up = (header->ifi_flags & IFF_UP) != 0;
    link.loopback = (header->ifi_flags & IFF_LOOPBACK) != 0;
    mnl_attr_parse(&answer, sizeof(ifinfomsg), take_link_attribute, &link);
  });
  return links;
}

}  // namespace dpinholer::system
