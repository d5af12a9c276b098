// SPDX-License-Identifier: GPL-2.0-or-later
#include "system/config.h"

#include <toml++/toml.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <limits>
#include <memory>
#include <system_error>

#include "base/limits.h"
#include "system/config_values.h"
#include "system/escape.h"
#include "system/queue.h"

namespace dpinholer::system {

namespace {

using base::seconds;
using pinhole::PortRange;
using pinhole::SameSide;

constexpr std::int64_t year = 31'536'000;   // seconds
constexpr std::int64_t longest_grace = 30;  // seconds: who may send then is no party of a call any more
constexpr std::int64_t most = 100'000'000;  // of anything that is counted

// ---- Readers: each stores what `node` says and returns true, or false for a value that is not right
// ---------

bool read(const toml::node& node, bool& target) {
  const auto value = node.value_exact<bool>();
  if (value) target = *value;
  return value.has_value();
}

template <typename Integer>
bool read(const toml::node& node, Integer& target, std::int64_t from, std::int64_t to) {
  const auto value = node.value_exact<std::int64_t>();
  if (!value || *value < from || *value > to) return false;
  target = static_cast<Integer>(*value);
  return true;
}

bool read(const toml::node& node, std::chrono::milliseconds& target, std::int64_t from, std::int64_t to) {
  std::int64_t value = 0;
  if (!read(node, value, from, to)) return false;
  target = std::chrono::milliseconds{value};
  return true;
}

bool read(const toml::node& node, seconds& target, std::int64_t from = 1, std::int64_t to = year) {
  std::int64_t value = 0;
  if (!read(node, value, from, to)) return false;
  target = seconds(value);
  return true;
}

template <typename T>
struct Word {
  std::string_view text;
  T value;
};

template <typename T, std::size_t n>
bool read(const toml::node& node, T& target, const Word<T> (&words)[n]) {
  const auto text = node.value_exact<std::string_view>();
  const auto* word = std::ranges::find_if(words, [&](const Word<T>& w) { return text == w.text; });
  if (word == std::end(words)) return false;
  target = word->value;
  return true;
}

// `parse` makes an optional of a text.
template <typename T, typename Parse>
bool read_text(const toml::node& node, T& target, Parse parse) {
  const auto text = node.value_exact<std::string_view>();
  if (!text) return false;
  auto value = parse(*text);
  if (!value) return false;
  target = std::move(*value);
  return true;
}

template <typename T, typename Parse>
bool read_list(const toml::node& node, std::vector<T>& target, Parse parse) {
  const auto* array = node.as_array();
  if (array == nullptr) return false;
  std::vector<T> values;
  for (const toml::node& element : *array) {
    std::optional<T> value = parse(element);
    if (!value) return false;
    values.push_back(std::move(*value));
  }
  target = std::move(values);
  return true;
}

template <typename T, typename Parse>
bool read_texts(const toml::node& node, std::vector<T>& target, Parse parse) {
  return read_list(node, target, [&](const toml::node& element) -> std::optional<T> {
    const auto text = element.value_exact<std::string_view>();
    return text ? parse(*text) : std::nullopt;
  });
}

// Networks, and interfaces that stand for the addresses that they have.
bool read_inside(const toml::node& node, pinhole::PolicySettings& policy) {
  std::vector<std::string> names;
  std::vector<std::string> texts;
  std::vector<base::Network> networks;
  if (!read_texts(node, texts, [](std::string_view text) { return std::optional(std::string(text)); }))
    return false;
  for (const std::string& text : texts) {
    if (const auto network = base::Network::parse(text)) {
      networks.push_back(*network);
    } else if (auto name = parse_interface_beside_networks(text)) {
      names.push_back(std::move(*name));
    } else {
      return false;
    }
  }
  policy.inside_networks = std::move(networks);
  policy.inside_addresses_of = std::move(names);
  return true;
}

std::optional<PortRange> read_port_range(const toml::node& node) {
  if (const auto text = node.value_exact<std::string_view>()) return parse_port_range(*text);
  std::uint16_t port = 0;
  if (!read(node, port, 1, 65535)) return std::nullopt;
  return PortRange{port, port};
}

// ---- The keys ---------------------------------------------------------------------------------------------

struct Key {
  std::string_view section;
  std::string_view name;
  std::string_view right;  // what would be right, for the error
  bool (*read)(const toml::node&, Config&);
};

using Node = const toml::node&;

constexpr std::string_view true_or_false = "true or false";
constexpr std::string_view a_time = "whole seconds, 1 to 31536000";
constexpr std::string_view a_count = "a number, 1 to 100000000";
constexpr std::string_view signs = "a list of texts of up to 64 octets, [\"friendly-scanner\"]";
constexpr std::string_view networks =
    "a list of networks without host bits, [\"192.0.2.0/24\", \"2001:db8::/32\"]";

const Key keys[] = {
    {"kernel", "table", "family (inet, ip, ip6) and name of a table, \"inet filter\"",
     [](Node n, Config& c) { return read_text(n, c.kernel.table, parse_table); }},
    {"kernel", "queues", "a queue number or a range, \"0\" or \"0-3\"",
     [](Node n, Config& c) { return read_text(n, c.kernel.queues, parse_range<QueueRange>); }},
    {"kernel", "queue-length", "a number of packets, 1 to 900000",
     [](Node n, Config& c) { return read(n, c.kernel.queue_length, 1, longest_queue); }},
    {"kernel", "fail-open", true_or_false, [](Node n, Config& c) { return read(n, c.kernel.fail_open); }},
    {"kernel", "observe", true_or_false, [](Node n, Config& c) { return read(n, c.kernel.observe); }},
    {"kernel", "on-stop", "\"keep\" or \"flush\"",
     [](Node n, Config& c) {
       return read(n, c.kernel.flush_on_stop, {{"keep", false}, {"flush", true}});
     }},
    {"kernel", "patience", "milliseconds, 1 to 5000",
     [](Node n, Config& c) { return read(n, c.kernel.patience, 1, 5000); }},

    {"media", "source", "\"peer\" or \"any\"",
     [](Node n, Config& c) {
       return read(n, c.policy.bind_to_peer, {{"peer", true}, {"any", false}});
     }},
    {"media", "before-answer", "\"open\" or \"closed\"",
     [](Node n, Config& c) {
       return read(n, c.negotiation.open_before_answer, {{"open", true}, {"closed", false}});
     }},
    {"media", "local", true_or_false, [](Node n, Config& c) { return read(n, c.policy.local); }},
    {"media", "ports", "a range of ports from 1024 on, \"1024-65535\"",
     [](Node n, Config& c) { return read_text(n, c.policy.ports, parse_media_ports); }},
    {"media", "refuse-ports", "a list of ports and ranges, [5060, \"6000-6010\"]",
     [](Node n, Config& c) { return read_list(n, c.policy.refuse_ports, read_port_range); }},
    {"media", "refuse-networks", networks,
     [](Node n, Config& c) { return read_texts(n, c.policy.refuse_networks, base::Network::parse); }},
    {"media", "networks", networks,
     [](Node n, Config& c) { return read_texts(n, c.policy.networks, base::Network::parse); }},
    {"media", "ice", "\"use\" or \"ignore\"",
     [](Node n, Config& c) {
       return read(n, c.descriptions.ice, {{"use", true}, {"ignore", false}});
     }},
    {"media", "same-side", "\"auto\", \"configured\" or \"off\"",
     [](Node n, Config& c) {
       return read(
           n, c.policy.same_side,
           {{"auto", SameSide::routes}, {"configured", SameSide::configured}, {"off", SameSide::off}});
     }},
    {"media", "tcp", true_or_false, [](Node n, Config& c) { return read(n, c.negotiation.tcp); }},
    {"media", "hold", "\"keep\" or \"narrow\"",
     [](Node n, Config& c) {
       return read(n, c.negotiation.hold_narrow, {{"keep", false}, {"narrow", true}});
     }},
    {"media", "offload", "\"avoid\" or \"use\"",
     [](Node n, Config& c) {
       return read(n, c.offload, {{"avoid", false}, {"use", true}});
     }},

    {"sides", "inside-networks",
     "a list of networks without host bits, and of interfaces for the addresses that they have, "
     "[\"192.0.2.0/24\", \"2001:db8::/32\", \"ppp0\"]",
     [](Node n, Config& c) { return read_inside(n, c.policy); }},
    {"sides", "inside-interfaces", "a list of interface names, [\"eth1\"]",
     [](Node n, Config& c) { return read_texts(n, c.policy.inside_interfaces, parse_interface); }},

    {"timeouts", "early", a_time, [](Node n, Config& c) { return read(n, c.negotiation.early); }},
    {"timeouts", "media-idle", a_time, [](Node n, Config& c) { return read(n, c.negotiation.media_idle); }},
    {"timeouts", "held", a_time, [](Node n, Config& c) { return read(n, c.negotiation.held); }},
    {"timeouts", "grace", "whole seconds, 0 to 30",
     [](Node n, Config& c) { return read(n, c.negotiation.grace, 0, longest_grace); }},
    {"timeouts", "terminating", a_time, [](Node n, Config& c) { return read(n, c.negotiation.terminating); }},
    {"timeouts", "max-call", "whole seconds, 1 to 31536000, or 0 for no limit",
     [](Node n, Config& c) { return read(n, c.negotiation.max_call, 0); }},

    {"limits", "calls", a_count, [](Node n, Config& c) { return read(n, c.negotiation.calls, 1, most); }},
    {"limits", "calls-per-source", "a number, 1 to 100000000, or 0 for no limit",
     [](Node n, Config& c) { return read(n, c.negotiation.calls_per_source, 0, most); }},
    {"limits", "ipv6-prefix", "a number of bits, 1 to 128",
     [](Node n, Config& c) { return read(n, c.negotiation.ipv6_prefix, 1, 128); }},
    // An inspector's answer has room for a call that replaces all its pinholes by others (base/limits.h).
    {"limits", "pinholes-per-call", "a number, 1 to 4096",
     [](Node n, Config& c) { return read(n, c.negotiation.pinholes_per_call, 1, 4096); }},
    {"limits", "media-sections", "a number, 1 to 1024",
     [](Node n, Config& c) { return read(n, c.descriptions.media_sections, 1, 1024); }},
    {"limits", "candidates", "a number, 0 to 4096",
     [](Node n, Config& c) { return read(n, c.descriptions.candidates, 0, 4096); }},
    {"limits", "tcp-flows", a_count, [](Node n, Config& c) { return read(n, c.streams.flows, 1, most); }},
    {"limits", "tcp-buffer", "a number of octets, 1024 to 16777216",
     [](Node n, Config& c) { return read(n, c.streams.buffer, 1024, 16'777'216); }},

    {"signalling", "malformed", "\"accept\" or \"drop\"",
     [](Node n, Config& c) {
       return read(n, c.drop_malformed, {{"accept", false}, {"drop", true}});
     }},
    {"signalling", "not-sip", "\"accept\" or \"drop\"",
     [](Node n, Config& c) {
       return read(n, c.drop_not_sip, {{"accept", false}, {"drop", true}});
     }},

    {"scanners", "user-agents", signs,
     [](Node n, Config& c) { return read_texts(n, c.scanners.user_agents, parse_sign); }},
    {"scanners", "from", signs, [](Node n, Config& c) { return read_texts(n, c.scanners.from, parse_sign); }},
    {"scanners", "request-uris", signs,
     [](Node n, Config& c) { return read_texts(n, c.scanners.request_uris, parse_sign); }},
    {"scanners", "well-known", true_or_false,
     [](Node n, Config& c) { return read(n, c.scanners.well_known); }},
    {"scanners", "failures", "a number a minute, 1 to 100000000, or 0 for any number",
     [](Node n, Config& c) { return read(n, c.scanners.failures, 0, most); }},
    {"scanners", "drop", true_or_false, [](Node n, Config& c) { return read(n, c.scanners.drop); }},
    {"scanners", "never", networks,
     [](Node n, Config& c) { return read_texts(n, c.scanners.never, base::Network::parse); }},
    {"scanners", "ban", a_time, [](Node n, Config& c) { return read(n, c.scanners.ban); }},

    {"metrics", "listen", "an address and port, \"127.0.0.1:9260\" or \"[::1]:9260\", or \"\" for none",
     [](Node n, Config& c) { return read_text(n, c.metrics, parse_listen); }},
};

// The sections, or the keys of one: "a, b, c", each once.
std::string names_known(std::string_view section) {
  std::string names;
  std::string_view previous;
  for (const Key& key : keys) {
    if (!section.empty() && key.section != section) continue;
    const std::string_view name = section.empty() ? key.section : key.name;
    if (name == previous) continue;
    if (!names.empty()) names += ", ";
    names += name;
    previous = name;
  }
  return names;
}

// ---- Errors -----------------------------------------------------------------------------------------------

// Keeps the one that stands first in the file: toml++ hands keys out in the order of their names.
class FirstError {
 public:
  void note(const toml::source_region& where, std::string text) {
    if (where.begin.line >= line_) return;
    line_ = where.begin.line;
    text_ = std::move(text);
  }
  bool any() const { return !text_.empty(); }
  std::string in(const std::string& file) const {
    return escape(file) + ":" + std::to_string(line_) + ": " + text_;
  }

