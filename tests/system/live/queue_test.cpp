// SPDX-License-Identifier: GPL-2.0-or-later
#include "system/queue.h"

#include <linux/netfilter.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <thread>

#include "base/limits.h"
#include "system/live/live.h"
#include "system/live/sockets.h"

namespace dpinholer::system {
namespace {

using live::UdpSocket;
using std::chrono::milliseconds;

// UDP payload of an IPv4 or IPv6 packet without options.
std::string payload(const QueuedPacket& packet) {
  const std::size_t header = packet.octets.front() >> 4 == 4 ? 20 : 40;
  return std::string(base::as_text(packet.octets.subspan(header + 8)));
}

std::span<const QueuedPacket> packets_of(Queue& queue) {
  auto packets = queue.read();
  return packets ? *packets : std::span<const QueuedPacket>{};
}

class QueueTest : public live::LiveTest {
 protected:
  void SetUp() override {
    live::LiveTest::SetUp();
    if (IsSkipped()) return;
    for (const std::string command : {"iptables-nft", "ip6tables-nft"}) {
      home_.run(command + " -A INPUT -p udp --dport 5060 -j NFQUEUE --queue-num 7 --queue-bypass");
    }
    home_.inside([&] {
      sender_.emplace("127.0.0.1:4000");
      receiver_.emplace("127.0.0.1:5060");
    });
  }

  Queue open(QueueSettings settings = {7, 4096, true}) {
    std::optional<Queue> queue;
    home_.inside([&] { queue.emplace(settings); });
    return std::move(*queue);
  }
  std::string fault_of(QueueSettings settings) {
    std::string text;
    home_.inside([&] {
      try {
        Queue queue(settings);
      } catch (const KernelError& error) {
        text = error.what();
      }
    });
    return text;
  }
  void send(std::string_view octets) { sender_->send("127.0.0.1:5060", octets); }
  std::optional<QueueStatus> status() {
    std::optional<QueueStatus> found;
    home_.inside([&] { found = queue_status(7); });
    return found;
  }
  // Reads until `count` packets came, as (id, payload).
  std::vector<std::pair<std::uint32_t, std::string>> take(Queue& queue, std::size_t count) {
    std::vector<std::pair<std::uint32_t, std::string>> taken;
    EXPECT_TRUE(live::eventually([&] {
      for (const auto& packet : packets_of(queue)) taken.emplace_back(packet.id, payload(packet));
      return taken.size() >= count;
    }));
    return taken;
  }

