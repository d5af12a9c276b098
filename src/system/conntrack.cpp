// SPDX-License-Identifier: GPL-2.0-or-later
#include "system/conntrack.h"

#include <arpa/inet.h>
#include <endian.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <optional>

// What matters of an entry, as nested attributes (addresses and ports in network order):
//
//   entry = CTA_TUPLE_ORIG{tuple} CTA_TUPLE_REPLY{tuple} [CTA_ZONE] CTA_ID
//           [CTA_COUNTERS_ORIG{packets} CTA_COUNTERS_REPLY{packets}] ...
//   tuple = CTA_TUPLE_IP{source destination} CTA_TUPLE_PROTO{number [source-port destination-port]}
//
// Without NAT the reply tuple is the original one turned round. With it, each of the four endpoints may be
// the one that a pinhole names.

namespace dpinholer::system {

namespace {

using pinhole::FlowTuple;
using pinhole::Key;
using std::chrono::milliseconds;

constexpr std::size_t longest_request = 256;
constexpr std::size_t requests_at_once = 256;
constexpr std::size_t entries_between = 256;  // less than a millisecond
constexpr milliseconds acknowledge_wait{1000};
// Bit of the attribute CTA_FILTER_ORIG_FLAGS; not in the kernel's exported headers.
constexpr std::uint32_t filter_protocol_number = 1U << 3;

template <std::size_t n>
using Attributes = std::array<const nlattr*, n>;

template <std::size_t n>
int keep(const nlattr* attribute, void* data) {
  auto& found = *static_cast<Attributes<n>*>(data);
  if (mnl_attr_get_type(attribute) < n) found[mnl_attr_get_type(attribute)] = attribute;
  return MNL_CB_OK;
}

template <std::size_t n>
Attributes<n> attributes_of(const nlattr* nest) {
  Attributes<n> found{};
  if (nest != nullptr) mnl_attr_parse_nested(nest, keep<n>, &found);
  return found;
}

const std::uint8_t* octets_of(const nlattr* attribute, std::size_t wanted) {
  if (attribute == nullptr || mnl_attr_get_payload_len(attribute) < wanted) return nullptr;
  return static_cast<const std::uint8_t*>(mnl_attr_get_payload(attribute));
}

// Nothing for what has no ports.
std::optional<FlowTuple> read_tuple(const nlattr* nest) {
  const auto tuple = attributes_of<CTA_TUPLE_MAX + 1>(nest);
  const auto ip = attributes_of<CTA_IP_V6_DST + 1>(tuple[CTA_TUPLE_IP]);
  const auto transport = attributes_of<CTA_PROTO_DST_PORT + 1>(tuple[CTA_TUPLE_PROTO]);
  const bool ipv4 = ip[CTA_IP_V4_SRC] != nullptr;
  const std::size_t length = ipv4 ? 4 : 16;
  const auto* source = octets_of(ip[ipv4 ? CTA_IP_V4_SRC : CTA_IP_V6_SRC], length);
  const auto* destination = octets_of(ip[ipv4 ? CTA_IP_V4_DST : CTA_IP_V6_DST], length);
  const auto* number = octets_of(transport[CTA_PROTO_NUM], 1);
  const auto* source_port = octets_of(transport[CTA_PROTO_SRC_PORT], 2);
  const auto* destination_port = octets_of(transport[CTA_PROTO_DST_PORT], 2);
  if (!source || !destination || !number || !source_port || !destination_port) return std::nullopt;
  const auto family = ipv4 ? base::Family::ipv4 : base::Family::ipv6;
  return FlowTuple{static_cast<base::Protocol>(*number),
                   {base::Address::from_bytes(family, source), base::read_u16(source_port)},
                   {base::Address::from_bytes(family, destination), base::read_u16(destination_port)}};
}

Attributes<CTA_MAX + 1> read_entry(const nlmsghdr& entry) {
  Attributes<CTA_MAX + 1> attributes{};
  mnl_attr_parse(&entry, sizeof(nfgenmsg), keep<CTA_MAX + 1>, &attributes);
  return attributes;
}

std::optional<std::uint64_t> read_packets(const nlattr* counters) {
  const nlattr* packets = attributes_of<CTA_COUNTERS_MAX + 1>(counters)[CTA_COUNTERS_PACKETS];
  if (octets_of(packets, sizeof(std::uint64_t)) == nullptr) return std::nullopt;
  return be64toh(mnl_attr_get_u64(packets));
}

// Nothing for what has no ports.
std::optional<TrackedFlow> read_flow(const nlmsghdr& entry) {
  const auto attributes = read_entry(entry);
  const auto original = read_tuple(attributes[CTA_TUPLE_ORIG]);
  const auto reply = read_tuple(attributes[CTA_TUPLE_REPLY]);
  if (!original || !reply) return std::nullopt;
  const auto there = read_packets(attributes[CTA_COUNTERS_ORIG]);
  const auto back = read_packets(attributes[CTA_COUNTERS_REPLY]);
  const std::uint8_t* zone = octets_of(attributes[CTA_ZONE], 2);
  return TrackedFlow{.original = *original,
                     .reply = *reply,
                     .original_packets = there.value_or(0),
                     .reply_packets = back.value_or(0),
                     .counted = there && back,
                     .zone = zone == nullptr ? std::uint16_t{0} : base::read_u16(zone)};
}

bool is_entry(const nlmsghdr& message) {
  return message.nlmsg_type == (NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_NEW);
}

void put_tuple(nlmsghdr& message, const FlowTuple& flow) {
  const base::Bytes source = flow.source.address.bytes();
  const base::Bytes destination = flow.destination.address.bytes();
  const bool ipv4 = flow.source.address.family() == base::Family::ipv4;
  nlattr* tuple = mnl_attr_nest_start(&message, CTA_TUPLE_ORIG);
  nlattr* ip = mnl_attr_nest_start(&message, CTA_TUPLE_IP);
  mnl_attr_put(&message, ipv4 ? CTA_IP_V4_SRC : CTA_IP_V6_SRC, source.size(), source.data());
  mnl_attr_put(&message, ipv4 ? CTA_IP_V4_DST : CTA_IP_V6_DST, destination.size(), destination.data());
  mnl_attr_nest_end(&message, ip);
  nlattr* transport = mnl_attr_nest_start(&message, CTA_TUPLE_PROTO);
  mnl_attr_put_u8(&message, CTA_PROTO_NUM, static_cast<std::uint8_t>(flow.protocol));
  mnl_attr_put_u16(&message, CTA_PROTO_SRC_PORT, htons(flow.source.port));
  mnl_attr_put_u16(&message, CTA_PROTO_DST_PORT, htons(flow.destination.port));
  mnl_attr_nest_end(&message, transport);
  mnl_attr_nest_end(&message, tuple);
}

nlmsghdr& start(std::uint8_t* buffer, int type, int flags, std::uint8_t family) {
  nlmsghdr* message = mnl_nlmsg_put_header(buffer);
  message->nlmsg_type = static_cast<std::uint16_t>(NFNL_SUBSYS_CTNETLINK << 8 | type);
  message->nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags);
  auto* head = static_cast<nfgenmsg*>(mnl_nlmsg_put_extra_header(message, sizeof(nfgenmsg)));
  head->nfgen_family = family;
  head->version = NFNETLINK_V0;
  return *message;
}

std::uint8_t family_number(base::Family family) {
  return family == base::Family::ipv4 ? AF_INET : AF_INET6;
}

using Request = std::vector<std::uint8_t>;

Request finished(const nlmsghdr& message) {
  const auto* octets = reinterpret_cast<const std::uint8_t*>(&message);
  return {octets, octets + message.nlmsg_len};
}

// A delete without a tuple would empty the whole table: none is made here that has none.
Request delete_request(const FlowTuple& flow) {
  alignas(nlmsghdr) std::array<std::uint8_t, longest_request> buffer{};
  nlmsghdr& message =
      start(buffer.data(), IPCTNL_MSG_CT_DELETE, NLM_F_ACK, family_number(flow.source.address.family()));
  put_tuple(message, flow);
  return finished(message);
}

// The same for an entry of a dump, in its zone; with its id, so that a newer entry is left alone.
Request delete_request(const FlowTuple& original, const nlattr* zone, const nlattr* id) {
  alignas(nlmsghdr) std::array<std::uint8_t, longest_request> buffer{};
  nlmsghdr& message =
      start(buffer.data(), IPCTNL_MSG_CT_DELETE, NLM_F_ACK, family_number(original.source.address.family()));
  put_tuple(message, original);
  if (octets_of(zone, 2) != nullptr) mnl_attr_put_u16(&message, CTA_ZONE, mnl_attr_get_u16(zone));
  if (octets_of(id, 4) != nullptr) mnl_attr_put_u32(&message, CTA_ID, mnl_attr_get_u32(id));
  return finished(message);
}

// By the endpoint alone, so that all closings of one stand together.
bool before(const Closing& one, const Closing& other) {
  return one.key < other.key;
}

// Whether flows between `endpoint` and `peer` are to be forgotten; `closings` are sorted.
bool closes(std::span<const Closing> closings, base::Protocol protocol, const base::Endpoint& endpoint,
            const base::Address& peer) {
  const auto range =
      std::equal_range(closings.begin(), closings.end(), Closing{{protocol, endpoint}, {}}, before);
  return std::any_of(range.first, range.second, [&](const Closing& closing) {
    return std::find(closing.keep.begin(), closing.keep.end(), peer) == closing.keep.end();
  });
}

// The peer is whom the packets that reach the endpoint come from, as a rule of the forward chain sees it.
std::optional<Request> delete_if_closed(const nlmsghdr& entry, std::span<const Closing> closings) {
  const auto attributes = read_entry(entry);
  const auto original = read_tuple(attributes[CTA_TUPLE_ORIG]);
  const auto reply = read_tuple(attributes[CTA_TUPLE_REPLY]);
  if (!original || !reply) return std::nullopt;
  const base::Protocol protocol = original->protocol;
  const bool closed = closes(closings, protocol, original->destination, original->source.address) ||
                      closes(closings, protocol, reply->source, original->source.address) ||
                      closes(closings, protocol, original->source, reply->source.address) ||
                      closes(closings, protocol, reply->destination, reply->source.address);
  if (!closed) return std::nullopt;
  return delete_request(*original, attributes[CTA_ZONE], attributes[CTA_ID]);
}

// The kernel leaves out what is of another family, and then of another transport protocol, when all keys have
// the same. It does not filter by protocol alone.
nlmsghdr& dump_request(std::uint8_t* buffer, std::span<const Closing> closings) {
  const Key& first = closings.front().key;
  const base::Family of_first = first.destination.address.family();
  const bool one_family = std::all_of(closings.begin(), closings.end(), [&](const Closing& closing) {
    return closing.key.destination.address.family() == of_first;
  });
  const bool one_protocol = std::all_of(closings.begin(), closings.end(), [&](const Closing& closing) {
    return closing.key.protocol == first.protocol;
  });
  const std::uint8_t family = one_family ? family_number(of_first) : AF_UNSPEC;
  nlmsghdr& message = start(buffer, IPCTNL_MSG_CT_GET, NLM_F_DUMP, family);
  if (!one_family || !one_protocol) return message;
  nlattr* tuple = mnl_attr_nest_start(&message, CTA_TUPLE_ORIG);
  nlattr* transport = mnl_attr_nest_start(&message, CTA_TUPLE_PROTO);
  mnl_attr_put_u8(&message, CTA_PROTO_NUM, static_cast<std::uint8_t>(first.protocol));
  mnl_attr_nest_end(&message, transport);
  mnl_attr_nest_end(&message, tuple);
  nlattr* filter = mnl_attr_nest_start(&message, CTA_FILTER);
  mnl_attr_put_u32(&message, CTA_FILTER_ORIG_FLAGS, filter_protocol_number);
  mnl_attr_nest_end(&message, filter);
  return message;
}

}  // namespace

