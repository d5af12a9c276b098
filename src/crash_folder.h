// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <filesystem>
#include <string>

#include "inspection.h"

namespace dpinholer {

/// Where the packets are kept that an inspector failed on, for `dpinholer replay`: limits::crash_files of
/// them, the oldest goes.
class CrashFolder {
 public:
  /// Nothing is saved when `folder` is empty. It is made when it is needed.
  explicit CrashFolder(std::filesystem::path folder) : folder_(std::move(folder)) {}

  /// Writes the packets of a batch as a capture. Says what became of them: "saved in FILE", or why not.
  std::string save(const Batch& batch);

  /// The folder for this process: in the one that systemd gave it ($STATE_DIRECTORY); empty when it gave
  /// none.
  static std::filesystem::path default_folder();

 private:
  std::filesystem::path folder_;
};

}  // namespace dpinholer
