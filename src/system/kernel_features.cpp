// SPDX-License-Identifier: GPL-2.0-or-later
#include "system/kernel_features.h"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <net/if.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "system/netlink.h"

namespace dpinholer::system {

namespace {

// A part of nfnetlink that the kernel lacks is an invalid argument.
bool answers(std::uint16_t subsystem, std::uint16_t type, std::uint16_t flags, void (*put)(nlmsghdr&)) {
  NetlinkSocket socket;
  alignas(nlmsghdr) std::array<std::uint8_t, 128> octets{};
  nlmsghdr* request = mnl_nlmsg_put_header(octets.data());
  request->nlmsg_type = static_cast<std::uint16_t>(subsystem << 8 | type);
  request->nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags);
  auto* header = static_cast<nfgenmsg*>(mnl_nlmsg_put_extra_header(request, sizeof(nfgenmsg)));
  header->version = NFNETLINK_V0;
  if (put != nullptr) put(*request);
  const auto end = netlink_request(socket, *request, [](const nlmsghdr&) {});
  return end && end->code != EINVAL && end->code != EOPNOTSUPP;
}

std::string first_word(const std::string& file) {
  std::ifstream in(file);
  std::string word;
  in >> word;
  return word;
}

}  // namespace

// conntrack -S
bool has_conntrack_netlink() {
  return answers(NFNL_SUBSYS_CTNETLINK, IPCTNL_MSG_CT_GET_STATS_CPU, NLM_F_DUMP, nullptr);
}

// A command of old times that kernels accept and that does nothing.
bool has_queue_netlink() {
  return answers(NFNL_SUBSYS_QUEUE, NFQNL_MSG_CONFIG, NLM_F_ACK, [](nlmsghdr& request) {
    nfqnl_msg_config_cmd command{};
    command.command = NFQNL_CFG_CMD_PF_BIND;
    command.pf = htons(AF_INET);
    mnl_attr_put(&request, NFQA_CFG_CMD, sizeof command, &command);
  });
}

bool attaches_sip_helper() {
  std::error_code missing;
  return std::filesystem::exists("/sys/module/nf_conntrack_sip", missing) &&
         first_word("/proc/sys/net/netfilter/nf_conntrack_helper") == "1";
}

bool has_legacy_iptables() {
  return !first_word("/proc/thread-self/net/ip_tables_names").empty() ||
         !first_word("/proc/thread-self/net/ip6_tables_names").empty();
}

bool forwards_ipv4() {
  return first_word("/proc/sys/net/ipv4/ip_forward") == "1";
}

bool forwards_ipv6() {
  return first_word("/proc/sys/net/ipv6/conf/all/forwarding") == "1";
}

bool has_br_netfilter() {
  return !first_word("/proc/sys/net/bridge/bridge-nf-call-iptables").empty();
}

bool filters_bridged_ipv4() {
  return first_word("/proc/sys/net/bridge/bridge-nf-call-iptables") == "1";
}

bool filters_bridged_ipv6() {
  return first_word("/proc/sys/net/bridge/bridge-nf-call-ip6tables") == "1";
}

bool counts_flows() {
  return first_word("/proc/sys/net/netfilter/nf_conntrack_acct") == "1";
}

// Interface, destination, gateway, flags, ..., numbers in hexadecimal.
std::string default_route() {
  std::ifstream routes("/proc/thread-self/net/route");
  for (std::string line; std::getline(routes, line);) {
    std::istringstream words(line);
    std::string interface;
    std::string destination;
    if (words >> interface >> destination && destination == "00000000") return interface;
  }
  return "";
}

bool has_interface(const std::string& name) {
  return if_nametoindex(name.c_str()) != 0;
}

}  // namespace dpinholer::system
