// SPDX-License-Identifier: GPL-2.0-or-later
#include "system/ruleset.h"

#include <algorithm>
#include <array>
#include <map>

#include "system/ruleset_listing.h"

// What of libnftables-json(5) is read:
//
//   ruleset   = { "nftables": [ *( table / chain / set / map / ct-helper / rule ) ] }
//   rule      = { "rule": { family, table, chain, handle, "expr": [ *statement ] } }
//   statement = match / verdict / vmap / queue / set-update / mangle / ct-helper / flow / xt / any other
//   match     = { "match": { "op": op, "left": key, "right": value } }      ; ruleset_conditions.cpp
//   verdict   = { ("accept" / "drop" / "reject" / "return" / "jump" / "goto"): ... }
//   vmap      = { "vmap": { "key": key, "data": { "set": [ *[ value, verdict ] ] } / "@" name } }

namespace dpinholer::system {

namespace {

using Kind = Outcome::Kind;
using listing::at;
using listing::Json;
using listing::set_named;
using listing::text_at;

template <typename Number>
Number number_at(const Json& object, std::string_view key) {
  const Json& value = at(object, key);
  return value.is_number_integer() ? value.get<Number>() : Number{0};
}

TableName table_of(const Json& object) {
  return {text_at(object, "family"), text_at(object, "table")};
}

// ---- Statements -------------------------------------------------------------------------------------------

std::optional<Outcome> verdict(const Json& statement) {
  if (!statement.is_object() || statement.size() != 1) return std::nullopt;
  const std::string& word = statement.begin().key();
  Outcome outcome;
  if (word == "accept") {
    outcome.kind = Kind::accept;
  } else if (word == "drop" || word == "reject") {
    outcome.kind = Kind::drop;
  } else if (word == "return") {
    outcome.kind = Kind::give_back;
  } else if (word == "jump" || word == "goto") {
    outcome.kind = word == "jump" ? Kind::jump : Kind::go_to;
    outcome.target = text_at(statement.begin().value(), "target");
  } else {
    return std::nullopt;
  }
  return outcome;
}

using Maps = std::map<std::string, Json>;  // elements by "family table name"

void read_vmap(const Json& vmap, const Maps& maps, const TableName& table, Rule& rule) {
  const Json& key = at(vmap, "key");
  const Json& data = at(vmap, "data");
  const std::string name = set_named(data);
  const auto map = maps.find(table.family + " " + table.name + " " + name);
  const Json& entries = name.empty() ? at(data, "set") : map == maps.end() ? at({}, "") : map->second;
  if (!entries.is_array()) return;
  for (const Json& entry : entries) {
    if (!entry.is_array() || entry.size() != 2) continue;
    auto outcome = verdict(entry[1]);
    if (!outcome) continue;
    // `*`: all that no other entry is about.
    if (entry[0] != "*") outcome->conditions = listing::conditions(key, "==", entry[0]);
    rule.outcomes.push_back(std::move(*outcome));
  }
}

void read_queue(const Json& queue, Rule& rule) {
  Outcome outcome;
  outcome.kind = Kind::queue;
  const auto range = listing::port_range(at(queue, "num"));  // the same numbers
  if (range) outcome.queues = {range->first, range->last};
  const Json& flags = at(queue, "flags");
  outcome.bypass =
      flags == "bypass" || (flags.is_array() && std::ranges::find(flags, "bypass") != flags.end());
  rule.outcomes.push_back(outcome);
}

void read_match(const Json& match, Rule& rule) {
  const Json& key = at(match, "left");
  for (Condition& one : listing::conditions(key, text_at(match, "op"), at(match, "right")))
    rule.conditions.push_back(std::move(one));
  auto name = set_named(at(match, "right"));
  if (name.empty()) return;
  if (const Json& operands = at(key, "&");
      operands.is_array() && operands.size() == 2 && operands[1].is_string())
    rule.masked.emplace_back(name, operands[1].get<std::string>());
  rule.looked_up.push_back(std::move(name));
}

// `limit rate over` and the like are about a few packets; without `over`, about nobody knows how many.
Condition about_excess(const Json& limit) {
  Condition condition;
  if (at(limit, "inv") == true) condition.about = Condition::About::few;
  return condition;
}

bool is_limit(std::string_view word) {
  return word == "limit" || word == "quota" || word == "ct count";
}

void read_update(const Json& update, Rule& rule) {
  const Json& statements = at(update, "stmt");
  if (statements.is_array()) {
    for (const Json& one : statements) {
      if (one.is_object() && one.size() == 1 && is_limit(one.begin().key()))
        rule.conditions.push_back(about_excess(one.begin().value()));
    }
  }
  const Json& timeout = at(at(at(update, "elem"), "elem"), "timeout");
  const std::string name = set_named(at(update, "set"));
  if (name.empty() || !timeout.is_number_integer()) return;
  rule.refreshed.emplace_back(name, base::seconds(timeout.get<std::int64_t>()));
}

// meta mark set meta mark | 0x01000000
void read_mark(const Json& mangle, Rule& rule) {
  if (text_at(at(at(mangle, "key"), "meta"), "key") != "mark") return;
  const Json& value = at(mangle, "value");
  const Json& operands = at(value, "|");
  rule.marks |=
      listing::number(operands.is_array() && operands.size() == 2 ? operands[1] : value).value_or(0);
}

bool decides_nothing(std::string_view word) {
  constexpr std::array<std::string_view, 7> known{"counter", "log", "ct timeout", "ct expectation",
                                                  "notrack", "dup", "comment"};
  return std::ranges::find(known, word) != known.end();
}

// Of targets and matches the kernel itself tells more (put_xt_targets, put_xt_matches).
void read_xt(const Json& xt, Rule& rule) {
  if (text_at(xt, "type") == "target" || text_at(xt, "name") == "comment") return;
  rule.conditions.emplace_back();
  rule.conditions.back().words = {std::string(listing::xt_match)};
}

void read_statement(const Json& statement, const Maps& maps,
                    const std::map<std::string, std::string>& helpers, const TableName& table, Rule& rule) {
  if (auto outcome = verdict(statement)) {
    rule.outcomes.push_back(std::move(*outcome));
    return;
  }
  if (!statement.is_object() || statement.size() != 1) return;
  const std::string& word = statement.begin().key();
  const Json& value = statement.begin().value();
  if (word == "match") {
    read_match(value, rule);
  } else if (word == "vmap") {
    read_vmap(value, maps, table, rule);
  } else if (word == "queue") {
    read_queue(value, rule);
  } else if (word == "set") {
    read_update(value, rule);
  } else if (word == "flow") {
    rule.outcomes.push_back({Kind::offload, set_named(at(value, "flowtable")), {}, false, {}});
  } else if (word == "ct helper" && value.is_string()) {
    const auto helper = helpers.find(table.family + " " + table.name + " " + value.get<std::string>());
    if (helper != helpers.end()) rule.helper = helper->second;
  } else if (word == "mangle") {
    read_mark(value, rule);
  } else if (word == "xt") {
    read_xt(value, rule);
  } else if (is_limit(word)) {
    rule.conditions.push_back(about_excess(value));
  } else if (!decides_nothing(word)) {
    rule.conditions.emplace_back();
  }
}

// ---- The listing ------------------------------------------------------------------------------------------

class Reader {
 public:
  // Others refer to these.
  void read_objects(const Json& item) {
    if (const Json& map = at(item, "map"); !map.empty()) maps_[name_of(map)] = at(map, "elem");
    if (const Json& helper = at(item, "ct helper"); !helper.empty()) {
      helpers_[name_of(helper)] = text_at(helper, "type");
    }
  }

