// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/time.h"
#include "pinhole/element.h"
#include "system/ban_sets.h"
#include "system/config.h"
#include "system/pinhole_sets.h"

struct nlmsghdr;

namespace dpinholer::system {

/// How set elements look in netlink messages (libnftnl is used here and for the checks of nft_sets.cpp).

/// Octets that a message with one element may take: table and set names, key, timeout and comment.
inline constexpr std::size_t longest_element_message = 640;

/// As messages about a table begin: NFPROTO_INET, ...
std::uint16_t family_number(const TableName& table);

/// Octets of a key: each field takes a multiple of four.
std::size_t key_octets(pinhole::Set set);

/// Appends table, set and one element to a message that has its header. `comment` may be empty. False, and
/// nothing is appended, for a key that does not fit its set (pinhole::fits), and for a text that is longer
/// than nft allows.
bool put_element(nlmsghdr& message, const std::string& table, const pinhole::ElementKey& key,
                 base::seconds timeout, const std::string& comment);
bool put_element_key(nlmsghdr& message, const std::string& table, const pinhole::ElementKey& key);

/// For each set, in the order of pinhole::all_sets.
using SetTimeouts = std::array<std::chrono::milliseconds, pinhole::all_sets.size()>;

/// The elements of a NFT_MSG_NEWSETELEM or NFT_MSG_DELSETELEM message about one of the pinhole sets.
/// `defaults` are for those that don't tell their own timeout.
void read_elements(const nlmsghdr& message, const SetTimeouts& defaults,
                   const std::function<void(const ElementState&)>& visit);

/// The same for the sets of banned sources, whose key is an address. `comment` is not empty.
std::string_view ban_set(base::Family family);
void put_ban(nlmsghdr& message, const std::string& table, const base::Address& source, base::seconds timeout,
             const std::string& comment);
void put_ban_key(nlmsghdr& message, const std::string& table, const base::Address& source);
void read_bans(const nlmsghdr& message, base::Family family, const std::function<void(const Ban&)>& visit);

}  // namespace dpinholer::system
