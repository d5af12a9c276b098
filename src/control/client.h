// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include <tl/expected.hpp>

#include "control/request.h"
#include "control/socket.h"
#include "system/error.h"

namespace dpinholer::control {

/// The other end of the control socket: asks and waits for the answer. One request after the other.
class Client {
 public:
  static tl::expected<Client, system::SystemError> connect(const std::filesystem::path& path);

  /// How an answer ended.
  struct End {
    enum class Kind { ok, not_found, error } kind = Kind::ok;
    std::string error;  ///< what the daemon says of it
  };
  /// Takes a line of the answer, without its end; false: no more of them are wanted.
  using Line = std::function<bool(std::string_view line)>;

  /// Until the end of the answer. An error when the daemon goes away, is silent for ten seconds (who follows
  /// events waits for them as long as it takes), or ends with what can't be read (EBADMSG).
  tl::expected<End, system::SystemError> ask(const Request& request, const Line& line);

  /// Readable when more of an answer has come.
  int fd() const { return socket_.get(); }

 private:
  explicit Client(Descriptor socket, std::string name) : socket_(std::move(socket)), name_(std::move(name)) {}
  tl::expected<std::string, system::SystemError> read_line();

  Descriptor socket_;
  std::string name_;  // of the socket
  std::string in_;
};

}  // namespace dpinholer::control
