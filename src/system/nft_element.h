// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <string>

#include "base/time.h"
#include "pinhole/element.h"
#include "system/nft_sets.h"

struct nlmsghdr;

namespace dpinholer::system {

/// How set elements look in netlink messages (libnftnl is used here and for the checks of nft_sets.cpp).

/// Octets that a message with one element may take: table and set names, key, timeout and comment.
inline constexpr std::size_t longest_element_message = 640;

/// Octets of a key: each field takes a multiple of four.
std::size_t key_octets(pinhole::Set set);

/// Appends table, set and one element to a message that has its header. `comment` may be empty.
void put_element(nlmsghdr& message, const std::string& table, const pinhole::ElementKey& key,
                 base::seconds timeout, const std::string& comment);
void put_element_key(nlmsghdr& message, const std::string& table, const pinhole::ElementKey& key);

/// The elements of a NFT_MSG_NEWSETELEM message. `default_timeout` is for those that don't tell their own.
void read_elements(const nlmsghdr& message, pinhole::Set set, std::chrono::milliseconds default_timeout,
                   const std::function<void(const ElementState&)>& visit);

}  // namespace dpinholer::system
