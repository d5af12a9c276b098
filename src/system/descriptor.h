// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

namespace dpinholer::system {

/// A descriptor that is closed with this object.
class Descriptor {
 public:
  explicit Descriptor(int fd = -1) : fd_(fd) {}
  /// Of what `call` gave; throws std::system_error when it gave none.
  Descriptor(int fd, const char* call);
  ~Descriptor();
  Descriptor(Descriptor&& other) noexcept;
  Descriptor& operator=(Descriptor&& other) noexcept;
  int get() const { return fd_; }

 private:
  int fd_;
};

}  // namespace dpinholer::system
