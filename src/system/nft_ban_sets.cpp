// SPDX-License-Identifier: GPL-2.0-or-later
#include "system/nft_ban_sets.h"

#include <libmnl/libmnl.h>
#include <libnftnl/common.h>
#include <linux/netfilter/nf_tables.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>

#include "base/limits.h"
#include "system/nft_element.h"

namespace dpinholer::system {

namespace {

constexpr std::chrono::milliseconds acknowledge_wait{1000};
constexpr std::size_t bans_at_once = base::limits::queue_batch;

}  // namespace

NftBanSets::NftBanSets(TableName table)
    : table_(std::move(table)), buffer_((bans_at_once + 2) * longest_element_message) {}

// nft add element TABLE sip_banned4 { ADDRESS timeout T comment "C" }, ...
tl::expected<void, SystemError> NftBanSets::add(std::span<const Ban> bans) {
  while (!bans.empty()) {
    const auto some = bans.first(std::min(bans.size(), bans_at_once));
    const auto code =
        transact(NFT_MSG_NEWSETELEM, NLM_F_CREATE, some.size(), [&](nlmsghdr& message, std::size_t index) {
          const auto timeout = std::chrono::ceil<base::seconds>(some[index].expires);
          put_ban(message, table_.name, some[index].source, timeout, some[index].comment);
        });
    if (!code) return tl::unexpected(code.error());
    if (*code != 0) return tl::unexpected(error(*code, some.front().source.family()));
    bans = bans.subspan(some.size());
  }
  return {};
}

// nft delete element TABLE sip_banned4 { ADDRESS }
tl::expected<bool, SystemError> NftBanSets::remove(const base::Address& source) {
  const auto code = transact(NFT_MSG_DELSETELEM, 0, 1, [&](nlmsghdr& message, std::size_t) {
    put_ban_key(message, table_.name, source);
  });
  if (!code) return tl::unexpected(code.error());
  if (*code != 0 && *code != ENOENT) return tl::unexpected(error(*code, source.family()));
  return *code == 0;
}

// nft list set TABLE sip_banned4
tl::expected<void, SystemError> NftBanSets::for_each(const std::function<void(const Ban&)>& visit) {
  for (const base::Family family : {base::Family::ipv4, base::Family::ipv6}) {
    nlmsghdr& request = *nftnl_nlmsg_build_hdr(reinterpret_cast<char*>(buffer_.data()), NFT_MSG_GETSETELEM,
                                               family_number(table_), NLM_F_DUMP, 0);
    mnl_attr_put_strz(&request, NFTA_SET_ELEM_LIST_TABLE, table_.name.c_str());
    mnl_attr_put_strz(&request, NFTA_SET_ELEM_LIST_SET, std::string(ban_set(family)).c_str());
    const auto end =
        netlink_request(socket_, request, [&](const nlmsghdr& answer) { read_bans(answer, family, visit); });
    if (!end) return tl::unexpected(end.error());
    if (end->code != 0) return tl::unexpected(error(end->code, family));
  }
  return {};
}

SystemError NftBanSets::error(int code, base::Family family) const {
  return {"nft element", code,
          "of set " + std::string(ban_set(family)) + " in table " + table_.family + " " + table_.name};
}

// BATCH_BEGIN, `count` messages, BATCH_END. Every message asks for an acknowledgement: 0, or the first errno
// of the kernel, with which nothing was done.
tl::expected<int, SystemError> NftBanSets::transact(std::uint16_t type, std::uint16_t flags,
                                                    std::size_t count, const Put& put) {
  auto at = [&](std::size_t octets) { return reinterpret_cast<char*>(buffer_.data() + octets); };
  std::size_t octets = nftnl_batch_begin(at(0), socket_.next_sequence())->nlmsg_len;
  const std::uint32_t first = socket_.next_sequence();
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint32_t sequence = i == 0 ? first : socket_.next_sequence();
    nlmsghdr& message = *nftnl_nlmsg_build_hdr(at(octets), type, family_number(table_),
                                               static_cast<std::uint16_t>(flags | NLM_F_ACK), sequence);
    put(message, i);
    octets += message.nlmsg_len;
  }
  octets += nftnl_batch_end(at(octets), socket_.next_sequence())->nlmsg_len;
  if (auto sent = socket_.send({buffer_.data(), octets}); !sent) return tl::unexpected(sent.error());
  int code = 0;
  std::size_t answered = 0;
  alignas(nlmsghdr) std::array<std::uint8_t, 16384> answers;
  while (answered < count) {
    const auto received = socket_.receive(answers, acknowledge_wait);
    if (!received) return tl::unexpected(received.error());
    for_each_message({answers.data(), *received}, [&](const nlmsghdr& answer) {
      if (answer.nlmsg_type != NLMSG_ERROR) return;
      const bool of_element = answer.nlmsg_seq - first < count;
      answered += of_element ? 1 : 0;
      if (code == 0) code = error_code(answer);
    });
  }
  return code;
}

}  // namespace dpinholer::system
