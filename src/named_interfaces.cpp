// SPDX-License-Identifier: GPL-2.0-or-later
#include "named_interfaces.h"

#include <utility>

#include "pinhole/sides.h"
#include "system/log.h"

namespace dpinholer {

namespace {

// More make no line that anybody reads.
constexpr std::size_t addresses_shown = 8;

std::string in_one_line(const std::vector<base::Address>& addresses) {
  std::string text = addresses.front().to_string();
  for (std::size_t i = 1; i < addresses.size() && i < addresses_shown; ++i)
    text += ", " + addresses[i].to_string();
  if (addresses.size() > addresses_shown)
    text += " and " + std::to_string(addresses.size() - addresses_shown) + " more";
  return text;
}

void tell(const std::string& name, const std::vector<base::Address>& addresses) {
  if (addresses.empty()) {
    system::log::warning("inside-networks names " + name +
                         ", an interface that has no address or is not there: it stands for nothing until it "
                         "has one; if the name is wrong, correct it in [sides]");
  } else {
    system::log::info(name + " in inside-networks stands for " + in_one_line(addresses));
  }
}

}  // namespace

void NamedInterfaces::look(const std::vector<std::string>& names) {
  std::map<std::string, std::vector<base::Address>> now;
  for (const std::string& name : names) {
    const auto& addresses = now[name] = addresses_of(name);
    const auto before = told_.find(name);
    if (before == told_.end() || before->second != addresses) tell(name, addresses);
  }
  told_ = std::move(now);
}

std::vector<base::Address> NamedInterfaces::addresses_of(const std::string& name) {
  std::vector<base::Address> addresses = networks_.addresses_of(name);
  std::erase_if(addresses, [](const auto& address) { return !pinhole::may_lead_inside(address); });
  return addresses;
}

}  // namespace dpinholer
