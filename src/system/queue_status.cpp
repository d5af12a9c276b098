// SPDX-License-Identifier: GPL-2.0-or-later
#include <charconv>
#include <fstream>
#include <sstream>

#include "system/queue.h"

// Grammar of /proc/net/netfilter/nfnetlink_queue, decimal numbers in columns:
//
//   line = number reader waiting copy-mode copy-range full undelivered last-id "1"

namespace dpinholer::system {

namespace {

template <typename Number>
bool read_number(std::istringstream& columns, Number& value) {
  std::string word;
  if (!(columns >> word)) return false;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  return error == std::errc{} && end == word.data() + word.size();
}

}  // namespace

std::vector<QueueStatus> parse_queue_status(std::string_view text) {
  std::vector<QueueStatus> queues;
  std::istringstream lines{std::string(text)};
  for (std::string line; std::getline(lines, line);) {
    std::istringstream columns(line);
    QueueStatus queue;
    std::uint32_t unused = 0;
    const bool whole = read_number(columns, queue.number) && read_number(columns, queue.reader) &&
                       read_number(columns, queue.waiting) && read_number(columns, unused) &&
                       read_number(columns, unused) && read_number(columns, queue.full) &&
                       read_number(columns, queue.undelivered);
    if (whole) queues.push_back(queue);
  }
  return queues;
}

std::optional<QueueStatus> queue_status(std::uint16_t number) {
  std::ifstream file("/proc/thread-self/net/netfilter/nfnetlink_queue");
  std::ostringstream text;
  text << file.rdbuf();
  for (const QueueStatus& queue : parse_queue_status(text.str())) {
    if (queue.number == number) return queue;
  }
  return std::nullopt;
}

}  // namespace dpinholer::system
