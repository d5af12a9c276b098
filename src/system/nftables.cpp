// SPDX-License-Identifier: GPL-2.0-or-later
// What of ruleset.h needs libnftables and the kernel.
#include <libmnl/libmnl.h>
#include <libnftnl/common.h>
#include <linux/netfilter/nf_tables.h>
#include <nftables/libnftables.h>

#include <array>
#include <cerrno>
#include <memory>
#include <set>
#include <sstream>

#include <nlohmann/json.hpp>

#include "system/error.h"
#include "system/escape.h"
#include "system/flowtables.h"
#include "system/netlink.h"
#include "system/ruleset.h"
#include "system/xt_rules.h"

namespace dpinholer::system {

namespace {

using Json = nlohmann::json;

struct ContextDeleter {
  void operator()(nft_ctx* context) const { nft_ctx_free(context); }
};

std::string first_line(const char* text) {
  const std::string all(text == nullptr ? "" : text);
  return escape(all.substr(0, all.find('\n')));
}

// The output, or the error.
tl::expected<std::string, std::string> nft(const std::string& commands, unsigned output,
                                           bool dry_run = false) {
  const std::unique_ptr<nft_ctx, ContextDeleter> context(nft_ctx_new(NFT_CTX_DEFAULT));
  const std::string no_memory = "libnftables finds no memory; let it have more";
  if (!context) return tl::unexpected(no_memory);
  nft_ctx_output_set_flags(context.get(), output);
  nft_ctx_set_dry_run(context.get(), dry_run);
  if (nft_ctx_buffer_output(context.get()) != 0 || nft_ctx_buffer_error(context.get()) != 0)
    return tl::unexpected(no_memory);
  if (nft_run_cmd_from_buffer(context.get(), commands.c_str()) != 0) {
    return tl::unexpected(first_line(nft_ctx_get_error_buffer(context.get())));
  }
  return std::string(nft_ctx_get_output_buffer(context.get()));
}

// Asks for the generation of the ruleset, because libnftables ends the program where the kernel has no
// nftables.
std::optional<std::string> unreachable() {
  try {
    NetlinkSocket socket;
    alignas(nlmsghdr) std::array<std::uint8_t, 64> octets{};
    auto* request =
        nftnl_nlmsg_build_hdr(reinterpret_cast<char*>(octets.data()), NFT_MSG_GETGEN, 0, NLM_F_ACK, 0);
    const auto end = netlink_request(socket, *request, [](const nlmsghdr&) {});
    if (!end) return end.error().to_string();
    if (end->code == 0) return std::nullopt;
    return nftables_fault(end->code);
  } catch (const KernelError& error) {
    return error.what();
  }
}

// `terse` leaves the elements of verdict maps out, too. This brings those in that rules look into.
void put_verdict_maps(Json& listing) {
  std::set<std::string> used;
  for (const Json& item : listing["nftables"]) {
    if (!item.contains("rule")) continue;
    const Json& rule = item["rule"];
    for (const Json& statement : rule.value("expr", Json::array())) {
      if (!statement.contains("vmap") || !statement["vmap"].value("data", Json()).is_string()) continue;
      used.insert(rule.value("family", "") + " " + rule.value("table", "") + " " +
                  statement["vmap"]["data"].get<std::string>().substr(1));
    }
  }
  for (const std::string& name : used) {
    const auto text = nft("list map " + name, NFT_CTX_OUTPUT_JSON);
    const Json map = Json::parse(text.value_or(""), nullptr, false);
    if (!map.is_object()) continue;
    for (const Json& item : map.value("nftables", Json::array())) {
      if (item.contains("map")) listing["nftables"].push_back(item);
    }
  }
}

// libnftables 1.0.6 writes no JSON behind the flags of a table: there all else is listed by itself. Helpers
// stay unknown.
Json list_without_tables() {
  constexpr unsigned flags = NFT_CTX_OUTPUT_JSON | NFT_CTX_OUTPUT_TERSE | NFT_CTX_OUTPUT_STATELESS;
  Json all = Json::array();
  std::string chains;
  // One object for each command, each on a line of its own.
  auto add = [&](const std::string& commands, const char* kind) {
    std::istringstream lines(nft(commands, flags).value_or(""));
    for (std::string line; std::getline(lines, line);) {
      const Json listed = Json::parse(line, nullptr, false);
      if (!listed.is_object() || !listed.contains("nftables")) continue;
      for (const Json& item : listed["nftables"]) {
        if (!item.contains(kind)) continue;
        all.push_back(item);
        if (!item.contains("chain")) continue;
        const Json& chain = item["chain"];
        chains += "list chain " + chain.value("family", "") + " " + chain.value("table", "") + " " +
                  chain.value("name", "") + "\n";
      }
    }
  };
  std::istringstream tables(nft("list tables", 0).value_or(""));
  for (std::string word, family, name; tables >> word >> family >> name;)
    all.push_back({{"table", {{"family", family}, {"name", name}}}});
  add("list sets", "set");
  add("list chains", "chain");
  add(chains, "rule");
  return {{"nftables", all}};
}

}  // namespace

tl::expected<Ruleset, std::string> read_ruleset() {
  if (auto why = unreachable()) return tl::unexpected(std::move(*why));
  const auto json =
      nft("list ruleset", NFT_CTX_OUTPUT_JSON | NFT_CTX_OUTPUT_TERSE | NFT_CTX_OUTPUT_STATELESS);
  if (!json) return tl::unexpected(json.error());
  Json listing = Json::parse(*json, nullptr, false);
  const bool cut = json->starts_with(R"({"nftables": [)") && json->find(R"("flags": )") != std::string::npos;
  if (!listing.is_object() && cut) listing = list_without_tables();
  if (!listing.is_object() || !listing.contains("nftables"))
    return tl::unexpected(
        std::string("libnftables lists no JSON; take one that was built with it, as Debian's is"));
  put_verdict_maps(listing);
  auto ruleset = parse_ruleset(listing.dump(-1, ' ', false, Json::error_handler_t::replace));
  if (!ruleset) return ruleset;
  ruleset->flowtables = read_flowtables();
  const XtRules of_iptables = read_xt_rules();
  put_xt_targets(*ruleset, of_iptables.targets);
  put_xt_matches(*ruleset, of_iptables.matches);
  const auto text =
      nft("list ruleset", NFT_CTX_OUTPUT_HANDLE | NFT_CTX_OUTPUT_TERSE | NFT_CTX_OUTPUT_STATELESS);
  if (text) put_texts(*ruleset, *text);
  return ruleset;
}

std::optional<std::string> objection(const std::string& commands) {
  const auto done = nft(commands, 0, true);
  return done ? std::nullopt : std::optional(done.error());
}

}  // namespace dpinholer::system
