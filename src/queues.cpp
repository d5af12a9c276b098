// SPDX-License-Identifier: GPL-2.0-or-later
#include "queues.h"

#include <unistd.h>

#include <cstdint>
#include <string>

#include "system/log.h"
#include "system/service_manager.h"

namespace dpinholer {

namespace {

using system::Queue;

std::string name_of(std::uint16_t number) {
  return "queue-" + std::to_string(number);
}

void tell_room(const Queue& queue, std::uint32_t length) {
  if (queue.room() >= length) return;
  system::log::warning("queue " + std::to_string(queue.number()) + " has room for " +
                       std::to_string(queue.room()) +
                       " messages of 1500 octets, not for kernel.queue-length = " + std::to_string(length) +
                       ": the kernel gives its socket no larger buffer; run with CAP_NET_ADMIN, or raise "
                       "net.core.rmem_max");
}

}  // namespace

std::vector<Queue> take_queues(const system::KernelSettings& settings) {
  std::vector<Queue> queues;
  auto left = system::service_manager::take_left();
  const auto [first, last] = settings.queues;
  for (unsigned number = first; number <= last; ++number) {
    const system::QueueSettings of_queue{static_cast<std::uint16_t>(number), settings.queue_length,
                                         settings.fail_open};
    if (auto queue = left.extract(name_of(of_queue.number))) {
      queues.emplace_back(of_queue, queue.mapped());
    } else {
      queues.emplace_back(of_queue);
    }
    tell_room(queues.back(), settings.queue_length);
  }
  for (const auto& [name, fd] : left) close(fd);
  return queues;
}

void leave_queues(std::vector<Queue>& queues) {
  std::erase_if(queues, [](const Queue& queue) {
    return system::service_manager::leave(name_of(queue.number()), queue.fd());
  });
}

void give_up_queues(std::vector<Queue>& queues) {
  std::vector<system::Answer> answers;
  for (Queue& queue : queues) {
    queue.keep_no_more();
    for (auto packets = queue.read(); packets && !packets->empty(); packets = queue.read()) {
      answers.clear();
      for (const system::QueuedPacket& packet : *packets)
        answers.push_back({packet.id, system::Verdict::accept});
      if (!queue.answer(answers)) break;
    }
  }
  queues.clear();
}

}  // namespace dpinholer
