// SPDX-License-Identifier: GPL-2.0-or-later
#include "system/queue.h"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <libnetfilter_queue/libnetfilter_queue.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <limits>

#include "base/limits.h"
#include "system/netlink.h"

namespace dpinholer::system {

namespace {

using base::limits::queue_batch;

// The most that the kernel copies is 65531 octets; the rest is for the other attributes. Pages of a slot that
// no packet reached cost nothing.
constexpr std::uint32_t copy_range = 0xffff;
constexpr std::size_t slot_octets = 0x11000;
constexpr std::size_t verdict_octets = 32;
constexpr std::size_t settings_octets = 256;
// What one waiting packet of ordinary size takes in the socket's buffer, with the kernel's overhead.
constexpr std::int64_t buffer_per_packet = 2304;
constexpr std::int64_t least_buffer = 1 << 20;
constexpr std::int64_t most_buffer = std::numeric_limits<int>::max() / 2;
static_assert(longest_queue * buffer_per_packet <= 2 * most_buffer);
constexpr std::chrono::milliseconds bind_wait{1000};

std::uint32_t read_u32(const nlattr* attribute) {
  return attribute == nullptr ? 0 : ntohl(mnl_attr_get_u32(attribute));
}

bool is_packet(const nlmsghdr& message) {
  return message.nlmsg_type == (NFNL_SUBSYS_QUEUE << 8 | NFQNL_MSG_PACKET);
}

// Nothing when the message has no packet id: there is nothing to answer then.
std::optional<QueuedPacket> read_packet(const nlmsghdr& message) {
  std::array<nlattr*, NFQA_MAX + 1> attributes{};
  if (nfq_nlmsg_parse(&message, attributes.data()) < 0) return std::nullopt;
  const nlattr* header = attributes[NFQA_PACKET_HDR];
  if (header == nullptr || mnl_attr_get_payload_len(header) < sizeof(nfqnl_msg_packet_hdr))
    return std::nullopt;
  const auto* head = static_cast<const nfqnl_msg_packet_hdr*>(mnl_attr_get_payload(header));
  QueuedPacket packet;
  packet.id = ntohl(head->packet_id);
  packet.hook = head->hook;
  packet.in_interface = read_u32(attributes[NFQA_IFINDEX_INDEV]);
  packet.out_interface = read_u32(attributes[NFQA_IFINDEX_OUTDEV]);
  packet.mark = read_u32(attributes[NFQA_MARK]);
  if (const nlattr* payload = attributes[NFQA_PAYLOAD]) {
    packet.octets = {static_cast<const std::uint8_t*>(mnl_attr_get_payload(payload)),
                     mnl_attr_get_payload_len(payload)};
  }
  // Only there when the packet was longer than what was copied.
  packet.truncated = read_u32(attributes[NFQA_CAP_LEN]) > packet.octets.size();
  return packet;
}

std::size_t put_verdict(std::uint8_t* at, std::uint16_t queue, Answer answer) {
  nlmsghdr* message = nfq_nlmsg_put(reinterpret_cast<char*>(at), NFQNL_MSG_VERDICT, queue);
  nfq_nlmsg_verdict_put(message, static_cast<int>(answer.id),
                        answer.verdict == Verdict::accept ? NF_ACCEPT : NF_DROP);
  return message->nlmsg_len;
}

std::string bind_fault(std::uint16_t number, int code) {
  const std::string queue = "queue " + std::to_string(number);
  const auto taken = queue_status(number);
  if ((code == EPERM || code == EBUSY) && taken) {
    return queue + " is already taken, by another dpinholer or by who has netlink port " +
           std::to_string(taken->reader) +
           " (often the process id): stop that reader, or use another number in kernel.queues and in the "
           "queue rule";
  }
  if (code == EPERM) return "no permission to read " + queue + ": run as root or with CAP_NET_ADMIN";
  if (code == EINVAL || code == EOPNOTSUPP) {
    return queue + ": this kernel has no NFQUEUE: load the module nfnetlink_queue";
  }
  return SystemError{"NFQNL_MSG_CONFIG", code, queue}.to_string();
}

}  // namespace

int queue_buffer(std::uint32_t length) {
  return static_cast<int>(std::clamp(length * buffer_per_packet, least_buffer, most_buffer));
}

std::uint32_t packets_in(int buffer) {
  return static_cast<std::uint32_t>(std::max<std::int64_t>(buffer, 0) / buffer_per_packet);
}

struct Queue::State {
  State(std::uint16_t queue, NetlinkSocket open);

