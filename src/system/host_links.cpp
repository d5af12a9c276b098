// SPDX-License-Identifier: GPL-2.0-or-later
#include "system/host_links.h"

#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <string_view>

// Of the kernel's answers this is read (rtnetlink(7)):
//
//   link = ifinfomsg  IFLA_IFNAME [IFLA_MASTER] [IFLA_LINKINFO{[IFLA_INFO_KIND] [IFLA_INFO_SLAVE_KIND]}] ...

namespace dpinholer::system {

namespace {

bool is_text(const nlattr* attribute, std::string_view text) {
  return mnl_attr_validate(attribute, MNL_TYPE_NUL_STRING) >= 0 && mnl_attr_get_str(attribute) == text;
}

int take_kind(const nlattr* attribute, void* target) {
  auto& link = *static_cast<HostLink*>(target);
  if (mnl_attr_get_type(attribute) == IFLA_INFO_KIND) link.vrf = is_text(attribute, "vrf");
  if (mnl_attr_get_type(attribute) == IFLA_INFO_SLAVE_KIND) link.bridge_port = is_text(attribute, "bridge");
  return MNL_CB_OK;
}

int take_link_attribute(const nlattr* attribute, void* target) {
  auto& link = *static_cast<HostLink*>(target);
  switch (mnl_attr_get_type(attribute)) {
    case IFLA_IFNAME:
      if (mnl_attr_validate(attribute, MNL_TYPE_NUL_STRING) >= 0) link.name = mnl_attr_get_str(attribute);
      break;
    case IFLA_MASTER:
      if (mnl_attr_validate(attribute, MNL_TYPE_U32) >= 0)
        link.master = base::Interface{mnl_attr_get_u32(attribute)};
      break;
    case IFLA_LINKINFO:
      mnl_attr_parse_nested(attribute, take_kind, target);
      break;
    default:  // of dozens
      break;
  }
  return MNL_CB_OK;
}

}  // namespace

tl::expected<void, SystemError> for_each_link(NetlinkSocket& socket,
                                              const std::function<void(const HostLink&)>& visit) {
  alignas(nlmsghdr) std::array<std::uint8_t, 128> octets{};
  nlmsghdr* request = mnl_nlmsg_put_header(octets.data());
  request->nlmsg_type = RTM_GETLINK;
  request->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  mnl_nlmsg_put_extra_header(request, sizeof(ifinfomsg));
  mnl_attr_put_u32(request, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
  const auto end = netlink_request(socket, *request, [&](const nlmsghdr& answer) {
    if (answer.nlmsg_type != RTM_NEWLINK || mnl_nlmsg_get_payload_len(&answer) < sizeof(ifinfomsg)) return;
    const auto* header = static_cast<const ifinfomsg*>(mnl_nlmsg_get_payload(&answer));
    HostLink link;
    link.index = base::Interface{static_cast<std::uint32_t>(header->ifi_index)};
    link.up = (header->ifi_flags & IFF_UP) != 0;
    link.loopback = (header->ifi_flags & IFF_LOOPBACK) != 0;
    mnl_attr_parse(&answer, sizeof(ifinfomsg), take_link_attribute, &link);
    visit(link);
  });
  if (!end) return tl::unexpected(end.error());
  if (end->code != 0) return tl::unexpected(SystemError{"RTM_GETLINK", end->code, ""});
  if (end->interrupted) return tl::unexpected(SystemError{"RTM_GETLINK", EINTR, ""});
  return {};
}

}  // namespace dpinholer::system
