// SPDX-License-Identifier: GPL-2.0-or-later
#include "system/ruleset_watch.h"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/filter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <string_view>

#include "base/limits.h"

namespace dpinholer::system {

namespace {

// A set of some ten thousand elements may be flushed without a loss.
constexpr std::size_t watch_buffer = std::size_t{4} << 20;
constexpr std::size_t datagram_octets = 65536;
// Since Linux 6.3, and not in the headers of Debian 12: what `nft destroy` does.
constexpr int destroy_table = 26;
constexpr int destroy_rule = 28;
constexpr int destroy_set = 29;
constexpr int destroy_set_element = 30;
// Tables, sets, lists of elements and rules name their table in an attribute of the same number, and sets and
// lists their set.
static_assert(int{NFTA_TABLE_NAME} == int{NFTA_SET_TABLE} &&
              int{NFTA_SET_TABLE} == int{NFTA_SET_ELEM_LIST_TABLE} &&
              int{NFTA_TABLE_NAME} == int{NFTA_RULE_TABLE});

// Lets pass all messages but those that come of requests from `port`.
void ignore_port(const NetlinkSocket& socket, unsigned port) {
  std::array<sock_filter, 4> program{{
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(nlmsghdr, nlmsg_pid)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htonl(port), 0, 1),  // it loads in network order
      BPF_STMT(BPF_RET | BPF_K, 0),
      BPF_STMT(BPF_RET | BPF_K, 0xffff'ffff),
  }};
  const sock_fprog filter{program.size(), program.data()};
  if (setsockopt(socket.fd(), SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter) != 0) {
    throw KernelError(SystemError{"setsockopt", errno, "SO_ATTACH_FILTER"});
  }
}

struct Text {
  int attribute;
  std::string_view value;
};

int read_text(const nlattr* attribute, void* data) {
  auto& text = *static_cast<Text*>(data);
  if (mnl_attr_get_type(attribute) == text.attribute &&
      mnl_attr_validate(attribute, MNL_TYPE_NUL_STRING) >= 0) {
    text.value = mnl_attr_get_str(attribute);
  }
  return MNL_CB_OK;
}

// Nothing when the message has no such attribute.
std::string_view text_of(const nlmsghdr& message, int attribute) {
  Text text{attribute, {}};
  mnl_attr_parse(&message, sizeof(nfgenmsg), read_text, &text);
  return text.value;
}

bool is_pinhole_set(std::string_view set_name) {
  return std::any_of(pinhole::all_sets.begin(), pinhole::all_sets.end(),
                     [&](pinhole::Set set) { return name(set) == set_name; });
}

}  // namespace

RulesetWatch::RulesetWatch(TableName table, unsigned own_port)
    : table_(std::move(table)), buffer_(datagram_octets) {
  socket_.set_receive_buffer(watch_buffer);
  ignore_port(socket_, own_port);
  const int group = NFNLGRP_NFTABLES;
  if (setsockopt(socket_.fd(), SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof group) != 0) {
    if (errno == EPERM) {
      throw KernelError("no permission to listen to nftables: run as root or with CAP_NET_ADMIN");
    }
    throw KernelError(SystemError{"setsockopt", errno, "NETLINK_ADD_MEMBERSHIP nftables"});
  }
}

RulesetNews RulesetWatch::read() {
  RulesetNews news;
  for (;;) {
    const auto octets = socket_.receive(buffer_, std::chrono::milliseconds{0});
    if (!octets && octets.error().code == ETIMEDOUT) return news;
    if (!octets) {
      news.lost = true;
      // ENOBUFS is told once, and what fits follows it; whatever else comes would come again.
      if (octets.error().code == ENOBUFS) continue;
      return news;
    }
    for_each_message({buffer_.data(), *octets}, [&](const nlmsghdr& message) { note(message, news); });
  }
}

bool RulesetWatch::is_about(const nlmsghdr& message) const {
  if (mnl_nlmsg_get_payload_len(&message) < sizeof(nfgenmsg)) return false;
  const auto* header = static_cast<const nfgenmsg*>(mnl_nlmsg_get_payload(&message));
  return header->nfgen_family == family_number(table_) && text_of(message, NFTA_TABLE_NAME) == table_.name;
}

void RulesetWatch::note(const nlmsghdr& message, RulesetNews& news) const {
  if (message.nlmsg_type >> 8 != NFNL_SUBSYS_NFTABLES || !is_about(message)) return;
  auto take = [&](std::vector<ElementState>& elements) {
    if (news.lost) return;  // and no time either
    read_elements(message, {}, [&](const ElementState& state) {
      news.lost = news.lost || elements.size() >= base::limits::ruleset_news;
      if (!news.lost) elements.push_back(state);
    });
  };
  switch (message.nlmsg_type & 0xff) {
    case NFT_MSG_NEWTABLE:
    case NFT_MSG_DELTABLE:
    case destroy_table:
      news.sets = true;
      return;
    case NFT_MSG_NEWSET:
    case NFT_MSG_DELSET:
    case destroy_set:
      news.sets = news.sets || is_pinhole_set(text_of(message, NFTA_SET_NAME));
      return;
    case NFT_MSG_NEWSETELEM:
      return take(news.added);
    case NFT_MSG_DELSETELEM:
    case destroy_set_element:
      return take(news.removed);
    case NFT_MSG_DELRULE:
    case destroy_rule:
      news.rules = true;
      return;
    default:  // chains are their owner's
      return;
  }
}

}  // namespace dpinholer::system
