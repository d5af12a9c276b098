// SPDX-License-Identifier: GPL-2.0-or-later
#include "system/nft_sets.h"

#include <libmnl/libmnl.h>
#include <libnftnl/common.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/limits.h"
#include "system/nft_element.h"
#include "system/set_schema.h"

// A transaction is one datagram:
//
//   transaction = BATCH_BEGIN 1*( NEWSETELEM / DELSETELEM ) BATCH_END
//
// Each message holds one element, so that the sequence number of an error tells which. The last one asks for
// an acknowledgement: the kernel answers in order, so that it comes after all errors. A commit that fails as
// a whole is answered under the sequence number of BATCH_BEGIN, and ahead of it. Deletions ask for an echo:
// the kernel shows the element as it was when it went.

namespace dpinholer::system {

namespace {

using pinhole::ElementChange;
using pinhole::ElementKey;
using pinhole::Set;
using std::chrono::milliseconds;

constexpr milliseconds acknowledge_wait{1000};
constexpr std::size_t answer_octets = 16384;
constexpr std::size_t found_at_once = 128;  // their answers fit into the receive buffer easily
// The kernel's socket buffers count each message with its overhead. An error takes some 800 octets there, and
// eight echoed elements share what 8 KiB are charged for.
constexpr std::size_t send_buffer = base::limits::transaction_messages * longest_element_message * 2;
constexpr std::size_t receive_buffer = base::limits::transaction_messages * 2048;

// Messages that a change becomes.
std::size_t message_count(ElementChange::Kind kind) {
  switch (kind) {
    case ElementChange::Kind::add:
      return 1;
    case ElementChange::Kind::remove:
      return 2;
    case ElementChange::Kind::renew:
      return 3;
  }
  return 0;
}

}  // namespace

std::string to_string(const TableName& table) {
  return table.family + " " + table.name;
}

std::string to_string(const ElementKey& key) {
  std::string text(name(key.set));
  text += " { ";
  if (key.source) text += key.source->to_string() + " . ";
  return text + key.destination.address.to_string() + " . " + std::to_string(key.destination.port) + " }";
}

struct NftSets::State {
  explicit State(TableName where) : table(std::move(where)), family(family_number(table)) {
    buffer.resize((base::limits::transaction_messages + 2) * longest_element_message);
    questions.resize((found_at_once + 1) * longest_element_message);
    socket.set_send_buffer(send_buffer);
    socket.set_receive_buffer(receive_buffer);
    asker.set_receive_buffer(receive_buffer);
  }

  TableName table;
  std::uint16_t family;
  // Of transactions, which may run in another thread than lookups and listings.
  NetlinkSocket socket;
  std::vector<std::uint8_t> buffer;
  NetlinkSocket asker;
  std::vector<std::uint8_t> questions;
  NetlinkDump reader{"NFT_MSG_GETSETELEM"};  // of a set
  SetTimeouts default_timeout{};

  // Of the transaction being built: one entry for each message, the index of its change; the number of the
  // first message.
  std::vector<std::size_t> change_of_message;
  std::uint32_t begin_sequence = 0;

  nlmsghdr& start_request(std::uint16_t type, std::uint16_t flags) {
    return *nftnl_nlmsg_build_hdr(reinterpret_cast<char*>(questions.data()), type, family, flags, 0);
  }
  nlmsghdr& start_list(Set set) {
    nlmsghdr& request = start_request(NFT_MSG_GETSETELEM, NLM_F_DUMP);
    mnl_attr_put_strz(&request, NFTA_SET_ELEM_LIST_TABLE, table.name.c_str());
    mnl_attr_put_strz(&request, NFTA_SET_ELEM_LIST_SET, std::string(name(set)).c_str());
    return request;
  }
  tl::expected<void, SystemError> find(std::span<const ElementKey> keys,
                                       std::vector<std::optional<ElementState>>& found);

