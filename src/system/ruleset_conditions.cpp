// SPDX-License-Identifier: GPL-2.0-or-later
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cstdint>

#include "system/ruleset_listing.h"

//   match = { "op": op, "left": key, "right": value }
//   key   = meta / ct / payload / { "&": [ key, number ] } / { "concat": [ *key ] } / any other
//   value = word / number / [ *word ] / { "set": [ *value ] } / { "range": [ value, value ] } /
//           { "prefix": { addr, len } } / { "concat": [ *value ] } / "@" name

namespace dpinholer::system::listing {

namespace {

using About = Condition::About;
using pinhole::PortRange;

std::optional<std::uint16_t> port(const Json& value) {
  if (!value.is_number_integer()) return std::nullopt;
  const auto number = value.get<std::int64_t>();
  if (number < 0 || number > 65535) return std::nullopt;
  return static_cast<std::uint16_t>(number);
}

// nft has its names from /etc/protocols, and tells numbers where that is missing (netbase).
std::string protocol_named(std::int64_t number) {
  if (number == IPPROTO_TCP) return "tcp";
  if (number == IPPROTO_UDP) return "udp";
  return std::to_string(number);
}

About about_meta(const std::string& key) {
  if (key == "l4proto") return About::protocol;
  if (key == "iif" || key == "iifname") return About::in_interface;
  if (key == "oif" || key == "oifname") return About::out_interface;
  if (key == "nfproto" || key == "protocol") return About::family;
  if (key == "mark") return About::mark;
  return About::other;
}

About about(const Json& key) {
  if (const std::string meta = text_at(at(key, "meta"), "key"); !meta.empty()) return about_meta(meta);
  if (const std::string ct = text_at(at(key, "ct"), "key"); !ct.empty())
    return ct == "state" ? About::ct_state : About::few;
  const Json& operands = at(key, "&");
  if (operands.is_array() && operands.size() == 2 && about(operands[0]) == About::mark) return About::mark;
  const std::string protocol = text_at(at(key, "payload"), "protocol");
  const std::string field = text_at(at(key, "payload"), "field");
  if ((protocol == "ip" && field == "protocol") || (protocol == "ip6" && field == "nexthdr"))
    return About::protocol;
  if ((protocol == "ip" || protocol == "ip6") && (field == "saddr" || field == "daddr")) return About::few;
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
  if (condition.about == About::protocol && value.is_number_integer()) {
    condition.words.push_back(protocol_named(value.get<std::int64_t>()));
    return true;
  }
  if (value.is_string()) condition.words.push_back(value.get<std::string>());
  return value.is_string();
}

// Of `meta mark & mask == bits`; without a mask all bits count.
bool read_mark(const Json& key, const Json& value, Condition& condition) {
  const Json& operands = at(key, "&");
  const auto bits = number(value);
  const auto mask = operands.is_array() ? number(operands[1]) : std::optional(~std::uint32_t{0});
  condition.mask = mask.value_or(0);
  condition.bits = bits.value_or(0);
  return bits && mask;
}

// "ipv4" and "ip" are the same.
void name_family(Condition& condition) {
  for (std::string& word : condition.words) {
    if (word == "ipv4") word = "ip";
    if (word == "ipv6") word = "ip6";
  }
}

// `>= 10000` is 10000-65535, and `> 65535` no port.
std::optional<std::vector<PortRange>> compared_ports(const std::string& op, const Json& value) {
  const auto number = port(value);
  if (!number) return std::nullopt;
  const int first = op == ">=" ? *number : op == ">" ? *number + 1 : 0;
  const int last = op == "<=" ? *number : op == "<" ? *number - 1 : 65535;
  if (op != ">=" && op != ">" && op != "<=" && op != "<") return std::nullopt;
  if (first > last) return std::vector<PortRange>{};
  return std::vector{PortRange{static_cast<std::uint16_t>(first), static_cast<std::uint16_t>(last)}};
}

Condition condition(const Json& key, const std::string& op, const Json& value) {
  Condition read;
  read.about = about(key);
  if (read.about == About::destination_port || read.about == About::source_port) {
    if (auto ports = compared_ports(op, value)) {
      read.ports = std::move(*ports);
      return read;
    }
  }
  const bool equal = op == "==" || op == "in" || op.empty();
  read.negated = op == "!=" || op == "!";
  if (!equal && !read.negated) return {};
  if (read.about == About::mark) return read_mark(key, value, read) ? read : Condition{};
  const bool any_value = read.about == About::few && !at(key, "ct").empty();
  if (!any_value && !read_values(value, read)) return {};
  if (read.about == About::family) name_family(read);
  // All but a few may be nearly all.
  if (read.about == About::few && read.negated) return {};
  return read;
}

Condition of_words(About about, std::string word) {
  Condition read;
  read.about = about;
  read.words.push_back(std::move(word));
  return read;
}

std::vector<Condition> implied(const Json& key) {
  const std::string protocol = text_at(at(key, "payload"), "protocol");
  constexpr std::array<std::string_view, 9> known{"udp",  "tcp",     "icmp", "icmpv6", "sctp",
                                                  "dccp", "udplite", "esp",  "ah"};
  if (std::ranges::find(known, protocol) != known.end()) return {of_words(About::protocol, protocol)};
  if (protocol == "ip" || protocol == "ip6") return {of_words(About::family, protocol)};
  return {};
}

}  // namespace

const Json& at(const Json& object, std::string_view key) {
  static const Json nothing = Json::object();
  if (!object.is_object()) return nothing;
  const auto found = object.find(key);
  return found == object.end() ? nothing : *found;
}

std::string text_at(const Json& object, std::string_view key) {
  const Json& value = at(object, key);
  return value.is_string() ? value.get<std::string>() : "";
}

std::string set_named(const Json& value) {
  if (!value.is_string()) return "";
  const auto& text = value.get_ref<const std::string&>();
  return text.starts_with('@') ? text.substr(1) : "";
}

std::optional<PortRange> port_range(const Json& value) {
  const Json& range = at(value, "range");
  const bool pair = range.is_array() && range.size() == 2;
  const auto first = port(pair ? range[0] : value);
  const auto last = port(pair ? range[1] : value);
  if (!first || !last) return std::nullopt;
  return PortRange{*first, *last};
}

std::optional<std::uint32_t> number(const Json& value) {
  if (!value.is_number_integer()) return std::nullopt;
  const auto whole = value.get<std::int64_t>();
  if (whole < 0 || whole > std::int64_t{0xffff'ffff}) return std::nullopt;
  return static_cast<std::uint32_t>(whole);
}

// `@th,0,32 != 0x13c413c4`, which nft 1.0.6 makes of `th dport != 5060 th sport != 5060`: all but the packets
// that have both ports.
bool is_of_both_ports(const Json& key) {
  const Json& payload = at(key, "payload");
  return text_at(payload, "base") == "th" && at(payload, "offset") == 0 && at(payload, "len") == 32;
}

std::vector<Condition> conditions(const Json& key, const std::string& op, const Json& value) {
  if (op == "!=" && is_of_both_ports(key)) return {};
  const Json& keys = at(key, "concat");
  const Json& values = at(value, "concat");
  if (op == "==" && keys.is_array() && values.is_array() && keys.size() == values.size()) {
    std::vector<Condition> all;
    for (std::size_t i = 0; i < keys.size(); ++i) {
      const auto more = conditions(keys[i], op, values[i]);
      all.insert(all.end(), more.begin(), more.end());
    }
    return all;
  }
  std::vector<Condition> read = implied(key);
  read.push_back(condition(key, op, value));
  return read;
}

}  // namespace dpinholer::system::listing
