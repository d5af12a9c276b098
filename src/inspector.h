// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <memory>
#include <optional>

#include "inspection.h"
#include "pipeline.h"

namespace dpinholer {

/// Looks at batches with a Pipeline of its own.
class Inspector : public Inspection {
 public:
  explicit Inspector(PipelineSettings settings);
  ~Inspector() override;

  void start(base::TimePoint now) override;
  std::optional<base::TimePoint> next_start() const override { return std::nullopt; }
  /// Never fails.
  std::optional<Findings> inspect(const Batch& batch, Questions& questions) override;

 private:
  class Asking;

  void run_timers(base::TimePoint& now, Outcome& outcome);

  PipelineSettings settings_;
  std::unique_ptr<Asking> asking_;
  std::optional<Pipeline> pipeline_;
  Findings findings_;  // of the batch
};

}  // namespace dpinholer
