// SPDX-License-Identifier: GPL-2.0-or-later
#include "replay.h"

#include <cstddef>
#include <map>
#include <optional>
#include <tuple>
#include <vector>

namespace dpinholer {

namespace {

using pinhole::Change;
using pinhole::Key;
using pinhole::Refusal;
using system::Flow;
using system::Summary;

// The verdicts on media, counted for each flow.
class FlowTable {
 public:
  void count(const Reading& reading, bool passed) {
    const auto [entry, is_new] =
        index_.try_emplace({reading.protocol, reading.source, reading.destination}, flows_.size());
    if (is_new) {
      Flow flow;
      flow.protocol = reading.protocol;
      flow.source = reading.source;
      flow.destination = reading.destination;
      flows_.push_back(flow);
    }
    Flow& flow = flows_[entry->second];
    ++(passed ? flow.passed : flow.dropped);
  }

  bool has_passed(base::Protocol protocol, const base::Endpoint& source,
                  const base::Endpoint& destination) const {
    const auto entry = index_.find({protocol, source, destination});
    return entry != index_.end() && flows_[entry->second].passed > 0;
  }

  const std::vector<Flow>& in_order() const { return flows_; }

 private:
  std::vector<Flow> flows_;  // in the order of their first packets
  std::map<std::tuple<base::Protocol, base::Endpoint, base::Endpoint>, std::size_t> index_;
};

class Replay {
 public:
  Replay(const PipelineSettings& settings, const EventSink& sink, const ReplayObservers& observers)
      : pipeline_(settings), tcp_media_(settings.negotiation.tcp), sink_(sink), observers_(observers) {
    pipeline_.observe_messages(observers.message);
  }

  void take(const system::Frame& frame) {
    now_ = frame.time;
    ++summary_.packets;
    pipeline_.advance(now_, outcome_);
    tell_outcome();
    if (!frame.packet) return;
    const Reading reading = pipeline_.process(*frame.packet, now_, outcome_);
    tell_outcome();
    judge(reading);
  }

  void finish() {
    for (Flow flow : flows_.in_order()) {
      flow.time = now_;
      summary_.media_passed += flow.passed;
      summary_.media_dropped += flow.dropped;
      sink_(flow);
    }
    summary_.time = now_;
    summary_.sip_messages = pipeline_.counters().sip_messages;
    summary_.malformed = pipeline_.counters().malformed;
    summary_.calls = pipeline_.counters().calls;
    summary_.open_at_end = pipeline_.open_pinholes();
    sink_(summary_);
  }

 private:
  // Both lists are in order of time; at one moment the changes come first.
  void tell_outcome() {
    auto refusal = outcome_.refusals.cbegin();
    for (const Change& change : outcome_.changes) {
      for (; refusal != outcome_.refusals.cend() && refusal->time < change.time; ++refusal) tell(*refusal);
      tell(change);
    }
    for (; refusal != outcome_.refusals.cend(); ++refusal) tell(*refusal);
    for (const auto& offence : outcome_.offences) sink_(offence);
    for (const auto& unread : outcome_.unread) sink_(unread);
    for (const auto& nat : outcome_.far_nats) sink_(nat);
    outcome_.offences.clear();
    outcome_.far_nats.clear();
    outcome_.changes.clear();
    outcome_.refusals.clear();
    outcome_.unread.clear();
  }

  void tell(const Refusal& refusal) {
    ++summary_.refused;
    sink_(refusal);
  }

  void tell(const Change& change) {
    switch (change.kind) {
      case Change::Kind::refresh:
        return;
      case Change::Kind::open:
        ++summary_.opened;
        break;
      case Change::Kind::close:
        ++summary_.closed;
        break;
      case Change::Kind::bind:
        break;
    }
    sink_(change);
  }

  void judge(const Reading& reading) {
    using Kind = Reading::Kind;
    if (reading.kind != Kind::other && reading.kind != Kind::stun && reading.kind != Kind::keep_alive) return;
    if (reading.protocol == base::Protocol::tcp && !tcp_media_) return;
    const auto pinhole = pinhole_for(reading);
    if (reading.kind == Reading::Kind::keep_alive && !pinhole) return;
    flows_.count(reading, pinhole.has_value());
    if (observers_.media) observers_.media(reading, pinhole, now_);
    if (!pinhole) return;
    const bool there = pinhole->destination == reading.destination;
    pipeline_.media_seen(*pinhole, there ? reading.source.address : reading.destination.address, now_);
  }

  // The open pinhole that lets the packet through.
  std::optional<Key> pinhole_for(const Reading& reading) const {
    const Key there{reading.protocol, reading.destination};
    if (pipeline_.passes(there, reading.source.address)) return there;
    if (reading.protocol != base::Protocol::tcp) return std::nullopt;
    const Key back{reading.protocol, reading.source};
    const bool answers = flows_.has_passed(reading.protocol, reading.destination, reading.source);
    if (answers && pipeline_.passes(back, reading.destination.address)) return back;
    return std::nullopt;
  }

  Pipeline pipeline_;
  bool tcp_media_;
  const EventSink& sink_;
  const ReplayObservers& observers_;
  base::TimePoint now_;
  Outcome outcome_;  // empty between frames, kept for its memory
  FlowTable flows_;
  Summary summary_;
};

}  // namespace

tl::expected<void, std::string> replay(system::Capture& capture, const PipelineSettings& settings,
                                       const EventSink& sink, const ReplayObservers& observers) {
  Replay replay(settings, sink, observers);
  for (;;) {
    auto frame = capture.next();
    if (frame && *frame) {
      replay.take(**frame);
      continue;
    }
    replay.finish();
    if (!frame) return tl::unexpected(frame.error());
    return {};
  }
}

}  // namespace dpinholer
