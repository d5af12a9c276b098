// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

#include "inspector_roles.h"
#include "system/channel.h"
#include "system/descriptor.h"

namespace dpinholer {

/// Makes inspectors: a process that does nothing else, started before this one holds anything worth having.
/// It is in namespaces of its own and has no capability beyond them, and its children have an empty root and
/// no capability at all; this process, which asks it for one, may itself be forbidden to fork and to execute.
/// They are this program executed anew (inspector_roles.h): the file that it was started from, even when that
/// was replaced or removed meanwhile. All end with this process.
///
/// This process waits for it for limits::launcher_patience_milliseconds. A launcher that has ended or does
/// not answer is lost, and can't be replaced: this process may not fork.
class InspectorLauncher {
 public:
  /// Forks; to be called while this process has one thread and its capabilities. Throws std::system_error or
  /// KernelError.
  InspectorLauncher();
  ~InspectorLauncher();
  InspectorLauncher(const InspectorLauncher&) = delete;
  InspectorLauncher& operator=(const InspectorLauncher&) = delete;

  /// The parts of the isolation that this system does not allow; empty when there are none.
  const std::string& shortcomings() const { return shortcomings_; }

  /// A new inspector, in place of the one before it. Returns when it exists, not when it is ready. `order`:
  /// at most limits::configuration_octets. Throws NoInspection.
  system::Channel launch(const std::string& order = {});

  /// Ends the last one, if it has not ended; says how it came to its end, with what it wrote to standard
  /// error.
  std::string end();
  /// Its process; 0 when there is none.
  pid_t process() const { return inspector_; }

  /// Nothing can be launched any more.
  bool lost() const { return !loss_.empty(); }

 private:
  void greet();
  std::optional<std::int32_t> ask(roles::Request request, const std::string& order, int descriptor);
  std::string loss();
  std::string last_words() const;

  system::Descriptor control_;  // a socket to the launcher
  system::Descriptor words_;    // what inspectors write to standard error
  pid_t launcher_ = 0;
  pid_t inspector_ = 0;
  std::string shortcomings_;
  std::string loss_;  // how the launcher was lost
};

}  // namespace dpinholer
