// SPDX-License-Identifier: GPL-2.0-or-later
#include "system/ruleset.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>

#include <nlohmann/json.hpp>

// What of libnftables-json(5) is read:
//
//   ruleset   = { "nftables": [ *( table / chain / set / map / ct-helper / rule ) ] }
//   rule      = { "rule": { family, table, chain, handle, "expr": [ *statement ] } }
//   statement = match / verdict / vmap / queue / set-update / ct-helper / flow / xt / any other
//   match     = { "match": { "op": op, "left": key, "right": value } }
//   verdict   = { ("accept" / "drop" / "reject" / "return" / "jump" / "goto"): ... }
//   vmap      = { "vmap": { "key": key, "data": { "set": [ *[ value, verdict ] ] } / "@" name } }
//   value     = word / number / [ *word ] / { "set": [ *value ] } / { "range": [ value, value ] } / "@" name

namespace dpinholer::system {

namespace {

using Json = nlohmann::json;
using About = Condition::About;
using Kind = Outcome::Kind;
using pinhole::PortRange;

const Json nothing = Json::object();

const Json& at(const Json& object, std::string_view key) {
  if (!object.is_object()) return nothing;
  const auto found = object.find(key);
  return found == object.end() ? nothing : *found;
}

std::string text_at(const Json& object, std::string_view key) {
  const Json& value = at(object, key);
  return value.is_string() ? value.get<std::string>() : "";
}

template <typename Number>
Number number_at(const Json& object, std::string_view key) {
  const Json& value = at(object, key);
  return value.is_number_integer() ? value.get<Number>() : Number{0};
}

TableName table_of(const Json& object) {
  return {text_at(object, "family"), text_at(object, "table")};
}

// "@sip_rtp4" without its @, or nothing
std::string set_named(const Json& value) {
  if (!value.is_string()) return "";
  const auto& text = value.get_ref<const std::string&>();
  return text.starts_with('@') ? text.substr(1) : "";
}

std::optional<std::uint16_t> port(const Json& value) {
  if (!value.is_number_integer()) return std::nullopt;
  const auto number = value.get<std::int64_t>();
  if (number < 0 || number > 65535) return std::nullopt;
  return static_cast<std::uint16_t>(number);
}

std::optional<PortRange> port_range(const Json& value) {
  const Json& range = at(value, "range");
  const bool pair = range.is_array() && range.size() == 2;
  const auto first = port(pair ? range[0] : value);
  const auto last = port(pair ? range[1] : value);
  if (!first || !last) return std::nullopt;
  return PortRange{*first, *last};
}

// ---- Conditions -------------------------------------------------------------------------------------------

About about(const Json& key) {
  const std::string meta = text_at(at(key, "meta"), "key");
  if (meta == "l4proto") return About::protocol;
  if (meta == "iif" || meta == "oif" || meta == "iifname" || meta == "oifname") return About::interface;
  if (text_at(at(key, "ct"), "key") == "state") return About::ct_state;
  const std::string protocol = text_at(at(key, "payload"), "protocol");
  const std::string field = text_at(at(key, "payload"), "field");
  if ((protocol == "ip" && field == "protocol") || (protocol == "ip6" && field == "nexthdr"))
    return About::protocol;
  const bool ports = protocol == "udp" || protocol == "tcp" || protocol == "th";
  if (ports && field == "dport") return About::destination_port;
  if (ports && field == "sport") return About::source_port;
  return About::other;
}

// A value, or each of several. False when one can't be read.
bool read_values(const Json& value, Condition& condition) {
  const Json& set = at(value, "set");
  const Json& several = value.is_array() ? value : set;
  if (several.is_array()) {
    return std::ranges::all_of(several, [&](const Json& one) { return read_values(one, condition); });
  }
  if (!set_named(value).empty()) return false;
  if (condition.about == About::destination_port || condition.about == About::source_port) {
    const auto range = port_range(value);
    if (range) condition.ports.push_back(*range);
    return range.has_value();
  }
  if (value.is_string()) condition.words.push_back(value.get<std::string>());
  return value.is_string();
}

Condition condition(const Json& key, const std::string& op, const Json& value) {
  Condition read;
  read.about = about(key);
  const bool equal = op == "==" || op == "in" || op.empty();
  read.negated = op == "!=" || op == "!";
  if ((!equal && !read.negated) || !read_values(value, read)) return {};
  return read;
}

// `udp dport` says udp as well; an address says nothing that is understood here.
std::optional<Condition> implied_protocol(const Json& key) {
  const std::string protocol = text_at(at(key, "payload"), "protocol");
  constexpr std::array<std::string_view, 9> known{"udp",  "tcp",     "icmp", "icmpv6", "sctp",
                                                  "dccp", "udplite", "esp",  "ah"};
  if (std::ranges::find(known, protocol) == known.end()) return std::nullopt;
  return Condition{About::protocol, false, {protocol}, {}};
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
  const Json& entries = name.empty() ? at(data, "set") : map == maps.end() ? nothing : map->second;
  if (!entries.is_array()) return;
  for (const Json& entry : entries) {
    if (!entry.is_array() || entry.size() != 2) continue;
    auto outcome = verdict(entry[1]);
    if (!outcome) continue;
    outcome->condition = condition(key, "==", entry[0]);
    rule.outcomes.push_back(std::move(*outcome));
  }
}

void read_queue(const Json& queue, Rule& rule) {
  Outcome outcome;
  outcome.kind = Kind::queue;
  const auto range = port_range(at(queue, "num"));  // the same numbers
  if (range) outcome.queues = {range->first, range->last};
  const Json& flags = at(queue, "flags");
  outcome.bypass =
      flags == "bypass" || (flags.is_array() && std::ranges::find(flags, "bypass") != flags.end());
  rule.outcomes.push_back(outcome);
}

void read_match(const Json& match, Rule& rule) {
  const Json& key = at(match, "left");
  if (auto protocol = implied_protocol(key)) rule.conditions.push_back(std::move(*protocol));
  rule.conditions.push_back(condition(key, text_at(match, "op"), at(match, "right")));
  auto name = set_named(at(match, "right"));
  if (name.empty()) return;
  if (const Json& operands = at(key, "&");
      operands.is_array() && operands.size() == 2 && operands[1].is_string())
    rule.masked.emplace_back(name, operands[1].get<std::string>());
  rule.looked_up.push_back(std::move(name));
}

void read_update(const Json& update, Rule& rule) {
  const Json& timeout = at(at(at(update, "elem"), "elem"), "timeout");
  const std::string name = set_named(at(update, "set"));
  if (name.empty() || !timeout.is_number_integer()) return;
  rule.refreshed.emplace_back(name, base::seconds(timeout.get<std::int64_t>()));
}

bool decides_nothing(std::string_view word) {
  constexpr std::array<std::string_view, 8> known{"counter",        "log",     "mangle", "ct timeout",
                                                  "ct expectation", "notrack", "dup",    "comment"};
  return std::ranges::find(known, word) != known.end();
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
    rule.outcomes.push_back({Kind::offload, "", {}, false, std::nullopt});
  } else if (word == "ct helper" && value.is_string()) {
    const auto helper = helpers.find(table.family + " " + table.name + " " + value.get<std::string>());
    if (helper != helpers.end()) rule.helper = helper->second;
  } else if (word == "xt" && text_at(value, "type") == "target") {
    // put_xt_targets knows more.
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

Rule* rule_with_handle(Ruleset& ruleset, const TableName& table, std::uint64_t handle) {
  for (Chain& chain : ruleset.chains) {
    if (chain.table != table) continue;
    for (Rule& rule : chain.rules) {
      if (rule.handle == handle) return &rule;
    }
  }
  return nullptr;
}

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

// A rule may take several lines: then it has no text here.
void put_texts(Ruleset& ruleset, std::string_view listing) {
  std::map<std::pair<std::string, std::uint64_t>, std::string_view> texts;
  std::string table;
  while (!listing.empty()) {
    const auto end = std::min(listing.find('\n'), listing.size());
    std::string_view line = listing.substr(0, end);
    listing.remove_prefix(std::min(end + 1, listing.size()));
    constexpr std::string_view mark = " # handle ";
    const auto comment = line.rfind(mark);
    if (comment == std::string_view::npos) continue;
    const std::string_view number = line.substr(comment + mark.size());
    line = line.substr(0, comment);
    if (line.starts_with("table ")) {
      table = line.substr(6, line.find(" {") - 6);
      continue;
    }
    std::uint64_t handle = 0;
    std::from_chars(number.data(), number.data() + number.size(), handle);
    line.remove_prefix(std::min(line.find_first_not_of("\t "), line.size()));
    if (std::ranges::count(line, '{') == std::ranges::count(line, '}')) texts[{table, handle}] = line;
  }
  for (Chain& chain : ruleset.chains) {
    for (Rule& rule : chain.rules) {
      const auto text = texts.find({chain.table.family + " " + chain.table.name, rule.handle});
      if (text != texts.end()) rule.text = text->second;
    }
  }
}

void put_xt_targets(Ruleset& ruleset, const std::vector<XtTarget>& targets) {
  for (const XtTarget& target : targets) {
    Rule* rule = rule_with_handle(ruleset, target.table, target.handle);
    if (rule == nullptr) continue;
    rule->of_iptables = true;
    if (target.name == "NFQUEUE") {
      rule->outcomes.push_back({Kind::queue, "", target.queues, target.bypass, std::nullopt});
    } else if (target.name == "REJECT") {
      rule->outcomes.push_back({Kind::drop, "", {}, false, std::nullopt});
    }
    if (!target.helper.empty()) rule->helper = target.helper;
  }
}

}  // namespace dpinholer::system
