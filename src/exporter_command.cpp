// SPDX-License-Identifier: GPL-2.0-or-later
#include "exporter_command.h"

#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <string>
#include <system_error>

#include "exit_status.h"
#include "system/escape.h"

namespace dpinholer {

int exporter_command(char** arguments) {
  std::error_code missing;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", missing);
  if (missing) {
    return failed(ExitStatus::usage, "/proc/self/exe: " + missing.message() +
                                         "; without /proc, execute dpinholer-exporter itself");
  }
  std::string program = self.parent_path() / "dpinholer-exporter";
  arguments[0] = program.data();
  execv(program.c_str(), arguments);
  const int error = errno;
  const std::string remedy =
      error == ENOENT ? "install the package dpinholer-exporter (dpinholer-exporter_*.deb), or build it with "
                        "libmicrohttpd and -DDPINHOLER_EXPORTER=ON"
                      : "see that it may be executed";
  return failed(ExitStatus::usage,
                system::escape(program) + ": " + std::generic_category().message(error) + "; " + remedy);
}

}  // namespace dpinholer
