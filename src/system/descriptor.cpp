// SPDX-License-Identifier: GPL-2.0-or-later
#include "system/descriptor.h"

#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

namespace dpinholer::system {

Descriptor::Descriptor(int fd, const char* call) : fd_(fd) {
  if (fd < 0) throw std::system_error(errno, std::generic_category(), call);
}

Descriptor::~Descriptor() {
  if (fd_ >= 0) close(fd_);
}

Descriptor::Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

}  // namespace dpinholer::system