Conntrack::Conntrack() {
  socket_.set_receive_buffer(requests_at_once * 1024);
  socket_.set_send_buffer(requests_at_once * longest_request * 2);
}

tl::expected<std::size_t, SystemError> Conntrack::forget_flows(std::span<const FlowTuple> flows) {
  std::vector<Request> requests;
  requests.reserve(flows.size());
  for (const FlowTuple& flow : flows) requests.push_back(delete_request(flow));
  return delete_all(requests);
}

tl::expected<std::size_t, SystemError> Conntrack::forget(std::vector<Closing> closings,
                                                         const std::function<void()>& between) {
  if (closings.empty()) return 0;
  std::sort(closings.begin(), closings.end(), before);
  std::vector<Request> requests;
  alignas(nlmsghdr) std::array<std::uint8_t, longest_request> buffer{};
  std::size_t walked = 0;
  auto end = netlink_request(socket_, dump_request(buffer.data(), closings), [&](const nlmsghdr& entry) {
    if (++walked % entries_between == 0) between();
    if (auto request = delete_if_closed(entry, closings)) requests.push_back(std::move(*request));
  });
  if (!end) return tl::unexpected(end.error());
  if (end->code != 0) return tl::unexpected(SystemError{"IPCTNL_MSG_CT_GET", end->code, ""});
  return delete_all(requests);
}

