// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "crash_folder.h"
#include "inspection.h"
#include "inspection_codec.h"
#include "inspector_launcher.h"
#include "pipeline.h"
#include "system/channel.h"

namespace dpinholer {

/// Has batches looked at by a process that can do nothing else (inspector_launcher.h). Checks the form of its
/// answers; the gatekeeper, which carries them out, checks their content (pinhole::Guard).
///
/// An inspector that crashes, that does not answer within two seconds, or that says what it may not, is
/// ended: `inspect` fails, the batch is saved for a replay, and the next one may start at once. If that
/// happens again and again, the pauses before a start grow from 25 milliseconds to 10 seconds, until one has
/// lived that long.
class InspectorProcess : public Inspection {
 public:
  /// `launcher` must live longer. `order`: for each inspector.
  InspectorProcess(InspectorLauncher& launcher, CrashFolder folder, std::string order = {});

  /// The present inspector ends, and those after it get another order. The caller has to start one.
  void replace(std::string order);

  void start(base::TimePoint now) override;
  std::optional<base::TimePoint> next_start() const override;
  int fd() const override { return channel_ ? channel_->fd() : -1; }
  void notice() override;
  std::optional<Findings> inspect(const Batch& batch, Questions& questions) override;

  std::uint64_t failures() const override { return failures_; }
  int process() const override { return channel_ ? launcher_.process() : 0; }

 private:
  std::optional<Findings> converse(const Batch& batch, Questions& questions, std::string& fault);
  bool answer(const system::Channel::Frame& frame, Questions& questions);
  void fail(const Batch& batch, const std::string& fault);

  InspectorLauncher& launcher_;
  CrashFolder folder_;
  std::string order_;
  std::optional<system::Channel> channel_;
  codec::Buffer sending_;
  Counters counted_;  // by the present inspector
  base::TimePoint started_;
  std::optional<base::TimePoint> next_start_;
  unsigned in_a_row_ = 0;  // failures, since one lived long
  std::uint64_t failures_ = 0;
};

/// The other end: an inspector that answers until its channel ends. Confines this process first
/// (sandbox::confine_inspector).
void serve_as_inspector(system::Channel& channel, PipelineSettings settings);

}  // namespace dpinholer
