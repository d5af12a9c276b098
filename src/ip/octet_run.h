// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/bytes.h"

namespace dpinholer::ip {

/// Octets in a row, appended and prepended, and dropped at the front. Each is copied a constant number of
/// times on the average, whatever the sizes of these steps.
class OctetRun {
 public:
  base::Bytes octets() const { return base::Bytes(store_).subspan(begin_, size_); }
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  /// Octets of memory that the run takes.
  std::size_t capacity() const { return store_.capacity(); }

  /// These three return how many octets they copied.
  std::size_t append(base::Bytes more) {
    std::size_t copied = more.size();
    if (begin_ + size_ + more.size() > store_.size()) copied += move_to(0, more.size());
    std::copy(more.begin(), more.end(), at(begin_ + size_));
    size_ += more.size();
    return copied;
  }

  std::size_t prepend(base::Bytes more) {
    std::size_t copied = more.size();
    if (begin_ < more.size()) copied += move_to(more.size() + size_ / 2, 0);
    begin_ -= more.size();
    std::copy(more.begin(), more.end(), at(begin_));
    size_ += more.size();
    return copied;
  }

  /// `count`: at most size().
  std::size_t drop_front(std::size_t count) {
    begin_ += count;
    size_ -= count;
    if (size_ == 0) {
      *this = {};
    } else if (store_.size() / 4 > size_) {
      return move_to(0, 0);
    }
    return 0;
  }

 private:
  std::vector<std::uint8_t>::iterator at(std::size_t index) {
    return store_.begin() + static_cast<std::ptrdiff_t>(index);
  }

  // Leaves room for `front` octets ahead and `back` behind; without `front`, for half as many as there are,
  // too. Uses the same store again when half of it is free: the octets that were dropped pay for that copy.
  std::size_t move_to(std::size_t front, std::size_t back) {
    const std::size_t needed = front + size_ + back;
    if (front == 0 && back > 0 && 2 * (size_ + back) <= store_.size()) {
      std::copy(at(begin_), at(begin_ + size_), at(0));
    } else {
      std::vector<std::uint8_t> store(needed + (front == 0 ? size_ / 2 : 0));
      std::copy(at(begin_), at(begin_ + size_), store.begin() + static_cast<std::ptrdiff_t>(front));
      store_.swap(store);
    }
    begin_ = front;
    return size_;
  }

  std::vector<std::uint8_t> store_;
  std::size_t begin_ = 0;
  std::size_t size_ = 0;
};

}  // namespace dpinholer::ip