  std::size_t put_message(std::size_t at, bool add, const ElementChange& change, bool last, bool& done);
  tl::expected<std::size_t, CommitError> build(std::span<const ElementChange> changes);
  tl::expected<void, CommitError> transact(std::span<const ElementChange> changes,
                                           std::vector<ElementState>* removed);
  bool note_error(const nlmsghdr& message, std::span<const ElementChange> changes, CommitError& error);
  void note_removed(const nlmsghdr& message, std::vector<ElementState>& removed);
};

// `remove` deletes an element with `add` ahead of it, because one that has just expired would fail the whole
// transaction otherwise.
std::size_t NftSets::State::put_message(std::size_t at, bool add, const ElementChange& change, bool last,
                                        bool& done) {
  // nft add element TABLE SET { KEY timeout T comment "C" }, or: nft delete element TABLE SET { KEY }
  const auto sequence = begin_sequence + 1 + static_cast<std::uint32_t>(change_of_message.size());
  const int type = add ? NFT_MSG_NEWSETELEM : NFT_MSG_DELSETELEM;
  const int flags = (add ? NLM_F_CREATE : NLM_F_ECHO) | (last ? NLM_F_ACK : 0);
  auto* message =
      nftnl_nlmsg_build_hdr(reinterpret_cast<char*>(buffer.data() + at), static_cast<std::uint16_t>(type),
                            family, static_cast<std::uint16_t>(flags), sequence);
  done = add ? put_element(*message, table.name, change.key, change.timeout, change.comment)
             : put_element_key(*message, table.name, change.key);
  return message->nlmsg_len;
}

// Octets of the transaction in `buffer`. A change that fits no message counts as refused by the kernel.
tl::expected<std::size_t, CommitError> NftSets::State::build(std::span<const ElementChange> changes) {
  CommitError error;
  change_of_message.clear();
  begin_sequence = socket.next_sequence();
  std::size_t at = nftnl_batch_begin(reinterpret_cast<char*>(buffer.data()), begin_sequence)->nlmsg_len;
  for (std::size_t i = 0; i < changes.size(); ++i) {
    const std::size_t count = message_count(changes[i].kind);
    for (std::size_t step = 0; step < count; ++step) {
      const bool last = i + 1 == changes.size() && step + 1 == count;
      bool done = false;
      at += put_message(at, step != 1, changes[i], last, done);
      if (!done && (error.refused.empty() || error.refused.back().index != i))
        error.refused.push_back({i, EINVAL});
      change_of_message.push_back(i);
      socket.next_sequence();
    }
  }
  at += nftnl_batch_end(reinterpret_cast<char*>(buffer.data() + at), socket.next_sequence())->nlmsg_len;
  if (error.refused.empty()) return at;
  error.error = {"nft element", EINVAL, to_string(changes[error.refused.front().index].key)};
  return tl::unexpected(std::move(error));
}

// True when nothing more will come.
bool NftSets::State::note_error(const nlmsghdr& message, std::span<const ElementChange> changes,
                                CommitError& error) {
  const std::uint32_t number = message.nlmsg_seq - begin_sequence;
  const bool last = number == change_of_message.size();
  const int code = error_code(message);
  if (number > change_of_message.size() || code == 0) return last;
  if (number == 0) {  // followed by the acknowledgement
    error.error = {"nft transaction", code, "in table " + to_string(table)};
    return false;
  }
  const std::size_t index = change_of_message[number - 1];
  if (error.error.code == 0) error.error = {"nft element", code, to_string(changes[index].key)};
  if (error.refused.empty() || error.refused.back().index != index) error.refused.push_back({index, code});
  return last;
}

// Echoes carry our port, but not always the sequence number.
void NftSets::State::note_removed(const nlmsghdr& message, std::vector<ElementState>& removed) {
  if (message.nlmsg_type != (NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_DELSETELEM)) return;
  if (message.nlmsg_pid != socket.port_id()) return;
  read_elements(message, default_timeout, [&](ElementState state) {
    state.expires = milliseconds{0};
    removed.push_back(std::move(state));
  });
}

tl::expected<void, CommitError> NftSets::State::transact(std::span<const ElementChange> changes,
                                                         std::vector<ElementState>* removed) {
  const auto built = build(changes);
  if (!built) return tl::unexpected(built.error());
  auto sent = socket.send({buffer.data(), *built});
  if (!sent) return tl::unexpected(CommitError{sent.error(), 0, {}, false});
  CommitError error;
  bool overrun = false;
  alignas(nlmsghdr) std::array<std::uint8_t, answer_octets> answers;
  for (bool done = false; !done;) {
    // After an overrun nothing more than what is there already will come.
    auto octets = socket.receive(answers, overrun ? milliseconds{0} : acknowledge_wait);
    if (!octets && octets.error().code == ENOBUFS && !overrun) {
      overrun = true;
      continue;
    }
    if (!octets) {
      error.unknown = error.error.code == 0;
      if (error.unknown)
        error.error = {"nft transaction", overrun ? ENOBUFS : octets.error().code, "acknowledgement"};
      return tl::unexpected(std::move(error));
    }
    for_each_message({answers.data(), *octets}, [&](const nlmsghdr& message) {
      if (message.nlmsg_type == NLMSG_ERROR) {
        done = note_error(message, changes, error) || done;
      } else if (removed != nullptr) {
        note_removed(message, *removed);
      }
    });
  }
  if (error.error.code == 0) return {};
  return tl::unexpected(std::move(error));
}

NftSets::NftSets(TableName table) : state_(std::make_unique<State>(std::move(table))) {}
NftSets::~NftSets() = default;
NftSets::NftSets(NftSets&&) noexcept = default;
NftSets& NftSets::operator=(NftSets&&) noexcept = default;

const TableName& NftSets::table() const {
  return state_->table;
}

std::vector<std::string> NftSets::faults() {
  return set_faults(state_->asker, state_->table, state_->default_timeout);
}

tl::expected<void, CommitError> NftSets::commit(std::span<const ElementChange> changes,
                                                std::vector<ElementState>* removed) {
  std::size_t first = 0;
  while (first < changes.size()) {
    std::size_t messages = 0;
    std::size_t last = first;
    while (last < changes.size() &&
           messages + message_count(changes[last].kind) <= base::limits::transaction_messages) {
      messages += message_count(changes[last++].kind);
    }
    auto result = state_->transact(changes.subspan(first, last - first), removed);
    if (!result) {
      CommitError error = std::move(result.error());
      error.committed = first;
      for (auto& refused : error.refused) refused.index += first;
      return tl::unexpected(std::move(error));
    }
    first = last;
  }
  return {};
}

// nft get element TABLE SET { KEY }, which the kernel answers without reading the rest of the set. Requests
// share a datagram; the last one asks for an acknowledgement, others are answered only if they fail.
tl::expected<void, SystemError> NftSets::State::find(std::span<const ElementKey> keys,
                                                     std::vector<std::optional<ElementState>>& found) {
  const std::size_t before = found.size();
  std::size_t octets = 0;
  const std::uint32_t first = asker.next_sequence();
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const std::uint16_t flags = i + 1 == keys.size() ? NLM_F_ACK : 0;
    auto* request =
        nftnl_nlmsg_build_hdr(reinterpret_cast<char*>(questions.data() + octets), NFT_MSG_GETSETELEM, family,
                              flags, first + static_cast<std::uint32_t>(i));
    if (!put_element_key(*request, table.name, keys[i]))
      return tl::unexpected(SystemError{"nft element", EINVAL, to_string(keys[i])});
    octets += request->nlmsg_len;
    asker.next_sequence();
  }
  found.resize(before + keys.size());
  if (auto sent = asker.send({questions.data(), octets}); !sent) return tl::unexpected(sent.error());
  alignas(nlmsghdr) std::array<std::uint8_t, answer_octets> answers;
  SystemError error;
  for (bool done = false; !done;) {
    const auto received = asker.receive(answers, acknowledge_wait);
    if (!received) return tl::unexpected(received.error());
    for_each_message({answers.data(), *received}, [&](const nlmsghdr& message) {
      const std::uint32_t index = message.nlmsg_seq - first;
      if (index >= keys.size()) return;  // late answers to an earlier request
      if (message.nlmsg_type == NLMSG_ERROR) {
        const int code = error_code(message);
        if (code != 0 && code != ENOENT) error = {"NFT_MSG_GETSETELEM", code, to_string(keys[index])};
        done = done || index + 1 == keys.size();
        return;
      }
      read_elements(message, default_timeout,
                    [&](const ElementState& state) { found[before + index] = state; });
    });
  }
  if (error.code != 0) return tl::unexpected(std::move(error));
  return {};
}

