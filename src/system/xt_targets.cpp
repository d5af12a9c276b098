// SPDX-License-Identifier: GPL-2.0-or-later
#include "system/xt_targets.h"

#include <libmnl/libmnl.h>
#include <libnftnl/common.h>
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/xt_CT.h>
#include <linux/netfilter/xt_NFQUEUE.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <string>

#include "system/netlink.h"

namespace dpinholer::system {

namespace {

struct RuleDeleter {
  void operator()(nftnl_rule* rule) const { nftnl_rule_free(rule); }
};

// Revisions of NFQUEUE: 0 has a number, 1 how many of them, 2 bypass, 3 flags.
void read_nfqueue(const nftnl_expr& expression, XtTarget& target) {
  std::uint32_t octets = 0;
  const void* data = nftnl_expr_get(&expression, NFTNL_EXPR_TG_INFO, &octets);
  xt_NFQ_info_v3 info{};
  if (data == nullptr) return;
  std::memcpy(&info, data, std::min<std::size_t>(octets, sizeof info));
  const std::uint32_t revision = nftnl_expr_get_u32(&expression, NFTNL_EXPR_TG_REV);
  const unsigned count = revision >= 1 && info.queues_total > 0 ? info.queues_total : 1;
  target.queues = {info.queuenum, static_cast<std::uint16_t>(std::min(info.queuenum + count - 1, 65535U))};
  target.bypass = revision >= 2 && (info.flags & NFQ_FLAG_BYPASS) != 0;
}

void read_ct(const nftnl_expr& expression, XtTarget& target) {
  std::uint32_t octets = 0;
  const void* data = nftnl_expr_get(&expression, NFTNL_EXPR_TG_INFO, &octets);
  xt_ct_target_info_v1 info{};
  if (data == nullptr || octets < sizeof info - sizeof info.ct) return;
  std::memcpy(&info, data, std::min<std::size_t>(octets, sizeof info));
  target.helper.assign(info.helper, strnlen(info.helper, sizeof info.helper));
}

void read_rule(const nlmsghdr& message, std::vector<XtTarget>& targets) {
  const std::unique_ptr<nftnl_rule, RuleDeleter> rule(nftnl_rule_alloc());
  if (nftnl_rule_nlmsg_parse(&message, rule.get()) != 0) return;
  const std::uint32_t family = nftnl_rule_get_u32(rule.get(), NFTNL_RULE_FAMILY);
  if (family != NFPROTO_IPV4 && family != NFPROTO_IPV6) return;
  XtTarget target;
  target.table = {family == NFPROTO_IPV4 ? "ip" : "ip6", nftnl_rule_get_str(rule.get(), NFTNL_RULE_TABLE)};
  target.handle = nftnl_rule_get_u64(rule.get(), NFTNL_RULE_HANDLE);
  nftnl_expr_foreach(
      rule.get(),
      [](nftnl_expr* expression, void* found) {
        XtTarget& one = *static_cast<XtTarget*>(found);
        if (std::string_view(nftnl_expr_get_str(expression, NFTNL_EXPR_NAME)) != "target") return 0;
        const char* name = nftnl_expr_get_str(expression, NFTNL_EXPR_TG_NAME);
        one.name = name == nullptr ? "" : name;
        if (one.name == "NFQUEUE") read_nfqueue(*expression, one);
        if (one.name == "CT") read_ct(*expression, one);
        return 0;
      },
      &target);
  if (!target.name.empty()) targets.push_back(std::move(target));
}

}  // namespace

std::vector<XtTarget> read_xt_targets() {
  std::vector<XtTarget> targets;
  NetlinkSocket socket;
  alignas(nlmsghdr) std::array<std::uint8_t, 256> octets{};
  auto* request = nftnl_nlmsg_build_hdr(reinterpret_cast<char*>(octets.data()), NFT_MSG_GETRULE,
                                        NFPROTO_UNSPEC, NLM_F_DUMP, 0);
  (void)netlink_request(socket, *request, [&](const nlmsghdr& answer) { read_rule(answer, targets); });
  return targets;
}

}  // namespace dpinholer::system
