// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "control/events.h"
#include "control/histogram.h"
#include "control/server.h"
#include "gatekeeper.h"
#include "pinhole/pinhole.h"
#include "pipeline.h"
#include "system/config.h"
#include "system/nft_counter.h"

namespace dpinholer {

/// What the daemon tells those who ask on the control socket: keeps the last events and a few figures, and
/// gets the rest from the gatekeeper.
class ControlDesk {
 public:
  /// Without a socket to be had, it says so in the log, and nobody can ask: calls matter more. `gatekeeper`
  /// must live longer.
  ControlDesk(const system::KernelSettings& settings, const std::string& socket, Gatekeeper& gatekeeper,
              base::TimePoint now);

  ControlDesk(const ControlDesk&) = delete;
  ControlDesk& operator=(const ControlDesk&) = delete;

  /// Readable when `serve` has something to do; -1: never.
  int fd() const { return server_ ? server_->fd() : -1; }

  /// What the daemon knows besides.
  struct Daemon {
    const Counters& seen;  ///< by the inspector
    std::function<control::Closing(const std::string& call_id)> close;
    std::uint64_t dropped = 0;  ///< packets
    std::uint64_t late = 0;     ///< messages that went on before what they changed was in the kernel
    base::Duration busy{0};     ///< for so long the kernel has kept a commit waiting; zero: it does not
    std::uint64_t inspector_restarts = 0;
    int inspector = 0;                    ///< its process; 0: none
    std::optional<std::uint64_t> unread;  ///< packets that reached the queue rule; nothing: not known
  };
  /// A little of it: returns soon.
  void serve(const Daemon& daemon, base::TimePoint now);

  /// So many packets waited that long for their verdict.
  void note_held(base::Duration duration, std::size_t packets) { held_.add(duration, packets); }

 private:
  void note(const Outcome& outcome, const std::vector<scanners::Offence>& bans,
            const std::vector<pinhole::FarNat>& far_nats);
  control::Status status(const Daemon& daemon, base::TimePoint now);

  system::KernelSettings settings_;
  Gatekeeper& gatekeeper_;
  base::TimePoint started_;
  system::NftCounter tls_;
  control::Events events_;
  control::Histogram held_;
  std::array<std::uint64_t, negotiation::causes> refusals_{};
  std::array<std::uint64_t, message::unread_causes> unread_{};
  std::unique_ptr<control::Server> server_;
};

}  // namespace dpinholer
