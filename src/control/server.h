// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "base/address.h"
#include "base/time.h"
#include "control/events.h"
#include "control/rows.h"

namespace dpinholer::control {

/// Where commands look for the daemon, and where it listens, unless told otherwise.
inline constexpr const char* default_socket = "/run/dpinholer/control";

enum class Closing : std::uint8_t {
  done,
  not_found,  ///< there is no such call
  not_now,    ///< nobody can tell
};

/// Whom the server asks. Calls are short: none of them may wait for anything.
struct Source {
  std::function<Status()> status;
  /// Some of the calls whose Call-ID is greater than `last`, in order; none when there are no more.
  std::function<std::vector<CallRow>(const std::string& last)> calls;
  std::function<Closing(const std::string& call_id)> close;
  /// False: it is not banned.
  std::function<tl::expected<bool, std::string>(const base::Address& source)> unban;
  const Events* events = nullptr;
};

/// The control socket: a Unix stream socket on which other programs ask (request.h) and are answered
/// (lines.h). Clients that may connect may ask everything, and close calls: owner and group of the process.
///
/// It never waits. An answer is made piece by piece, each when the one before it was taken, so that a client
/// that reads slowly costs no more than its place. When all places are taken, the client that has taken and
/// sent nothing for longest loses its own to the next one at once (attack A34): one more is always answered.
class Server {
 public:
  /// Listens at `path`, in a folder that is made if need be. A socket that nobody listens on any more is
  /// replaced. Throws std::runtime_error, one line: somebody listens there, or the file can't be made.
  explicit Server(std::filesystem::path path);
  /// Removes the file, if it is still its own.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// Readable when `serve` has something to do.
  int fd() const;
  /// Does a little of it: at most one piece of one answer.
  void serve(const Source& source, base::TimePoint now);
  /// There are new events: whoever follows them wants to be served.
  void notify(base::TimePoint now);

  struct Counters {
    std::uint64_t clients = 0;
    std::uint64_t turned_away = 0;  ///< because too many followed the events
    std::uint64_t dropped = 0;      ///< because they were the slowest, and others wanted their place
    std::uint64_t refused = 0;      ///< requests that could not be read
  };
  const Counters& counters() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace dpinholer::control