tl::expected<std::vector<std::optional<ElementState>>, SystemError> NftSets::find_all(
    std::span<const ElementKey> keys) {
  std::vector<std::optional<ElementState>> found;
  found.reserve(keys.size());
  for (std::size_t at = 0; at < keys.size(); at += found_at_once) {
    const auto some = keys.subspan(at, std::min(found_at_once, keys.size() - at));
    if (auto done = state_->find(some, found); !done) return tl::unexpected(std::move(done.error()));
  }
  return found;
}

tl::expected<std::optional<ElementState>, SystemError> NftSets::find(const ElementKey& key) {
  auto found = find_all({&key, 1});
  if (!found) return tl::unexpected(std::move(found.error()));
  return std::move(found->front());
}

// nft list set TABLE SET. The kernel does not set NLM_F_DUMP_INTR on elements, but it writes the low half of
// the ruleset's generation into every answer.
tl::expected<bool, SystemError> NftSets::for_each(Set set,
                                                  const std::function<void(const ElementState&)>& visit) {
  nlmsghdr& request = state_->start_list(set);
  std::optional<std::uint16_t> generation;
  bool consistent = true;
  const auto end = netlink_request(state_->asker, request, [&](const nlmsghdr& answer) {
    if (mnl_nlmsg_get_payload_len(&answer) < sizeof(nfgenmsg)) return;
    const auto found = static_cast<const nfgenmsg*>(mnl_nlmsg_get_payload(&answer))->res_id;
    consistent = consistent && generation.value_or(found) == found;
    generation = found;
    read_elements(answer, state_->default_timeout, visit);
  });
  if (!end) return tl::unexpected(end.error());
  if (end->code != 0)
    return tl::unexpected(SystemError{"NFT_MSG_GETSETELEM", end->code, std::string(name(set))});
  return consistent && !end->interrupted;
}

// On a socket of its own: the kernel reads the next piece of the set when this one is taken from it, and
// other requests go on meanwhile.
tl::expected<void, SystemError> NftSets::begin_reading(Set set) {
  return state_->reader.begin(state_->start_list(set));
}

tl::expected<bool, SystemError> NftSets::read_some(const std::function<void(const ElementState&)>& visit) {
  return state_->reader.read_some(
      [&](const nlmsghdr& message) { read_elements(message, state_->default_timeout, visit); });
}

unsigned NftSets::port_id() const {
  return state_->socket.port_id();
}

}  // namespace dpinholer::system
