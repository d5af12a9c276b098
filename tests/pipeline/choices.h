// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <array>
#include <cstddef>

#include "base/bytes.h"

namespace dpinholer::test {

/// Takes small numbers out of the input; zeros when it has run out.
class Choices {
 public:
  explicit Choices(base::Bytes octets) : octets_(octets) {}

  bool any() const { return !octets_.empty(); }
  std::size_t below(std::size_t bound) {
    if (octets_.empty()) return 0;
    const std::size_t value = octets_.front() % bound;
    octets_ = octets_.subspan(1);
    return value;
  }
  template <typename T, std::size_t N>
  const T& of(const std::array<T, N>& all) {
    return all[below(N)];
  }

 private:
  base::Bytes octets_;
};

}  // namespace dpinholer::test