tl::expected<void, SystemError> Conntrack::read_flows(std::span<const FlowTuple> flows, const Visit& visit) {
  for (const FlowTuple& flow : flows) {
    alignas(nlmsghdr) std::array<std::uint8_t, longest_request> buffer{};
    nlmsghdr& request =
        start(buffer.data(), IPCTNL_MSG_CT_GET, NLM_F_ACK, family_number(flow.source.address.family()));
    put_tuple(request, flow);
    const auto end = netlink_request(socket_, request, [&](const nlmsghdr& answer) {
      if (const auto found = is_entry(answer) ? read_flow(answer) : std::nullopt) visit(*found);
    });
    if (!end) return tl::unexpected(end.error());
    if (end->code != 0 && end->code != ENOENT)
      return tl::unexpected(SystemError{"IPCTNL_MSG_CT_GET", end->code, ""});
  }
  return {};
}

// As many requests as fit in one datagram at a time. Every one is answered; an entry that is gone already is
// none to be deleted, and no error.
tl::expected<std::size_t, SystemError> Conntrack::delete_all(std::span<const Request> requests) {
  std::size_t deleted = 0;
  while (!requests.empty()) {
    const auto now = requests.first(std::min(requests.size(), requests_at_once));
    requests = requests.subspan(now.size());
    buffer_.clear();
    const std::uint32_t first = socket_.next_sequence();
    for (std::size_t i = 0; i < now.size(); ++i) {
      const std::size_t at = buffer_.size();
      buffer_.insert(buffer_.end(), now[i].begin(), now[i].end());
      reinterpret_cast<nlmsghdr*>(buffer_.data() + at)->nlmsg_seq = i == 0 ? first : socket_.next_sequence();
    }
    auto sent = socket_.send(buffer_);
    if (!sent) return tl::unexpected(sent.error());
    int failure = 0;
    alignas(nlmsghdr) std::array<std::uint8_t, 8192> answers;
    for (std::size_t open = now.size(); open > 0;) {
      auto octets = socket_.receive(answers, acknowledge_wait);
      if (!octets) return tl::unexpected(octets.error());
      for_each_message({answers.data(), *octets}, [&](const nlmsghdr& message) {
        if (message.nlmsg_type != NLMSG_ERROR || message.nlmsg_seq - first >= now.size()) return;
        --open;
        const int code = error_code(message);
        if (code == 0) ++deleted;
        if (code != 0 && code != ENOENT) failure = code;
      });
    }
    if (failure != 0) return tl::unexpected(SystemError{"IPCTNL_MSG_CT_DELETE", failure, ""});
  }
  return deleted;
}

tl::expected<void, SystemError> ConntrackWalk::begin() {
  alignas(nlmsghdr) std::array<std::uint8_t, longest_request> buffer{};
  return dump_.begin(start(buffer.data(), IPCTNL_MSG_CT_GET, NLM_F_DUMP, AF_UNSPEC));
}

tl::expected<bool, SystemError> ConntrackWalk::go_on(const Conntrack::Visit& visit) {
  return dump_.read_some([&](const nlmsghdr& message) {
    if (const auto flow = is_entry(message) ? read_flow(message) : std::nullopt) visit(*flow);
  });
}

}  // namespace dpinholer::system
