// SPDX-License-Identifier: GPL-2.0-or-later
#include "inspector.h"

#include <string>
#include <utility>

#include "base/limits.h"

namespace dpinholer {

namespace limits = base::limits;

namespace {

// Timers that run before packets get their turn again: thousands may be due at the same moment.
constexpr int timers_at_once = 32;

// Until then the answer has room for all that one more packet may add.
bool is_enough(const Findings& findings) {
  const auto& [changes, refusals, offences, unread, far_nats] = findings.outcome;
  std::size_t found = changes.size() + refusals.size() + offences.size() + unread.size() + far_nats.size() +
                      findings.connections.size();
  for (const pinhole::Change& change : changes) found += change.from.size();
  return found >= limits::enough_findings && !findings.packets.empty();
}

}  // namespace

// The host as whoever gave the present batch knows it.
class Inspector::Asking : public pinhole::Host {
 public:
  std::vector<base::Interface> owners(const base::Address& address) override {
    return questions->owners(address);
  }
  std::vector<base::Interface> ways_to(const base::Address& address, base::Interface arrival) override {
    return questions->ways_to(address, arrival);
  }
  std::string name(base::Interface interface) override { return questions->name(interface); }

  Questions* questions = nullptr;
};

Inspector::Inspector(PipelineSettings settings)
    : settings_(std::move(settings)), asking_(std::make_unique<Asking>()) {}

Inspector::~Inspector() = default;

void Inspector::start(base::TimePoint) {
  pipeline_.emplace(settings_, asking_.get());
  pipeline_->observe_connections([this](ip::StreamId stream, const std::optional<Connection>& now) {
    findings_.connections.push_back({stream, now});
  });
}

std::optional<Findings> Inspector::inspect(const Batch& batch, Questions& questions) {
  asking_->questions = &questions;
  findings_ = {};
  base::TimePoint now = batch.now;
  Pipeline& pipeline = *pipeline_;
  if (!batch.recovered.empty()) pipeline.recover(batch.recovered, now, findings_.outcome);
  for (const Connection& connection : batch.connections) pipeline.resume(connection);
  for (const Batch::Media& media : batch.media) pipeline.media_seen(media.key, media.source, media.seen);
  for (const std::string& call_id : batch.close) {
    findings_.closed += pipeline.close(call_id, now, findings_.outcome) ? 1 : 0;
  }
  run_timers(now, findings_.outcome);
  findings_.packets.reserve(batch.packets.size());
  for (const Batch::Packet& packet : batch.packets) {
    if (is_enough(findings_)) break;
    const std::size_t before = findings_.outcome.changes.size();
    const Reading reading = pipeline.process(packet.octets, now, findings_.outcome, packet.arrival);
    findings_.packets.push_back({reading, findings_.outcome.changes.size() > before});
  }
  findings_.next_deadline = pipeline.next_deadline();
  findings_.counters = pipeline.counters();
  return std::move(findings_);
}

// Each at its own moment, and a few at a time. Packets that come while some are left are taken to have come
// before them: the time of the pipeline must not pass a timer that is due.
void Inspector::run_timers(base::TimePoint& now, Outcome& outcome) {
  Pipeline& pipeline = *pipeline_;
  for (int i = 0; i < timers_at_once; ++i) {
    const auto due = pipeline.next_deadline();
    if (!due || *due > now) return;
    for (const pinhole::Senders& asked : pipeline.suspected_idle(*due)) {
      for (const auto& source : asking_->questions->has_media(asked))
        pipeline.media_seen(asked.key, source, *due);
    }
    pipeline.advance(*due, outcome);
  }
  if (const auto due = pipeline.next_deadline(); due && *due < now) now = *due;
}

}  // namespace dpinholer
