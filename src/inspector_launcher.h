// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>

#include <tl/expected.hpp>

#include "system/channel.h"
#include "system/error.h"

namespace dpinholer {

/// Makes inspectors: a process that does nothing else, forked before this one holds anything worth having.
/// It is in namespaces of its own with an empty root and has no capabilities, and so have its children; who
/// asks it for one may itself be forbidden to fork. It and they end with this process.
class InspectorLauncher {
 public:
  /// What an inspector does, in a process of its own: `channel` leads to who asked for it, and `order` is
  /// what was told with it.
  using Work = std::function<void(system::Channel channel, const std::string& order)>;

  /// Forks; to be called while this process has one thread and its capabilities. Throws std::system_error or
  /// KernelError.
  explicit InspectorLauncher(const Work& work);
  ~InspectorLauncher();
  InspectorLauncher(const InspectorLauncher&) = delete;
  InspectorLauncher& operator=(const InspectorLauncher&) = delete;

  /// What of the isolation this system does not allow; empty when nothing.
  const std::string& shortcomings() const { return shortcomings_; }

  /// A new inspector, in place of the one before it. Returns when it exists, not when it is ready. `order`:
  /// at most limits::configuration_octets.
  tl::expected<system::Channel, system::SystemError> launch(const std::string& order = {});

  /// Ends the last one, if it has not ended; says how it came to its end, with what it wrote to standard
  /// error.
  std::string end();
  /// Its process; 0 when there is none.
  pid_t process() const { return inspector_; }

 private:
  std::string last_words() const;

  int control_ = -1;  // a socket to the launcher
  int words_ = -1;    // what inspectors write to standard error
  pid_t launcher_ = 0;
  pid_t inspector_ = 0;
  std::string shortcomings_;
};

}  // namespace dpinholer
