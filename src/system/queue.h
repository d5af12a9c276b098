// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "base/bytes.h"
#include "base/interface.h"
#include "system/error.h"

namespace dpinholer::system {

/// Packets that a queue may be told to keep: the kernel gives no buffer for more (queue_buffer).
inline constexpr std::uint32_t longest_queue = 900'000;

/// SO_RCVBUF, in octets, for a queue of `length` packets: the room of ordinary packets, as far as the kernel
/// can double it, which it does.
int queue_buffer(std::uint32_t length);
/// Ordinary packets for which a buffer has room that has so many octets, as the kernel says.
std::uint32_t packets_in(int buffer);

struct QueueSettings {
  std::uint16_t number = 0;
  std::uint32_t length = 4096;  ///< packets that may wait for their verdict
  bool fail_open = true;        ///< a full queue passes packets; false: it drops them
};

/// A packet that waits for its verdict.
struct QueuedPacket {
  std::uint32_t id = 0;             ///< for the verdict; counts up within a queue
  base::Bytes octets;               ///< from the IP header on; valid until the next read of the queue
  std::uint32_t in_interface = 0;   ///< index; 0: none (packets of this host)
  std::uint32_t out_interface = 0;  ///< index; 0: none (packets to this host)
  std::uint32_t mark = 0;
  std::uint8_t hook = 0;   ///< NF_INET_FORWARD, ...
  bool truncated = false;  ///< the packet is longer than `octets`

  /// What comes in by no interface is what this host sends itself (the output hook).
  base::Interface arrival() const {
    return in_interface == 0 ? base::Interface::host : base::Interface{in_interface};
  }
};

enum class Verdict : std::uint8_t { accept, drop };

struct Answer {
  std::uint32_t id = 0;
  Verdict verdict = Verdict::accept;
};

/// One NFQUEUE, bound as long as this object lives. Packets that wait when it goes are dropped by the kernel:
/// `keep_no_more`, then read and answer until nothing is left.
class Queue {
 public:
  /// Binds the queue, in this thread's network namespace. Throws KernelError: the queue is taken, no
  /// permission, no NFQUEUE in this kernel.
  explicit Queue(const QueueSettings& settings);
  /// The same with the socket of a reader before this one, as `fd` gave it: what waits in it is read as if
  /// nothing had happened. Binds the queue anew if that is not its reader any more. Owns `left`.
  Queue(const QueueSettings& settings, int left);
  ~Queue();
  Queue(Queue&&) noexcept;
  Queue& operator=(Queue&&) noexcept;

  /// Readable when packets wait.
  int fd() const;
  std::uint16_t number() const;

  /// The packets that are there, at most limits::queue_batch; none when there are none. Never waits.
  tl::expected<std::span<const QueuedPacket>, SystemError> read();

  /// Verdicts, carried out in this order before it returns. The kernel's complaints about packets that it no
  /// longer knows come with later reads and are counted.
  tl::expected<void, SystemError> answer(std::span<const Answer> answers);

  /// From here on packets pass instead of waiting, whatever `fail_open` says. Those that wait do so still.
  void keep_no_more();

  /// Verdicts that the kernel refused so far.
  std::uint64_t refused_verdicts() const;

  /// Packets read so far.
  std::uint64_t packets_read() const;

  /// Ordinary packets, of 1500 octets, that the kernel keeps for the reader: fewer than `length` when it does
  /// not give the socket the buffer for all.
  std::uint32_t room() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// What the kernel tells about a queue.
struct QueueStatus {
  std::uint16_t number = 0;
  std::uint32_t reader = 0;       ///< netlink port id, often that of the process
  std::uint32_t waiting = 0;      ///< packets without verdict
  std::uint64_t full = 0;         ///< dropped because `length` packets were waiting
  std::uint64_t undelivered = 0;  ///< dropped because the reader's socket buffer was full
};

/// The lines of /proc/net/netfilter/nfnetlink_queue; those that can't be read are left out.
std::vector<QueueStatus> parse_queue_status(std::string_view text);
/// From this thread's network namespace; nothing when the queue has no reader.
std::optional<QueueStatus> queue_status(std::uint16_t number);

}  // namespace dpinholer::system
