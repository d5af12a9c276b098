// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <filesystem>

#include <tl/expected.hpp>

#include "system/error.h"

namespace dpinholer::control {

/// A descriptor that is closed with this object.
class Descriptor {
 public:
  explicit Descriptor(int fd = -1) : fd_(fd) {}
  ~Descriptor();
  Descriptor(Descriptor&& other) noexcept;
  Descriptor& operator=(Descriptor&& other) noexcept;
  int get() const { return fd_; }

 private:
  int fd_;
};

/// A Unix stream socket connected to `path`.
tl::expected<Descriptor, system::SystemError> connect_to(const std::filesystem::path& path);

/// One that listens there, non-blocking, mode 0660. Replaces a socket that nobody listens on; EADDRINUSE when
/// somebody does.
tl::expected<Descriptor, system::SystemError> listen_at(const std::filesystem::path& path);

}  // namespace dpinholer::control
