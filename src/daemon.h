// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "inspection.h"
#include "system/config.h"

namespace dpinholer {

/// The live loop: packets from the queues through the pipeline, one transaction for all that a wake-up
/// brings, and only then the verdicts of those that changed something. If the kernel refuses a change, the
/// SIP message still passes, the media stays closed, and the element is logged. A transaction that takes long
/// holds up nothing but its own messages, and these for `kernel.patience` at most.
class Daemon {
 public:
  /// Checks the sets and takes the queues, in this thread's network namespace. Blocks SIGTERM, SIGINT and
  /// SIGHUP for this thread, to read them in `run`. Throws system::KernelError, one line with its remedy.
  /// `inspection` reads the packets; it must live longer. `control_socket`: where other programs may ask it
  /// (control/server.h).
  Daemon(const system::Config& config, Inspection& inspection, const std::string& control_socket);
  ~Daemon();
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;

  /// Works by other settings from now on, but for those of the kernel; the inspection is to be one that does,
  /// and knows nothing yet. Calls stay open as far as policy still allows them. To be called by `reload`.
  void reconfigure(const system::Config& config);

  /// Until SIGTERM or SIGINT; calls `reload` for every SIGHUP. Packets that wait then are still answered.
  /// Throws system::KernelError when it can't read a queue any more, and NoInspection when nobody can read
  /// SIP: the packets that waited have passed then, and no more come here.
  void run(const std::function<void()>& reload);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace dpinholer