  std::uint16_t number = 0;
  NetlinkSocket socket;
  std::unique_ptr<std::uint8_t[]> slots;
  std::array<mmsghdr, queue_batch> headers{};
  std::array<iovec, queue_batch> places{};
  std::vector<QueuedPacket> packets;
  alignas(nlmsghdr) std::array<std::uint8_t, queue_batch * verdict_octets> verdicts{};
  std::uint64_t refused = 0;
  std::uint64_t read = 0;

  int bind(const QueueSettings& settings);
  nlmsghdr* put_settings(std::span<std::uint8_t> buffer, const QueueSettings& settings, bool bind);
  int wait_for_bind(std::uint32_t sequence);
  void read_slot(std::size_t slot);
};

Queue::State::State(std::uint16_t queue, NetlinkSocket open)
    : number(queue),
      socket(std::move(open)),
      slots(std::make_unique_for_overwrite<std::uint8_t[]>(queue_batch * slot_octets)) {
  packets.reserve(queue_batch);
  for (std::size_t i = 0; i < queue_batch; ++i) {
    places[i] = {slots.get() + i * slot_octets, slot_octets};
    headers[i].msg_hdr.msg_iov = &places[i];
    headers[i].msg_hdr.msg_iovlen = 1;
  }
}

nlmsghdr* Queue::State::put_settings(std::span<std::uint8_t> buffer, const QueueSettings& settings,
                                     bool bind) {
  nlmsghdr* message = nfq_nlmsg_put(reinterpret_cast<char*>(buffer.data()), NFQNL_MSG_CONFIG, number);
  message->nlmsg_seq = socket.next_sequence();
  if (bind) nfq_nlmsg_cfg_put_cmd(message, AF_UNSPEC, NFQNL_CFG_CMD_BIND);
  nfq_nlmsg_cfg_put_params(message, NFQNL_COPY_PACKET, copy_range);
  nfq_nlmsg_cfg_put_qmaxlen(message, settings.length);
  mnl_attr_put_u32(message, NFQA_CFG_MASK, htonl(NFQA_CFG_F_GSO | NFQA_CFG_F_FAIL_OPEN));
  mnl_attr_put_u32(message, NFQA_CFG_FLAGS,
                   htonl(NFQA_CFG_F_GSO | (settings.fail_open ? NFQA_CFG_F_FAIL_OPEN : 0U)));
  return message;
}

// One message, so that no packet finds the queue half configured. Returns an errno.
int Queue::State::bind(const QueueSettings& settings) {
  std::array<std::uint8_t, settings_octets> buffer{};
  nlmsghdr* message = put_settings(buffer, settings, true);
  message->nlmsg_flags |= NLM_F_ACK;
  auto sent = socket.send({buffer.data(), message->nlmsg_len});
  return sent ? wait_for_bind(message->nlmsg_seq) : sent.error().code;
}

// A packet may come ahead of the acknowledgement: it passes.
int Queue::State::wait_for_bind(std::uint32_t sequence) {
  std::optional<int> code;
  while (!code) {
    auto octets = socket.receive({slots.get(), slot_octets}, bind_wait);
    if (!octets) return octets.error().code;
    for_each_message({slots.get(), *octets}, [&](const nlmsghdr& message) {
      const auto packet = is_packet(message) ? read_packet(message) : std::nullopt;
      if (packet) {
        const std::size_t length = put_verdict(verdicts.data(), number, {packet->id, Verdict::accept});
        ++read;
        if (!socket.send({verdicts.data(), length})) ++refused;
      } else if (message.nlmsg_type == NLMSG_ERROR && message.nlmsg_seq == sequence) {
        code = error_code(message);
      }
    });
  }
  return *code;
}

void Queue::State::read_slot(std::size_t slot) {
  const base::Bytes datagram{slots.get() + slot * slot_octets, headers[slot].msg_len};
  for_each_message(datagram, [&](const nlmsghdr& message) {
    if (is_packet(message)) {
      if (auto packet = read_packet(message)) packets.push_back(*packet);
    } else if (message.nlmsg_type == NLMSG_ERROR && error_code(message) != 0) {
      ++refused;
    }
  });
}

Queue::Queue(const QueueSettings& settings)
    : state_(std::make_unique<State>(settings.number, NetlinkSocket())) {
  state_->socket.set_receive_buffer(static_cast<std::size_t>(queue_buffer(settings.length)));
  // A full buffer is the kernel's affair (it passes or drops and counts); here it would only be noise.
  state_->socket.set_option(NETLINK_NO_ENOBUFS, true);
  const int code = state_->bind(settings);
  if (code != 0) throw KernelError(bind_fault(settings.number, code));
}

// An acknowledgement would stand behind all the packets that wait: the kernel's answer, if it has one, is
// counted when it is read. Who reads a queue is told to root alone, which the service is not. Then it binds,
// in case that it has to; if not, the kernel refuses that and changes nothing.
Queue::Queue(const QueueSettings& settings, int left)
    : state_(std::make_unique<State>(settings.number, NetlinkSocket::over(left))) {
  std::array<std::uint8_t, settings_octets> buffer{};
  auto tell = [&](bool bind) {
    const nlmsghdr* message = state_->put_settings(buffer, settings, bind);
    return state_->socket.send({buffer.data(), message->nlmsg_len}).has_value();
  };
  const auto status = queue_status(settings.number);
  const bool ours = !status ? tell(true) : status->reader == state_->socket.port_id();
  state_->socket.set_receive_buffer(static_cast<std::size_t>(queue_buffer(settings.length)));
  if (ours && tell(false)) return;
  state_.reset();
  *this = Queue(settings);
}

void Queue::keep_no_more() {
  std::array<std::uint8_t, settings_octets> buffer{};
  const QueueSettings settings{.number = state_->number, .length = 0, .fail_open = true};
  const nlmsghdr* message = state_->put_settings(buffer, settings, false);
  (void)state_->socket.send({buffer.data(), message->nlmsg_len});
}

Queue::~Queue() = default;
Queue::Queue(Queue&&) noexcept = default;
Queue& Queue::operator=(Queue&&) noexcept = default;

int Queue::fd() const {
  return state_->socket.fd();
}
std::uint16_t Queue::number() const {
  return state_->number;
}
std::uint64_t Queue::refused_verdicts() const {
  return state_->refused;
}
std::uint64_t Queue::packets_read() const {
  return state_->read;
}

std::uint32_t Queue::room() const {
  int buffer = 0;
  socklen_t length = sizeof buffer;
  if (getsockopt(fd(), SOL_SOCKET, SO_RCVBUF, &buffer, &length) != 0) return 0;
  return packets_in(buffer);
}

tl::expected<std::span<const QueuedPacket>, SystemError> Queue::read() {
  State& state = *state_;
  state.packets.clear();
  int count = 0;
  do {
    count = recvmmsg(fd(), state.headers.data(), queue_batch, MSG_DONTWAIT, nullptr);
  } while (count < 0 && errno == EINTR);
  if (count < 0 && errno != EAGAIN && errno != ENOBUFS) {
    return tl::unexpected(SystemError{"recvmmsg", errno, "queue " + std::to_string(state.number)});
  }
  for (int slot = 0; slot < count; ++slot) state.read_slot(static_cast<std::size_t>(slot));
  state.read += state.packets.size();
  return std::span<const QueuedPacket>(state.packets);
}

// All verdicts in one datagram: the kernel takes one message after the other, and it costs one system call
// and one buffer where sendmmsg would take one for each. NFQNL_MSG_VERDICT_BATCH would do it in one message,
// but it also answers every earlier packet that still waits.
tl::expected<void, SystemError> Queue::answer(std::span<const Answer> answers) {
  State& state = *state_;
  while (!answers.empty()) {
    const auto now = answers.first(std::min(answers.size(), queue_batch));
    std::size_t octets = 0;
    for (const Answer& one : now) octets += put_verdict(state.verdicts.data() + octets, state.number, one);
    auto sent = state.socket.send({state.verdicts.data(), octets});
    if (!sent) return tl::unexpected(sent.error());
    answers = answers.subspan(now.size());
  }
  return {};
}

}  // namespace dpinholer::system