  void read_rest(const Json& item) {
    if (const Json& table = at(item, "table"); !table.empty()) {
      ruleset.tables.push_back({text_at(table, "family"), text_at(table, "name")});
    } else if (const Json& set = at(item, "set"); !set.empty()) {
      ruleset.sets.push_back(
          {table_of(set), text_at(set, "name"), base::seconds(number_at<std::int64_t>(set, "timeout"))});
    } else if (const Json& chain = at(item, "chain"); !chain.empty()) {
      chains_[name_of(chain)] = ruleset.chains.size();
      ruleset.chains.push_back({table_of(chain),
                                text_at(chain, "name"),
                                text_at(chain, "hook"),
                                number_at<int>(chain, "prio"),
                                text_at(chain, "policy") == "drop",
                                {}});
    } else if (const Json& rule = at(item, "rule"); !rule.empty()) {
      read_rule(rule);
    }
  }

  Ruleset ruleset;

 private:
  static std::string name_of(const Json& object) {
    return text_at(object, "family") + " " + text_at(object, "table") + " " + text_at(object, "name");
  }

  void read_rule(const Json& item) {
    const TableName table = table_of(item);
    const auto chain = chains_.find(table.family + " " + table.name + " " + text_at(item, "chain"));
    if (chain == chains_.end()) return;
    Rule rule;
    rule.handle = number_at<std::uint64_t>(item, "handle");
    const Json& statements = at(item, "expr");
    for (const Json& statement : statements) read_statement(statement, maps_, helpers_, table, rule);
    ruleset.chains[chain->second].rules.push_back(std::move(rule));
  }

  Maps maps_;
  std::map<std::string, std::string> helpers_;
  std::map<std::string, std::size_t> chains_;
};

}  // namespace

const Chain* Ruleset::find(const TableName& table, std::string_view chain) const {
  const auto found =
      std::ranges::find_if(chains, [&](const Chain& one) { return one.table == table && one.name == chain; });
  return found == chains.end() ? nullptr : &*found;
}

tl::expected<Ruleset, std::string> parse_ruleset(std::string_view json) {
  const Json listing = Json::parse(json, nullptr, false);
  const Json& items = at(listing, "nftables");
  if (!items.is_array()) return tl::unexpected(std::string("the list of nftables can't be read"));
  Reader reader;
  for (const Json& item : items) reader.read_objects(item);
  for (const Json& item : items) reader.read_rest(item);
  return std::move(reader.ruleset);
}

}  // namespace dpinholer::system