  live::Namespace home_;
  std::optional<UdpSocket> sender_;
  std::optional<UdpSocket> receiver_;
};

TEST_F(QueueTest, HoldsAPacketUntilItIsAccepted) {
  Queue queue = open();
  EXPECT_TRUE(packets_of(queue).empty());
  send("OPTIONS");
  const auto packets = packets_of(queue);
  ASSERT_EQ(packets.size(), 1U);
  EXPECT_EQ(payload(packets[0]), "OPTIONS");
  EXPECT_EQ(packets[0].octets.size(), 20U + 8U + 7U);
  EXPECT_EQ(packets[0].hook, NF_INET_LOCAL_IN);
  EXPECT_EQ(packets[0].in_interface, 1U) << "lo";
  EXPECT_EQ(packets[0].out_interface, 0U);
  EXPECT_FALSE(packets[0].truncated);
  EXPECT_FALSE(receiver_->receive(milliseconds{0}));
  ASSERT_TRUE(queue.answer(std::vector<Answer>{{packets[0].id, Verdict::accept}}));
  EXPECT_EQ(receiver_->receive(), "OPTIONS");
}

TEST_F(QueueTest, DropsWhatIsToBeDropped) {
  Queue queue = open();
  send("one");
  send("two");
  const auto taken = take(queue, 2);
  ASSERT_TRUE(
      queue.answer(std::vector<Answer>{{taken[0].first, Verdict::drop}, {taken[1].first, Verdict::accept}}));
  EXPECT_EQ(receiver_->receive(), "two");
  EXPECT_FALSE(receiver_->receive(milliseconds{0}));
}

TEST_F(QueueTest, AnswersInAnyOrder) {
  Queue queue = open();
  for (const char* text : {"a", "b", "c"}) send(text);
  const auto taken = take(queue, 3);
  ASSERT_TRUE(queue.answer(std::vector<Answer>{{taken[2].first, Verdict::accept}}));
  EXPECT_EQ(receiver_->receive(), "c");
  EXPECT_FALSE(receiver_->receive(milliseconds{0})) << "a verdict for one packet is none for those before it";
  ASSERT_TRUE(queue.answer(
      std::vector<Answer>{{taken[1].first, Verdict::accept}, {taken[0].first, Verdict::accept}}));
  EXPECT_EQ(receiver_->receive(), "b");
  EXPECT_EQ(receiver_->receive(), "a");
}

TEST_F(QueueTest, ReadsABatchAtATime) {
  Queue queue = open();
  const std::size_t count = base::limits::queue_batch + 10;
  for (std::size_t i = 0; i < count; ++i) send(std::to_string(i));
  std::vector<Answer> answers;
  for (const auto& packet : packets_of(queue)) answers.push_back({packet.id, Verdict::accept});
  EXPECT_EQ(answers.size(), base::limits::queue_batch);
  for (const auto& packet : packets_of(queue)) answers.push_back({packet.id, Verdict::accept});
  ASSERT_EQ(answers.size(), count);
  ASSERT_TRUE(queue.answer(answers));
  for (std::size_t i = 0; i < count; ++i) ASSERT_EQ(receiver_->receive(), std::to_string(i));
}

TEST_F(QueueTest, ReadsIpv6) {
  Queue queue = open();
  home_.inside([&] {
    const UdpSocket sender("[::1]:4000");
    const UdpSocket receiver("[::1]:5060");
    sender.send("[::1]:5060", "INVITE");
    const auto taken = take(queue, 1);
    EXPECT_EQ(taken[0].second, "INVITE");
    ASSERT_TRUE(queue.answer(std::vector<Answer>{{taken[0].first, Verdict::accept}}));
    EXPECT_EQ(receiver.receive(), "INVITE");
  });
}

TEST_F(QueueTest, ReadsTheLargestAndTheEmptyDatagramWhole) {
  Queue queue = open();
  for (const std::string& text : {std::string(65507, 'x'), std::string()}) {
    send(text);
    const auto packets = packets_of(queue);
    ASSERT_EQ(packets.size(), 1U);
    // The kernel copies 65531 octets; the largest packet has 65535.
    EXPECT_EQ(packets[0].truncated, text.size() > 65531 - 28);
    EXPECT_EQ(packets[0].octets.size(), std::min<std::size_t>(text.size() + 28, 65531));
    ASSERT_TRUE(queue.answer(std::vector<Answer>{{packets[0].id, Verdict::accept}}));
    EXPECT_EQ(receiver_->receive(), text);
  }
}

TEST_F(QueueTest, TakesLargeTcpSegmentsWhole) {
  home_.run("iptables-nft -A INPUT -p tcp --dport 5060 -j NFQUEUE --queue-num 7; ip link set lo mtu 1500");
  Queue queue = open();
  std::size_t largest = 0;
  std::jthread reader([&](const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      std::vector<Answer> answers;
      for (const auto& packet : packets_of(queue)) {
        largest = std::max(largest, packet.octets.size());
        EXPECT_FALSE(packet.truncated);
        answers.push_back({packet.id, Verdict::accept});
      }
      EXPECT_TRUE(queue.answer(answers));
    }
  });
  const std::string received = home_.run(
      "python3 -c 'import socket\n"
      "s = socket.create_server((\"127.0.0.1\", 5060)); c = socket.create_connection((\"127.0.0.1\", 5060))\n"
      "import threading; threading.Thread(target=lambda: (c.sendall(b\"s\" * 1000000), c.close())).start()\n"
      "a = s.accept()[0]; n = 0\n"
      "while True:\n"
      "  d = a.recv(65536)\n"
      "  if not d: break\n"
      "  n += len(d)\n"
      "print(n)'");
  reader.request_stop();
  reader.join();
  EXPECT_EQ(received, "1000000\n");
  EXPECT_GT(largest, 1500U);
}

TEST_F(QueueTest, AFullQueuePassesPacketsWhenItFailsOpen) {
  Queue queue = open({7, 4, true});
  for (int i = 0; i < 10; ++i) send(std::to_string(i));
  for (int i = 4; i < 10; ++i) EXPECT_EQ(receiver_->receive(), std::to_string(i));
  EXPECT_EQ(take(queue, 4).size(), 4U);
  EXPECT_EQ(status()->full, 0U);
}

TEST_F(QueueTest, TheLongestQueueIsAsLongAsItSays) {
  constexpr std::uint32_t count = 6000;
  Queue queue = open({7, longest_queue, true});
  EXPECT_GE(queue.room(), longest_queue);
  for (std::uint32_t i = 0; i < count; ++i) send(std::to_string(i));
  EXPECT_EQ(status()->waiting, count);
  EXPECT_EQ(status()->undelivered, 0U);
  EXPECT_FALSE(receiver_->receive(milliseconds{0})) << "none passed unread";
  EXPECT_EQ(take(queue, count).size(), count);
  EXPECT_EQ(queue.packets_read(), count);
}

TEST_F(QueueTest, AFullQueueDropsPacketsOtherwise) {
  Queue queue = open({7, 4, false});
  for (int i = 0; i < 10; ++i) send(std::to_string(i));
  EXPECT_EQ(status()->full, 6U);
  EXPECT_EQ(status()->waiting, 4U);
  EXPECT_FALSE(receiver_->receive(milliseconds{0}));
}

TEST_F(QueueTest, PacketsPassWhenNobodyReads) {
  open();
  send("bypass");
  EXPECT_EQ(receiver_->receive(), "bypass");
  EXPECT_FALSE(status());
}

TEST_F(QueueTest, VerdictsForUnknownPacketsAreCountedAndHarmless) {
  Queue queue = open();
  ASSERT_TRUE(queue.answer(std::vector<Answer>{{99, Verdict::accept}, {100, Verdict::drop}}));
  send("later");
  const auto taken = take(queue, 1);
  EXPECT_EQ(queue.refused_verdicts(), 2U);
  ASSERT_TRUE(queue.answer(std::vector<Answer>{{taken[0].first, Verdict::accept}}));
  EXPECT_EQ(receiver_->receive(), "later");
}

TEST_F(QueueTest, ATakenQueueNamesItsReader) {
  const Queue queue = open();
  EXPECT_EQ(fault_of({7, 4096, true}),
            "queue 7 is already taken, by another dpinholer or by who has netlink port " +
                std::to_string(status()->reader) +
                " (often the process id): stop that reader, or use another number "
                "in kernel.queues and in the queue rule");
  EXPECT_EQ(fault_of({8, 4096, true}), "") << "another one is free";
}

TEST_F(QueueTest, SaysThatPermissionIsMissing) {
  auto open_as_nobody = [&] {
    if (setresuid(65534, 65534, 65534) != 0) std::exit(2);
    try {
      Queue queue({7, 4096, true});
    } catch (const KernelError& error) {
      std::fputs(error.what(), stderr);
      std::exit(3);
    }
    std::exit(0);
  };
  EXPECT_EXIT(home_.inside(open_as_nobody), testing::ExitedWithCode(3),
              "^no permission to read queue 7: run as root or with CAP_NET_ADMIN$");
}

}  // namespace
}  // namespace dpinholer::system
