// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <fstream>
#include <stdexcept>
#include <string>

#include <nlohmann/json.hpp>

#include "doctor/facts.h"

namespace dpinholer::test {

using nlohmann::json;

/// The ruleset of nft/gateway.nft as nft lists it, to be changed line by line.
class Listing {
 public:
  Listing()
      : json_(json::parse(
            std::ifstream(std::string(DPINHOLER_SOURCE_DIR) + "/tests/data/ruleset/gateway.json"))) {}

  json& items() { return json_["nftables"]; }

  /// The first object of a kind ("chain") with this name; without a name, the first in that chain ("rule").
  json& find(const std::string& kind, const std::string& name) {
    for (json& item : items()) {
      if (item.contains(kind) && item[kind].value(kind == "rule" ? "chain" : "name", "") == name)
        return item[kind];
    }
    throw std::out_of_range(kind + " " + name);
  }

  /// All of them, or those that have `text` in them.
  void erase(const std::string& kind, const std::string& name, const std::string& text = "") {
    auto& all = items();
    for (auto item = all.begin(); item != all.end();) {
      const bool that = item->contains(kind) &&
                        (*item)[kind].value(kind == "rule" ? "chain" : "name", "") == name &&
                        item->dump().find(text) != std::string::npos;
      item = that ? all.erase(item) : item + 1;
    }
  }

  /// nft add chain inet filter ..., in `family table`
  void add_chain(const std::string& name, const std::string& hook, int priority, const std::string& policy,
                 const std::string& family = "inet", const std::string& table = "filter") {
    items().push_back({{"chain",
                        {{"family", family},
                         {"table", table},
                         {"name", name},
                         {"handle", 900},
                         {"type", "filter"},
                         {"hook", hook},
                         {"prio", priority},
                         {"policy", policy}}}});
  }

  /// Not a base chain.
  void add_plain_chain(const std::string& name, const std::string& table = "filter",
                       const std::string& family = "inet") {
    items().push_back({{"chain", {{"family", family}, {"table", table}, {"name", name}, {"handle", 900}}}});
  }

  /// All of inet filter is in inet `name`.
  void rename_table(const std::string& name) {
    for (json& item : items()) {
      if (item.contains("table")) item["table"]["name"] = name;
      for (auto& [kind, object] : item.items()) {
        if (object.value("table", "") == "filter") object["table"] = name;
      }
    }
  }

  /// nft add rule; `statements` is a JSON array
  void add_rule(const std::string& chain, const std::string& statements, const std::string& family = "inet",
                const std::string& table = "filter") {
    items().push_back(rule(chain, statements, family, table));
  }

  /// nft insert rule inet filter CHAIN: ahead of all that are there
  void insert_rule(const std::string& chain, const std::string& statements) {
    auto& all = items();
    for (auto item = all.begin(); item != all.end(); ++item) {
      if (item->contains("rule")) {
        all.insert(item, rule(chain, statements, "inet", "filter"));
        return;
      }
    }
  }

  std::string text() const { return json_.dump(); }

 private:
  static json rule(const std::string& chain, const std::string& statements, const std::string& family,
                   const std::string& table) {
    return {{"rule",
             {{"family", family},
              {"table", table},
              {"chain", chain},
              {"handle", 901},
              {"expr", json::parse(statements)}}}};
  }

  json json_;
};

/// A gateway that is as it should be.
struct Gateway {
  Listing listing;
  doctor::Facts facts;
  std::string texts;  ///< of rules, as `nft -a list ruleset` prints them

  Gateway() { facts.interfaces = {"eth0", "eth1"}; }

  /// What is known of it.
  doctor::Facts known() const {
    doctor::Facts all = facts;
    all.config_file = "dpinholer.toml";
    auto ruleset = system::parse_ruleset(listing.text());
    if (!ruleset) throw std::runtime_error(ruleset.error());
    all.ruleset = std::move(*ruleset);
    system::put_texts(all.ruleset, texts);
    all.ruleset.flowtables = facts.ruleset.flowtables;  // the kernel tells of them, not the listing
    return all;
  }
};

}  // namespace dpinholer::test
