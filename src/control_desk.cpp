// SPDX-License-Identifier: GPL-2.0-or-later
#include "control_desk.h"

#include <stdexcept>
#include <utility>

#include "base/limits.h"
#include "control/listing.h"
#include "ip/streams.h"
#include "message/sip_message.h"
#include "system/clock.h"
#include "system/log.h"
#include "system/process.h"
#include "system/queue.h"

namespace dpinholer {

namespace {

using control::Figure;
using control::LabelledFigure;

constexpr std::array<std::string_view, 7> results{"request", "1xx", "2xx", "3xx", "4xx", "5xx", "6xx"};

void add_messages(const MessageCounts& counts, std::vector<LabelledFigure>& figures) {
  for (std::size_t method = 0; method < counts.size(); ++method) {
    for (std::size_t result = 0; result < results.size(); ++result) {
      if (counts[method][result] == 0) continue;
      const auto name = message::name(static_cast<message::Method>(method));
      figures.push_back(
          {"messages", {{"method", name}, {"result", results[result]}}, counts[method][result]});
    }
  }
}

// `counts`: by Reason.
template <typename Reason, std::size_t reasons>
void add_by_reason(std::string_view family, const std::array<std::uint64_t, reasons>& counts,
                   std::vector<LabelledFigure>& figures) {
  for (std::size_t i = 0; i < reasons; ++i) {
    if (counts[i] > 0) figures.push_back({family, {{"reason", name(static_cast<Reason>(i))}}, counts[i]});
  }
}

std::vector<Figure> packet_figures(const Counters& seen, std::uint64_t dropped) {
  return {{"packets", "queued", seen.packets},      {"packets", "sip_messages", seen.sip_messages},
          {"packets", "malformed", seen.malformed}, {"packets", "keep_alives", seen.keep_alives},
          {"packets", "not_sip", seen.not_sip},     {"packets", "unreadable", seen.unreadable},
          {"packets", "dropped", dropped}};
}

std::vector<Figure> tcp_figures(const ip::StreamCounters& seen) {
  auto given_up = [&](ip::GivenUp reason) { return seen.given_up[static_cast<std::size_t>(reason)]; };
  using enum ip::GivenUp;
  return {{"tcp", "connections", seen.opened},
          {"tcp", "foreign", given_up(foreign)},
          {"tcp", "encrypted", given_up(encrypted)},
          {"tcp", "conflict", given_up(conflict)},
          {"tcp", "gap", given_up(gap)},
          {"tcp", "over_bound", given_up(over_bound)},
          {"tcp", "evicted", given_up(evicted)},
          {"tcp", "segments_not_read", seen.unfollowed_segments}};
}

std::vector<Figure> set_figures(const SetKeeper::Counters& done, std::uint64_t late, base::Duration busy) {
  const auto busy_ms =
      static_cast<std::uint64_t>(std::chrono::floor<std::chrono::milliseconds>(busy).count());
  return {{"sets", "transactions", done.transactions},
          {"sets", "changes", done.elements},
          {"sets", "failed", done.failures},
          {"sets", "rewritten", done.rewritten},
          {"sets", "retried", done.retried},
          {"sets", "swept", done.swept},
          {"sets", "late", late},
          {"sets", "busy_ms", busy_ms}};
}

template <typename Values>
void append(std::vector<Figure>& all, const Values& some) {
  all.insert(all.end(), some.begin(), some.end());
}

}  // namespace

ControlDesk::ControlDesk(const system::KernelSettings& settings, const std::string& socket,
                         Gatekeeper& gatekeeper, base::TimePoint now)
    : settings_(settings), gatekeeper_(gatekeeper), started_(now), tls_(settings.table, "sip_tls") {
  gatekeeper_.tell([this](const Outcome& outcome, const auto& bans, const auto& far_nats) {
    note(outcome, bans, far_nats);
  });
  try {
    server_ = std::make_unique<control::Server>(socket);
  } catch (const std::runtime_error& error) {
    system::log::warning(std::string(error.what()) + "; until then nobody can ask this daemon");
  }
}

void ControlDesk::serve(const Daemon& daemon, base::TimePoint now) {
  if (!server_) return;
  const control::Listing listing(gatekeeper_.calls(), gatekeeper_.installed(), gatekeeper_.sets());
  const control::Source source{.status = [&] { return status(daemon, now); },
                               .calls = [&](const std::string& last) { return listing.after(last); },
                               .close = daemon.close,
                               .unban = [&](const auto& address) { return gatekeeper_.bans().lift(address); },
                               .events = &events_};
  server_->serve(source, now);
}

void ControlDesk::note(const Outcome& outcome, const std::vector<scanners::Offence>& bans,
                       const std::vector<pinhole::FarNat>& far_nats) {
  const std::uint64_t before = events_.next();
  for (const pinhole::Change& change : outcome.changes) events_.add(change);
  for (const pinhole::Refusal& refusal : outcome.refusals) {
    events_.add(refusal);
    ++refusals_[static_cast<std::size_t>(refusal.cause)];
  }
  for (const message::UnreadEvent& unread : outcome.unread) {
    events_.add(unread);
    ++unread_[static_cast<std::size_t>(unread.what.cause)];
  }
  for (const scanners::Offence& offence : bans) events_.add(offence);
  for (const pinhole::FarNat& nat : far_nats) events_.add(nat);
  if (server_ && events_.next() != before) server_->notify(system::now());
}

control::Status ControlDesk::status(const Daemon& daemon, base::TimePoint now) {
  control::Status status;
  status.version = DPINHOLER_VERSION;
  status.uptime = now - started_;
  status.table = settings_.table.family + " " + settings_.table.name;
  status.observe = settings_.observe;
  status.memory =
      system::resident_octets(0) + (daemon.inspector == 0 ? 0 : system::resident_octets(daemon.inspector));
  for (unsigned number = settings_.queues.first; number <= settings_.queues.last; ++number) {
    if (const auto queue = system::queue_status(static_cast<std::uint16_t>(number)))
      status.queues.push_back({queue->number, queue->waiting, queue->full, queue->undelivered});
  }
  const Counters& seen = daemon.seen;
  const std::size_t calls = gatekeeper_.calls().calls().size();
  const std::size_t answered = gatekeeper_.calls().answered();
  const auto conntrack = gatekeeper_.conntrack();
  status.figures = packet_figures(seen, daemon.dropped);
  if (daemon.unread) status.figures.push_back({"packets", "unread", *daemon.unread});
  if (const auto tls = tls_.packets()) status.figures.push_back({"packets", "sip_tls", *tls});
  append(status.figures, std::vector<Figure>{{"calls", "offered", calls - answered},
                                             {"calls", "answered", answered},
                                             {"calls", "seen", seen.calls},
                                             {"pinholes", "open", gatekeeper_.installed().size()},
                                             {"pinholes", "waiting", gatekeeper_.waiting()},
                                             {"pinholes", "refused", gatekeeper_.refused()}});
  append(status.figures, set_figures(gatekeeper_.counters(), daemon.late, daemon.busy));
  append(status.figures, std::vector<Figure>{{"conntrack", "walks", conntrack.walks},
                                             {"conntrack", "deleted", conntrack.deleted},
                                             {"conntrack", "failed", conntrack.failed}});
  append(status.figures, tcp_figures(seen.streams));
  append(status.figures, std::vector<Figure>{{"inspector", "restarts", daemon.inspector_restarts},
                                             {"inspector", "repelled", gatekeeper_.repelled()}});
  Bans& bans = gatekeeper_.bans();
  append(status.figures, std::vector<Figure>{{"scanners", "messages", seen.scanners},
                                             {"scanners", "banned", bans.count(now)},
                                             {"scanners", "bans", bans.counters().bans},
                                             {"scanners", "failed", bans.counters().failed}});
  bans.for_each(base::limits::banned_told, [&](const base::Network& source, const Bans::Banned& ban) {
    status.banned.push_back({source, ban.why, ban.until - now});
  });
  const auto& clients = server_->counters();
  append(status.figures, std::vector<Figure>{{"control", "clients", clients.clients},
                                             {"control", "turned_away", clients.turned_away},
                                             {"control", "dropped", clients.dropped},
                                             {"control", "refused", clients.refused}});
  add_messages(seen.messages, status.labelled);
  add_by_reason<pinhole::Cause>("refusals", refusals_, status.labelled);
  add_by_reason<message::UnreadCause>("unread", unread_, status.labelled);
  status.held = held_.row();
  return status;
}

}  // namespace dpinholer
