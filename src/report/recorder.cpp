// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/recorder.h"

#include <algorithm>

#include "base/limits.h"

namespace dpinholer::report {

namespace {

namespace limits = base::limits;
using message::SipMessage;
using pinhole::Change;

// Of the first media description that is in use: all that a row has room for.
std::optional<message::Direction> direction_of(const SipMessage& message) {
  const auto& session = message.session ? message.session : message.early_session;
  if (!session) return std::nullopt;
  const auto used = std::ranges::find_if(session->media, [](const auto& media) { return media.port != 0; });
  return used == session->media.end() ? message::Direction::sendrecv : used->direction;
}

Row row_of(const SipMessage& message, const base::Endpoint& source, const base::Endpoint& destination,
           base::TimePoint now) {
  Row row;
  row.time = now;
  row.source = source;
  row.destination = destination;
  row.method = message.method;
  row.status = message.status;
  row.cseq = message.cseq;
  row.direction = direction_of(message);
  row.ambiguous = message.ambiguous;
  row.unread = message.unread;
  return row;
}

}  // namespace

bool Recorder::afford() {
  if (pieces_ == limits::report_pieces) return false;
  ++pieces_;
  return true;
}

Call* Recorder::call_of(const std::string& call_id, base::TimePoint now, bool begin) {
  if (const auto known = calls_.find(call_id); known != calls_.end()) return &story_.calls[known->second];
  if (!begin || story_.calls.size() == limits::report_calls || !afford()) return nullptr;
  calls_.emplace(call_id, static_cast<Index>(story_.calls.size()));
  Call& call = story_.calls.emplace_back();
  call.id = call_id;
  call.first = call.last = now;
  return &call;
}

Row* Recorder::add_row(Call& call, Row row) {
  if (!afford()) {
    ++call.left_out.rows;
    return nullptr;
  }
  row.number = call.rows.size() + call.left_out.rows;
  call.last = std::max(call.last, row.time);
  call.rows.push_back(std::move(row));
  if (call.rows.size() > limits::report_rows) {
    call.rows.erase(call.rows.begin() + limits::report_rows / 2);
    ++call.left_out.rows;
    --pieces_;
  }
  return &call.rows.back();
}

void Recorder::add_media_rows(Index call) {
  const auto pending = media_.find(call);
  if (pending == media_.end()) return;
  for (Row& row : pending->second) add_row(story_.calls[call], std::move(row));
  media_.erase(pending);
}

void Recorder::message(const SipMessage& message, const base::Endpoint& source,
                       const base::Endpoint& destination, base::TimePoint now) {
  const bool invite = message.method == message::Method::invite;
  const bool begins = invite || message.session.has_value();
  Call* call = call_of(message.call_id, now, begins);
  if (call == nullptr) {
    if (begins) {
      ++story_.messages_left_out;
    } else {
      ++story_.other_methods[message.method];
    }
    return;
  }
  add_media_rows(static_cast<Index>(call - story_.calls.data()));
  add_row(*call, row_of(message, source, destination, now));
  call->described |= message.session.has_value() || message.early_session.has_value();
  call->ambiguous |= message.ambiguous;
  if (invite && message.is_success() && !call->answered) call->answered = now;
  if (invite && message.is_failure()) call->refused_with = message.status;
}

void Recorder::unread(const message::UnreadEvent& event) {
  Call* call = event.call_id.empty() ? nullptr : call_of(event.call_id, event.time, false);
  if (call == nullptr) {
    if (story_.unread.size() < limits::report_unread) story_.unread.push_back(event);
    return;
  }
  auto& unread = call->unread;
  const bool known = std::ranges::find(unread, event.what) != unread.end();
  if (!known && unread.size() < limits::report_unread_of_call) unread.push_back(event.what);
}

// ---- Pinholes ---------------------------------------------------------------------------------------------

// The row of the message that caused what happens at `time`; else one of its own.
Row* Recorder::row_for(Call& call, base::TimePoint time) {
  const bool by_message =
      !call.rows.empty() && call.rows.back().kind != Row::Kind::media && call.rows.back().time == time;
  if (by_message) return &call.rows.back();
  add_media_rows(static_cast<Index>(&call - story_.calls.data()));
  Row row;
  row.kind = Row::Kind::timer;
  row.time = time;
  return add_row(call, std::move(row));
}

void Recorder::open(Call& call, const Change& change) {
  if (call.pinholes.size() == limits::report_pinholes || !afford()) {
    ++call.left_out.pinholes;
    return;
  }
  Row* row = row_for(call, change.time);
  Pinhole pinhole;
  pinhole.key = change.key;
  pinhole.media = change.label.media;
  pinhole.component = change.label.component;
  pinhole.from = change.from;
  pinhole.opened = change.time;
  pinhole.opened_by = change.cause;
  if (!change.from.empty()) pinhole.bound = change.time;
  const auto index = static_cast<Index>(call.pinholes.size());
  pinhole.announcer = change.key.destination;
  if (row != nullptr) {
    // Who announces is who sends, but for `media.before-answer = "closed"`: the answer opens both ways.
    const bool to_receiver = change.key.destination.address == row->destination.address &&
                             change.key.destination.address != row->source.address;
    if (row->kind == Row::Kind::message) pinhole.announcer = to_receiver ? row->destination : row->source;
    pinhole.opened_at = pinhole.bound_at = row->number;
    row->opened.push_back(index);
  }
  const Place place{static_cast<Index>(&call - story_.calls.data()), index};
  first_.try_emplace(change.key, place);
  last_.insert_or_assign(change.key, place);
  call.pinholes.push_back(std::move(pinhole));
  call.ended_by.reset();
}

void Recorder::change(const Change& change) {
  if (change.kind == Change::Kind::open) {
    if (Call* call = call_of(change.label.call_id, change.time, true)) open(*call, change);
    return;
  }
  const auto place = last_.find(change.key);
  if (place == last_.end() || change.kind == Change::Kind::refresh) return;
  const auto [call_index, index] = place->second;
  Call& call = story_.calls[call_index];
  if (call.pinholes[index].closed) return;
  Row* row = row_for(call, change.time);
  Pinhole& pinhole = call.pinholes[index];
  pinhole.from = change.from;
  if (change.kind == Change::Kind::bind) {
    if (!pinhole.bound) {
      pinhole.bound = change.time;
      pinhole.bound_at = row != nullptr ? row->number : pinhole.opened_at;
    }
    if (row != nullptr && std::ranges::find(row->bound, index) == row->bound.end())
      row->bound.push_back(index);
    return;
  }
  pinhole.closed = change.time;
  pinhole.closed_by = change.cause;
  pinhole.closed_at = row != nullptr ? row->number : pinhole.opened_at;
  if (row != nullptr) row->closed.push_back(index);
  if (std::ranges::all_of(call.pinholes, [](const Pinhole& p) { return p.closed.has_value(); }))
    call.ended_by = change.cause;
}

void Recorder::refusal(const pinhole::Refusal& refusal) {
  Call* call = call_of(refusal.label.call_id, refusal.time, true);
  if (call == nullptr) return;
  if (call->refusals.size() == limits::report_refusals || !afford()) {
    ++call->left_out.refusals;
    return;
  }
  if (Row* row = row_for(*call, refusal.time))
    row->refused.push_back(static_cast<Index>(call->refusals.size()));
  call->refusals.push_back(refusal);
}

// ---- Media ------------------------------------------------------------------------------------------------

void Recorder::media(base::Protocol protocol, const base::Endpoint& source, const base::Endpoint& destination,
                     const std::optional<pinhole::Key>& pinhole, base::TimePoint now) {
  const auto place = last_.find(pinhole.value_or(pinhole::Key{protocol, destination}));
  if (place == last_.end())
    return count({protocol, source, destination, std::nullopt}, Fate::unannounced, now);
  const auto [call, index] = place->second;
  const bool closed = story_.calls[call].pinholes[index].closed.has_value();
  const Fate fate = pinhole ? Fate::passed : closed ? Fate::too_late : Fate::wrong_source;
  count({protocol, source, destination, std::pair{call, index}}, fate, now);
  count_row(call, source, index, pinhole.has_value(), now);
}

void Recorder::count(const FlowKey& key, Fate fate, base::TimePoint now) {
  const auto& [protocol, source, destination, place] = key;
  auto& flows = place ? story_.calls[place->first].flows : story_.outside;
  auto known = flows_.find(key);
  if (known == flows_.end()) {
    const std::size_t most = place ? limits::report_flows : limits::report_outside_flows;
    if (flows.size() == most || !afford()) {
      ++(place ? story_.calls[place->first].left_out.flows : story_.outside_left_out);
      return;
    }
    known = flows_.emplace(key, flows.size()).first;
    Flow flow;
    flow.protocol = protocol;
    flow.source = source;
    flow.destination = destination;
    flow.first = now;
    if (place) flow.pinhole = place->second;
    flows.push_back(flow);
  }
  Flow& flow = flows[known->second];
  ++flow.packets[static_cast<std::size_t>(fate)];
  flow.last = now;
}

// Packets between the same parties since the last row are one row: RTP and RTCP, audio and video.
void Recorder::count_row(Index call, const base::Endpoint& source, Index pinhole, bool passed,
                         base::TimePoint now) {
  const Pinhole& to = story_.calls[call].pinholes[pinhole];
  const base::Endpoint sender = party(call, to.key.protocol, source);
  const base::Endpoint receiver = party(call, to.key.protocol, to.key.destination);
  auto& rows = media_[call];
  auto row = std::ranges::find_if(
      rows, [&](const Row& r) { return r.source.address == sender.address && r.destination == receiver; });
  if (row == rows.end()) {
    if (rows.size() == limits::report_media_rows) return;
    Row begun;
    begun.kind = Row::Kind::media;
    begun.time = now;
    begun.source = sender;
    begun.destination = receiver;
    row = rows.insert(rows.end(), std::move(begun));
  }
  row->until = now;
  ++(passed ? row->passed : row->dropped);
}

// Where the SIP of whoever receives at `endpoint` comes from, when that has the same address.
base::Endpoint Recorder::party(Index call, base::Protocol protocol, const base::Endpoint& endpoint) const {
  const auto place = last_.find({protocol, endpoint});
  if (place == last_.end() || place->second.call != call) return endpoint;
  const base::Endpoint& announcer = story_.calls[call].pinholes[place->second.pinhole].announcer;
  return announcer.address == endpoint.address ? announcer : endpoint;
}

// Packets that found no pinhole, and yet belong to a call: it opened too late for them, or their sender is
// one of its parties.
void Recorder::settle_outside() {
  std::vector<Flow> outside;
  for (Flow& flow : story_.outside) {
    const auto later = first_.find({flow.protocol, flow.destination});
    const auto sender = last_.find({flow.protocol, flow.source});
    const bool early = later != first_.end();
    if (!early && sender == last_.end()) {
      outside.push_back(flow);
      continue;
    }
    const Place place = early ? later->second : sender->second;
    Call& call = story_.calls[place.call];
    if (early) {
      flow.pinhole = place.pinhole;
      std::swap(flow.packets[static_cast<std::size_t>(Fate::unannounced)],
                flow.packets[static_cast<std::size_t>(Fate::too_early)]);
    }
    if (call.flows.size() == limits::report_flows) {
      call.left_out.flows += flow.dropped();
    } else {
      call.flows.push_back(flow);
    }
  }
  story_.outside = std::move(outside);
}

Story Recorder::finish(const system::Summary& summary, std::string error) {
  for (Index call = 0; call < story_.calls.size(); ++call) add_media_rows(call);
  settle_outside();
  story_.summary = summary;
  story_.error = std::move(error);
  return std::move(story_);
}

}  // namespace dpinholer::report
