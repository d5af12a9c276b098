// SPDX-License-Identifier: GPL-2.0-or-later
#include "system/nft_element.h"

#include <libmnl/libmnl.h>
#include <libnftnl/expr.h>
#include <libnftnl/set.h>
#include <libnftnl/udata.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>

// Key of a concatenated type: its fields in network order, each filled up with zeros to a multiple of four.
//
//   key     = [ address ] address port         ; source address, destination address, port
//   address = 4OCTET / 16OCTET
//   port    = 2OCTET %x00.00

namespace dpinholer::system {

namespace {

using pinhole::ElementKey;
using pinhole::Set;
using std::chrono::milliseconds;

constexpr std::size_t longest_key = 16 + 16 + 4;
constexpr std::uint32_t longest_userdata = 256;  // NFT_USERDATA_MAXLEN
constexpr std::size_t longest_comment = 128;     // as nft has it; longest_element_message counts with it
constexpr std::size_t longest_table_name = 255;  // NFT_TABLE_MAXNAMELEN less the NUL

struct ElementDeleter {
  void operator()(nftnl_set_elem* element) const { nftnl_set_elem_free(element); }
};
using ElementPointer = std::unique_ptr<nftnl_set_elem, ElementDeleter>;

struct UserdataDeleter {
  void operator()(nftnl_udata_buf* buffer) const { nftnl_udata_buf_free(buffer); }
};

struct SetDeleter {
  void operator()(nftnl_set* set) const { nftnl_set_free(set); }
};

std::size_t address_octets(Set set) {
  return pinhole::family(set) == base::Family::ipv4 ? 4 : 16;
}

ElementPointer element_with_key(base::Bytes key) {
  ElementPointer element(nftnl_set_elem_alloc());
  if (!element) throw std::bad_alloc();
  nftnl_set_elem_set(element.get(), NFTNL_SET_ELEM_KEY, key.data(), static_cast<std::uint32_t>(key.size()));
  return element;
}

// Null for a key that does not fit its set: its octets would be those of another key.
ElementPointer element_with_key(const ElementKey& key) {
  if (!pinhole::fits(key)) return nullptr;
  std::array<std::uint8_t, longest_key> octets{};
  auto at = octets.begin();
  auto put_address = [&](const base::Address& address) {
    at = std::copy(address.bytes().begin(), address.bytes().end(), at);
  };
  if (key.source) put_address(*key.source);
  put_address(key.destination.address);
  *at++ = static_cast<std::uint8_t>(key.destination.port >> 8);
  *at++ = static_cast<std::uint8_t>(key.destination.port & 0xff);
  return element_with_key({octets.data(), key_octets(key.set)});
}

void put(nlmsghdr& message, const std::string& table, std::string_view set, nftnl_set_elem& element) {
  mnl_attr_put_strz(&message, NFTA_SET_ELEM_LIST_TABLE, table.c_str());
  mnl_attr_put_strz(&message, NFTA_SET_ELEM_LIST_SET, std::string(set).c_str());
  nlattr* list = mnl_attr_nest_start(&message, NFTA_SET_ELEM_LIST_ELEMENTS);
  nlattr* entry = mnl_attr_nest_start(&message, NFTA_LIST_ELEM);
  nftnl_set_elem_nlmsg_build_payload(&message, &element);
  mnl_attr_nest_end(&message, entry);
  mnl_attr_nest_end(&message, list);
}

// ... comment "C"
void set_comment(nftnl_set_elem& element, const std::string& comment) {
  std::unique_ptr<nftnl_udata_buf, UserdataDeleter> buffer(nftnl_udata_buf_alloc(longest_userdata));
  if (!buffer) throw std::bad_alloc();
  if (!nftnl_udata_put_strz(buffer.get(), NFTNL_UDATA_SET_ELEM_COMMENT, comment.c_str())) return;
  nftnl_set_elem_set(&element, NFTNL_SET_ELEM_USERDATA, nftnl_udata_buf_data(buffer.get()),
                     nftnl_udata_buf_len(buffer.get()));
}

void set_timeout(nftnl_set_elem& element, base::seconds timeout) {
  const milliseconds value = timeout;
  nftnl_set_elem_set_u64(&element, NFTNL_SET_ELEM_TIMEOUT, static_cast<std::uint64_t>(value.count()));
}

// Others may have written the element, so that nothing is sure about its userdata.
std::string read_comment_text(nftnl_set_elem& element) {
  std::uint32_t length = 0;
  const auto* data =
      static_cast<const std::uint8_t*>(nftnl_set_elem_get(&element, NFTNL_SET_ELEM_USERDATA, &length));
  if (data == nullptr) return "";
  // userdata = *( type length *OCTET ), each of the first two one octet
  for (std::size_t at = 0; at + 2 <= length && at + 2 + data[at + 1] <= length; at += 2U + data[at + 1]) {
    if (data[at] != NFTNL_UDATA_SET_ELEM_COMMENT) continue;
    const std::string_view text(reinterpret_cast<const char*>(data + at + 2), data[at + 1]);
    return std::string(text.substr(0, text.find('\0')));
  }
  return "";
}

std::optional<ElementKey> read_key(nftnl_set_elem& element, Set set) {
  std::uint32_t length = 0;
  const auto* at =
      static_cast<const std::uint8_t*>(nftnl_set_elem_get(&element, NFTNL_SET_ELEM_KEY, &length));
  if (at == nullptr || length != key_octets(set)) return std::nullopt;
  ElementKey key;
  key.set = set;
  if (pinhole::has_source(set)) {
    key.source = base::Address::from_bytes(pinhole::family(set), at);
    at += address_octets(set);
  }
  key.destination.address = base::Address::from_bytes(pinhole::family(set), at);
  key.destination.port = base::read_u16(at + address_octets(set));
  return key;
}

int read_counter(nftnl_expr* expression, void* state) {
  const char* name = nftnl_expr_get_str(expression, NFTNL_EXPR_NAME);
  if (name == nullptr || std::strcmp(name, "counter") != 0) return 0;
  auto& element = *static_cast<ElementState*>(state);
  element.packets = nftnl_expr_get_u64(expression, NFTNL_EXPR_CTR_PACKETS);
  element.bytes = nftnl_expr_get_u64(expression, NFTNL_EXPR_CTR_BYTES);
  return 0;
}

milliseconds read_time(nftnl_set_elem& element, std::uint16_t attribute, milliseconds otherwise) {
  if (!nftnl_set_elem_is_set(&element, attribute)) return otherwise;
  return milliseconds{static_cast<std::int64_t>(nftnl_set_elem_get_u64(&element, attribute))};
}

struct ElementReader {
  Set set;
  milliseconds default_timeout;
  const std::function<void(const ElementState&)>& visit;
};

int read_element(nftnl_set_elem* element, void* data) {
  const auto& reader = *static_cast<const ElementReader*>(data);
  auto key = read_key(*element, reader.set);
  if (!key) return 0;
  ElementState state;
  state.key = *key;
  state.timeout = read_time(*element, NFTNL_SET_ELEM_TIMEOUT, reader.default_timeout);
  state.expires = read_time(*element, NFTNL_SET_ELEM_EXPIRATION, state.timeout);
  state.comment = read_comment_text(*element);
  nftnl_set_elem_expr_foreach(element, read_counter, &state);
  reader.visit(state);
  return 0;
}

struct BanReader {
  base::Family family;
  const std::function<void(const Ban&)>& visit;
};

int read_ban(nftnl_set_elem* element, void* data) {
  const auto& reader = *static_cast<const BanReader*>(data);
  std::uint32_t length = 0;
  const auto* key =
      static_cast<const std::uint8_t*>(nftnl_set_elem_get(element, NFTNL_SET_ELEM_KEY, &length));
  if (key == nullptr || length != (reader.family == base::Family::ipv4 ? 4 : 16)) return 0;
  Ban ban;
  ban.source = base::Address::from_bytes(reader.family, key);
  ban.expires = read_time(*element, NFTNL_SET_ELEM_EXPIRATION, std::chrono::hours{24 * 365});
  ban.comment = read_comment_text(*element);
  reader.visit(ban);
  return 0;
}

}  // namespace

std::uint16_t family_number(const TableName& table) {
  if (table.family == "ip") return NFPROTO_IPV4;
  if (table.family == "ip6") return NFPROTO_IPV6;
  return NFPROTO_INET;
}

std::size_t key_octets(Set set) {
  return address_octets(set) * (pinhole::has_source(set) ? 2 : 1) + 4;
}

bool put_element(nlmsghdr& message, const std::string& table, const ElementKey& key, base::seconds timeout,
                 const std::string& comment) {
  if (table.size() > longest_table_name || comment.size() > longest_comment) return false;
  const ElementPointer element = element_with_key(key);
  if (!element) return false;
  if (timeout.count() > 0) set_timeout(*element, timeout);
  if (!comment.empty()) set_comment(*element, comment);
  put(message, table, name(key.set), *element);
  return true;
}

bool put_element_key(nlmsghdr& message, const std::string& table, const ElementKey& key) {
  if (table.size() > longest_table_name) return false;
  const ElementPointer element = element_with_key(key);
  if (!element) return false;
  put(message, table, name(key.set), *element);
  return true;
}

void read_elements(const nlmsghdr& message, const SetTimeouts& defaults,
                   const std::function<void(const ElementState&)>& visit) {
  std::unique_ptr<nftnl_set, SetDeleter> elements(nftnl_set_alloc());
  if (!elements || nftnl_set_elems_nlmsg_parse(&message, elements.get()) < 0) return;
  const char* set_name = nftnl_set_get_str(elements.get(), NFTNL_SET_NAME);
  const auto* set = std::find_if(pinhole::all_sets.begin(), pinhole::all_sets.end(),
                                 [&](Set one) { return set_name != nullptr && name(one) == set_name; });
  if (set == pinhole::all_sets.end()) return;
  ElementReader reader{*set, defaults[static_cast<std::size_t>(*set)], visit};
  nftnl_set_elem_foreach(elements.get(), read_element, &reader);
}

std::string_view ban_set(base::Family family) {
  return family == base::Family::ipv4 ? "sip_banned4" : "sip_banned6";
}

void put_ban(nlmsghdr& message, const std::string& table, const base::Address& source, base::seconds timeout,
             const std::string& comment) {
  const ElementPointer element = element_with_key(source.bytes());
  set_timeout(*element, timeout);
  set_comment(*element, comment);
  put(message, table, ban_set(source.family()), *element);
}

void put_ban_key(nlmsghdr& message, const std::string& table, const base::Address& source) {
  put(message, table, ban_set(source.family()), *element_with_key(source.bytes()));
}

void read_bans(const nlmsghdr& message, base::Family family, const std::function<void(const Ban&)>& visit) {
  std::unique_ptr<nftnl_set, SetDeleter> elements(nftnl_set_alloc());
  if (!elements || nftnl_set_elems_nlmsg_parse(&message, elements.get()) < 0) return;
  BanReader reader{family, visit};
  nftnl_set_elem_foreach(elements.get(), read_ban, &reader);
}

}  // namespace dpinholer::system
