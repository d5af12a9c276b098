// SPDX-License-Identifier: GPL-2.0-or-later
#include "system/set_schema.h"

#include <libmnl/libmnl.h>
#include <libnftnl/common.h>
#include <libnftnl/set.h>
#include <linux/netfilter/nf_tables.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <memory>

#include "system/nft_sets.h"

namespace dpinholer::system {

namespace {

using pinhole::Set;
using std::chrono::milliseconds;

struct SetDeleter {
  void operator()(nftnl_set* set) const { nftnl_set_free(set); }
};

class Request {
 public:
  Request(std::uint16_t type, const TableName& table)
      : header_(nftnl_nlmsg_build_hdr(reinterpret_cast<char*>(octets_.data()), type, family_number(table),
                                      NLM_F_ACK, 0)) {}
  Request& put(std::uint16_t attribute, std::string_view text) {
    mnl_attr_put_strz(header_, attribute, std::string(text).c_str());
    return *this;
  }
  nlmsghdr& header() { return *header_; }

 private:
  alignas(nlmsghdr) std::array<std::uint8_t, longest_element_message> octets_{};
  nlmsghdr* header_;
};

// Type of the key as nft numbers it: six bits for each field, ipv4_addr 7, ipv6_addr 8, inet_service 13.
std::uint32_t key_type(Set set) {
  const std::uint32_t address = pinhole::family(set) == base::Family::ipv4 ? 7 : 8;
  const std::uint32_t destination = address << 6 | 13;
  return pinhole::has_source(set) ? address << 12 | destination : destination;
}

std::string key_type_text(Set set) {
  const std::string address = pinhole::family(set) == base::Family::ipv4 ? "ipv4_addr" : "ipv6_addr";
  return (pinhole::has_source(set) ? address + " . " : "") + address + " . inet_service";
}

// What is wrong with the flags, or nothing. An interval set copies itself for every change.
std::string flags_fault(std::uint32_t flags) {
  if ((flags & NFT_SET_INTERVAL) != 0) return "has the flag interval";
  if ((flags & NFT_SET_MAP) != 0) return "is a map";
  if ((flags & NFT_SET_TIMEOUT) == 0) return "lacks the flag timeout";
  if ((flags & NFT_SET_EVAL) == 0) return "lacks the flag dynamic";
  return "";
}

std::string compare(Set set, const nftnl_set& found, SetTimeouts& timeouts) {
  if (nftnl_set_get_u32(&found, NFTNL_SET_KEY_TYPE) != key_type(set) ||
      nftnl_set_get_u32(&found, NFTNL_SET_KEY_LEN) != key_octets(set)) {
    return "is not of type " + key_type_text(set);
  }
  timeouts[static_cast<std::size_t>(set)] =
      milliseconds{static_cast<std::int64_t>(nftnl_set_get_u64(&found, NFTNL_SET_TIMEOUT))};
  return flags_fault(nftnl_set_get_u32(&found, NFTNL_SET_FLAGS));
}

// By /etc/dpinholer/standalone.nft: an include in a table of that name would close nothing.
bool stands_alone(const TableName& table) {
  return table == TableName{"inet", "dpinholer"};
}

// `restart`: where the service has loaded the table before, and somebody deleted it, `start` does nothing.
std::string remedy_for_table(const TableName& table) {
  if (stands_alone(table)) return "systemctl restart dpinholer-standalone";
  if (table.family != "inet") return "name one of family inet as kernel.table, the only one for dpinholer.nft";
  return "include dpinholer/dpinholer.nft in it, or name your own as kernel.table";
}

std::string remedy_for_sets(const TableName& table) {
  if (stands_alone(table)) return "systemctl restart dpinholer-standalone";
  if (table.family != "inet") return "include sets.nft there, for dpinholer.nft needs a table of family inet";
  return "include dpinholer/dpinholer.nft there";
}

// nft list set TABLE SET
std::string set_fault(NetlinkSocket& socket, const TableName& table, Set set, SetTimeouts& timeouts) {
  Request request(NFT_MSG_GETSET, table);
  request.put(NFTA_SET_TABLE, table.name).put(NFTA_SET_NAME, name(set));
  std::unique_ptr<nftnl_set, SetDeleter> found(nftnl_set_alloc());
  bool parsed = false;
  const auto end = netlink_request(socket, request.header(), [&](const nlmsghdr& answer) {
    parsed = nftnl_set_nlmsg_parse(&answer, found.get()) == 0;
  });
  const std::string which = "set \"" + std::string(name(set)) + "\" in table \"" + to_string(table) + "\"";
  if (!end) return end.error().to_string();
  if (end->code == ENOENT) return "no " + which + ": " + remedy_for_sets(table);
  if (end->code != 0) return SystemError{"NFT_MSG_GETSET", end->code, which}.to_string();
  if (!parsed) return which + ": the kernel's answer can't be read";
  const std::string wrong = compare(set, *found, timeouts);
  return wrong.empty() ? "" : which + " " + wrong + ": delete it, then " + remedy_for_sets(table);
}

}  // namespace

// nft list table TABLE, and each set in it
std::vector<std::string> set_faults(NetlinkSocket& socket, const TableName& table, SetTimeouts& timeouts) {
  Request request(NFT_MSG_GETTABLE, table);
  request.put(NFTA_TABLE_NAME, table.name);
  const auto end = netlink_request(socket, request.header(), [](const nlmsghdr&) {});
  const std::string which = "table \"" + to_string(table) + "\"";
  if (!end) return {end.error().to_string()};
  if (end->code == ENOENT) return {"no " + which + ": " + remedy_for_table(table)};
  if (end->code != 0) return {nftables_fault(end->code)};
  std::vector<std::string> found;
  for (const Set set : pinhole::all_sets) {
    std::string fault = set_fault(socket, table, set, timeouts);
    if (!fault.empty()) found.push_back(std::move(fault));
  }
  return found;
}

}  // namespace dpinholer::system
