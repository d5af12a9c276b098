// SPDX-License-Identifier: GPL-2.0-or-later
#include "system/xt_rules.h"

#include <libmnl/libmnl.h>
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/xt_CT.h>
#include <linux/netfilter/xt_NFQUEUE.h>
#include <linux/netfilter/xt_conntrack.h>
#include <linux/netfilter/xt_mark.h>
#include <linux/netfilter/xt_multiport.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

#include "system/nft_dump.h"

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

using About = Condition::About;

// The parameters of a match, when they are of this form.
template <typename Info>
std::optional<Info> match_info(const nftnl_expr& expression, std::uint32_t revision) {
  std::uint32_t octets = 0;
  const void* data = nftnl_expr_get(&expression, NFTNL_EXPR_MT_INFO, &octets);
  if (data == nullptr || octets < sizeof(Info) ||
      nftnl_expr_get_u32(&expression, NFTNL_EXPR_MT_REV) != revision)
    return std::nullopt;
  Info info;
  std::memcpy(&info, data, sizeof info);
  return info;
}

// -m mark --mark 0x01000000/0x01000000
Condition mark_match(const nftnl_expr& expression) {
  const auto info = match_info<xt_mark_mtinfo1>(expression, 1);
  Condition read;
  if (!info) return read;
  read.about = About::mark;
  read.mask = info->mask;
  read.bits = info->mark;
  read.negated = info->invert != 0;
  return read;
}

// -m conntrack --ctstate RELATED,ESTABLISHED, and -m state, which is the same
Condition conntrack_match(const nftnl_expr& expression) {
  const auto info = match_info<xt_conntrack_mtinfo3>(expression, 3);
  Condition read;
  if (!info || (info->match_flags & ~XT_CONNTRACK_STATE_ALIAS) != XT_CONNTRACK_STATE) return read;
  read.about = About::ct_state;
  read.negated = (info->invert_flags & XT_CONNTRACK_STATE) != 0;
  constexpr std::array<std::pair<unsigned, const char*>, 7> states{{
      {XT_CONNTRACK_STATE_BIT(IP_CT_ESTABLISHED), "established"},
      {XT_CONNTRACK_STATE_BIT(IP_CT_RELATED), "related"},
      {XT_CONNTRACK_STATE_BIT(IP_CT_NEW), "new"},
      {XT_CONNTRACK_STATE_INVALID, "invalid"},
      {XT_CONNTRACK_STATE_SNAT, "snat"},
      {XT_CONNTRACK_STATE_DNAT, "dnat"},
      {XT_CONNTRACK_STATE_UNTRACKED, "untracked"},
  }};
  for (const auto& [bit, word] : states) {
    if ((info->state_mask & bit) != 0) read.words.emplace_back(word);
  }
  return read;
}

// -m multiport --dports 5060,16384:32767
Condition multiport_match(const nftnl_expr& expression) {
  const auto info = match_info<xt_multiport_v1>(expression, 1);
  Condition read;
  if (!info || info->flags == XT_MULTIPORT_EITHER) return read;
  read.about = info->flags == XT_MULTIPORT_SOURCE ? About::source_port : About::destination_port;
  read.negated = info->invert != 0;
  const unsigned count = std::min<unsigned>(info->count, XT_MULTI_PORTS);
  for (unsigned i = 0; i < count; ++i) {
    const bool range = info->pflags[i] != 0 && i + 1 < count;
    read.ports.push_back({info->ports[i], info->ports[range ? i + 1 : i]});
    if (range) ++i;
  }
  return read;
}

Condition match_named(std::string_view match, const nftnl_expr& expression) {
  if (match == "mark") return mark_match(expression);
  if (match == "conntrack") return conntrack_match(expression);
  if (match == "multiport") return multiport_match(expression);
  return {};
}

using Expressions = std::function<void(std::string_view kind, const nftnl_expr&)>;

// A rule of iptables, as table and handle; its expressions one by one.
std::optional<std::pair<TableName, std::uint64_t>> read_iptables_rule(const nlmsghdr& message,
                                                                      const Expressions& visit) {
  const std::unique_ptr<nftnl_rule, RuleDeleter> rule(nftnl_rule_alloc());
  if (nftnl_rule_nlmsg_parse(&message, rule.get()) != 0) return std::nullopt;
  const std::uint32_t family = nftnl_rule_get_u32(rule.get(), NFTNL_RULE_FAMILY);
  if (family != NFPROTO_IPV4 && family != NFPROTO_IPV6) return std::nullopt;
  nftnl_expr_foreach(
      rule.get(),
      [](nftnl_expr* expression, void* visitor) {
        (*static_cast<const Expressions*>(visitor))(nftnl_expr_get_str(expression, NFTNL_EXPR_NAME),
                                                    *expression);
        return 0;
      },
      const_cast<Expressions*>(&visit));
  const TableName table{family_name(family).value(), nftnl_rule_get_str(rule.get(), NFTNL_RULE_TABLE)};
  return std::pair{table, nftnl_rule_get_u64(rule.get(), NFTNL_RULE_HANDLE)};
}

void read_target(const nftnl_expr& expression, XtTarget& target) {
  const char* name = nftnl_expr_get_str(&expression, NFTNL_EXPR_TG_NAME);
  target.name = name == nullptr ? "" : name;
  if (target.name == "NFQUEUE") read_nfqueue(expression, target);
  if (target.name == "CT") read_ct(expression, target);
}

void read_match(const nftnl_expr& expression, XtMatches& matches) {
  const char* name = nftnl_expr_get_str(&expression, NFTNL_EXPR_MT_NAME);
  // A comment is no condition (parse_ruleset).
  if (name != nullptr && std::string_view(name) != "comment")
    matches.conditions.push_back(match_named(name, expression));
}

}  // namespace

XtRules read_xt_rules() {
  XtRules all;
  dump_nft(NFT_MSG_GETRULE, [&](const nlmsghdr& message) {
    XtTarget target;
    XtMatches matches;
    const auto rule = read_iptables_rule(message, [&](std::string_view kind, const nftnl_expr& expression) {
      if (kind == "target") read_target(expression, target);
      if (kind == "match") read_match(expression, matches);
    });
    if (!rule) return;
    std::tie(target.table, target.handle) = std::tie(matches.table, matches.handle) = *rule;
    if (!target.name.empty()) all.targets.push_back(std::move(target));
    if (!matches.conditions.empty()) all.matches.push_back(std::move(matches));
  });
  return all;
}

}  // namespace dpinholer::system