 private:
  toml::source_index line_ = std::numeric_limits<toml::source_index>::max();
  std::string text_;
};

const Key* find_key(std::string_view section, std::string_view name) {
  const auto* key =
      std::ranges::find_if(keys, [&](const Key& k) { return k.section == section && k.name == name; });
  return key == std::end(keys) ? nullptr : key;
}

bool is_section(std::string_view name) {
  return std::ranges::any_of(keys, [&](const Key& key) { return key.section == name; });
}

void read_section(std::string_view section, const toml::table& table, Config& config, FirstError& error) {
  for (const auto& [name, node] : table) {
    const Key* key = find_key(section, name.str());
    if (key == nullptr) {
      error.note(name.source(), "unknown key " + escape(name.str()) + "; the keys of [" +
                                    std::string(section) + "] are " + names_known(section));
    } else if (!key->read(node, config)) {
      error.note(name.source(),
                 "bad value of " + std::string(key->name) + "; right would be " + std::string(key->right));
    }
  }
}

}  // namespace

tl::expected<Config, std::string> parse_config(std::string_view text, const std::string& file) try {
  const toml::table root = toml::parse(text);
  Config config;
  FirstError error;
  for (const auto& [name, node] : root) {
    if (!is_section(name.str())) {
      error.note(name.source(), "unknown section or key outside a section " + escape(name.str()) +
                                    "; the sections are " + names_known(""));
    } else if (const toml::table* section = node.as_table()) {
      read_section(name.str(), *section, config, error);
    } else {
      error.note(name.source(),
                 escape(name.str()) + " is a section; right would be a line [" + escape(name.str()) + "]");
    }
  }
  if (error.any()) return tl::unexpected(error.in(file));
  return config;
} catch (const toml::parse_error& error) {
  FirstError at;
  at.note(error.source(),
          "no TOML: " + escape(error.description()) + "; right would be key = value in a [section]");
  return tl::unexpected(at.in(file));
}

tl::expected<std::string, std::string> read_config(const std::string& file) {
  auto failure = [&] {
    return tl::unexpected(escape(file) + ": " + std::generic_category().message(errno) +
                          "; name a configuration file that can be read");
  };
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> in(std::fopen(file.c_str(), "rbe"), &std::fclose);
  if (!in) return failure();
  std::string text;
  std::array<char, 4096> block{};
  while (text.size() <= base::limits::configuration_octets) {
    const std::size_t size = std::fread(block.data(), 1, block.size(), in.get());
    if (size == 0) break;
    text.append(block.data(), size);
  }
  if (std::ferror(in.get()) != 0) return failure();
  if (text.size() > base::limits::configuration_octets)
    return tl::unexpected(escape(file) + ": too long for a configuration file; right would be at most " +
                          std::to_string(base::limits::configuration_octets) + " octets");
  return text;
}

tl::expected<Config, std::string> load_config(const std::string& file) {
  return read_config(file).and_then([&](const std::string& text) { return parse_config(text, file); });
}

}  // namespace dpinholer::system
