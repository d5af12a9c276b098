// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon.h"

#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "base/limits.h"
#include "control_desk.h"
#include "figures.h"
#include "gatekeeper.h"
#include "handover.h"
#include "held_messages.h"
#include "inspection_desk.h"
#include "lateness.h"
#include "named_interfaces.h"
#include "queues.h"
#include "system/clock.h"
#include "system/descriptor.h"
#include "system/host_networks.h"
#include "system/log.h"
#include "system/process.h"
#include "system/queue.h"
#include "system/random.h"
#include "system/service_manager.h"
#include "system/table_lock.h"
#include "unread_watch.h"

namespace dpinholer {

namespace {

using system::Answer;
using system::Descriptor;
using system::KernelError;
using system::Queue;
using system::SystemError;
using system::Verdict;
namespace service_manager = system::service_manager;

// In the place of a queue's index:
constexpr std::uint32_t signals_ready = 0xffff'ffff;
constexpr std::uint32_t news_ready = 0xffff'fffe;
constexpr std::uint32_t networks_ready = 0xffff'fffd;
constexpr std::uint32_t inspection_ready = 0xffff'fffc;
constexpr std::uint32_t control_ready = 0xffff'fffb;
constexpr std::uint32_t commit_ready = 0xffff'fffa;

// How long an ending daemon waits for a commit at once: between two waits it reads the queues.
constexpr base::Duration while_draining = std::chrono::milliseconds{5};

int blocked_signals() {
  const sigset_t set = system::block_signals({SIGTERM, SIGINT, SIGHUP});
  return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

// Daemons that only observe take no lock: any number of them may run.
std::optional<system::TableLock> lock_of(const system::KernelSettings& kernel) {
  if (kernel.observe) return std::nullopt;
  return std::optional<system::TableLock>(std::in_place, kernel);
}

std::size_t count(const std::vector<std::vector<Answer>>& answers) {
  std::size_t sum = 0;
  for (const auto& of_queue : answers) sum += of_queue.size();
  return sum;
}

}  // namespace

struct Daemon::State {
  State(const system::Config& given, Inspection& inspection, const std::string& control_socket);

  void watch(int fd, std::uint32_t index) const;
  void wait();
  void give_sign_of_life();
  void tell_status();
  void read_signals(const std::function<void()>& reload);
  void read_packets(std::size_t queue);
  void judge(std::size_t queue, const system::QueuedPacket& packet, const Findings::Packet& found);
  void send(std::vector<std::vector<Answer>>& answers);
  void finish_batch();
  void let_go_held();
  void look_after_sets();
  void look_for_unread();
  void serve_control();
  control::Closing close_call(const std::string& call_id);
  void drain();
  void leave_connections();
  void give_up();
  void take_over();
  void stop();

  system::Config config;
  Descriptor signals;  // before everything that may start a thread: its mask is inherited
  Descriptor poll;
  std::optional<system::TableLock> lock;
  system::HostNetworks networks;
  NamedInterfaces named{networks};
  Gatekeeper gatekeeper;
  Outcome outcome;  // of the batch
  InspectionDesk inspection;
  std::vector<Queue> queues;
  std::optional<ControlDesk> control;  // once the queues are taken: who has them is the daemon

  base::TimePoint now;
  const std::optional<base::Duration> watchdog = service_manager::watchdog();
  base::TimePoint last_sign;  // of life, given to systemd
  struct Status {
    std::size_t calls = 0;
    std::size_t pinholes = 0;
    bool waits = false;  // for the sets

    friend bool operator==(const Status&, const Status&) = default;
  };
  Status status_told;  // to systemd
  std::optional<base::TimePoint> status_due;
  bool stopping = false;
  bool signalled = false;
  bool news = false;  // of the ruleset
  bool asked = false;
  bool more_to_do = false;
  std::vector<std::size_t> ready;  // queues
  // Of the batch:
  std::vector<std::vector<Answer>> at_once;  // by queue
  std::optional<HeldMessages> held;          // those of earlier batches too
  Lateness lateness;
  UnreadWatch unread;
  std::uint64_t dropped = 0;
};

Daemon::State::State(const system::Config& given, Inspection& given_inspection,
                     const std::string& control_socket)
    : config(given),
      signals(blocked_signals(), "signalfd"),
      poll(epoll_create1(EPOLL_CLOEXEC), "epoll_create1"),
      lock(lock_of(config.kernel)),
      gatekeeper(config, networks, system::draw_hash_key()),
      inspection(
          given_inspection, gatekeeper, networks, config.kernel.observe, outcome,
          {.watch = [this](int fd) { watch(fd, inspection_ready); }, .finish = [this] { finish_batch(); }}),
      lateness(system::draw_hash_key(), config.kernel.patience),
      unread(config.kernel) {
  inspection.set_most_connections(config.streams.flows);
  watch(signals.get(), signals_ready);
  watch(gatekeeper.news_fd(), news_ready);
  watch(networks.fd(), networks_ready);
  for (const int fd : gatekeeper.late_fds()) watch(fd, commit_ready);
  queues = take_queues(config.kernel);
  control.emplace(config.kernel, control_socket, gatekeeper, system::now());
  if (control->fd() >= 0) watch(control->fd(), control_ready);
  for (std::uint32_t index = 0; index < queues.size(); ++index) watch(queues[index].fd(), index);
  at_once.resize(queues.size());
  held.emplace(queues.size());
}

void Daemon::State::watch(int fd, std::uint32_t index) const {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u32 = index;
  if (epoll_ctl(poll.get(), EPOLL_CTL_ADD, fd, &event) != 0)
    throw std::system_error(errno, std::generic_category(), "epoll_ctl");
}

// Until there is a packet, a signal, or a timer due; systemd gets its sign of life meanwhile.
void Daemon::State::wait() {
  std::optional<base::TimePoint> until = inspection.next_deadline();
  if (status_due) until = std::min(until.value_or(*status_due), *status_due);
  if (const auto mending = gatekeeper.next_deadline()) until = std::min(until.value_or(*mending), *mending);
  until = std::min(until.value_or(unread.next_deadline()), unread.next_deadline());
  if (const auto* waiting = held->oldest()) until = std::min(until.value_or(waiting->until), waiting->until);
  if (watchdog) {
    const base::TimePoint sign_due = last_sign + *watchdog / 2;
    until = std::min(until.value_or(sign_due), sign_due);
  }
  int timeout = -1;
  if (until) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(*until - system::now());
    timeout = static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 60'000));
  }
  if (more_to_do) timeout = 0;
  std::array<epoll_event, 64> events{};
  const int count = epoll_wait(poll.get(), events.data(), events.size(), timeout);
  if (count < 0 && errno != EINTR) throw KernelError(SystemError{"epoll_wait", errno, ""});
  ready.clear();
  for (int i = 0; i < count; ++i) {
    const std::uint32_t index = events[static_cast<std::size_t>(i)].data.u32;
    if (index == signals_ready) {
      signalled = true;
    } else if (index == news_ready) {
      news = true;
    } else if (index == networks_ready) {
      networks.update();
      inspection.networks_changed();
      named.look(config.policy.inside_addresses_of);
    } else if (index == inspection_ready) {
      inspection.failed();
    } else if (index == control_ready) {
      asked = true;
    } else if (index == commit_ready) {
      gatekeeper.settle(system::now());
    } else {
      ready.push_back(index);
    }
  }
  now = system::now();
  give_sign_of_life();
}

void Daemon::State::give_sign_of_life() {
  if (!watchdog || now - last_sign < *watchdog / 2) return;
  service_manager::alive();
  last_sign = now;
}

// For `systemctl status`, a second after the first change.
void Daemon::State::tell_status() {
  const Status status{gatekeeper.calls().calls().size(), gatekeeper.open_pinholes(),
                      gatekeeper.has_no_sets()};
  if (status == status_told) return;
  if (!status_due) status_due = now + std::chrono::seconds{1};
  if (now < *status_due) return;
  service_manager::status(std::to_string(status.calls) + " calls, " + std::to_string(status.pinholes) +
                          " pinholes " + (status.waits ? "wait for the sets, which are missing" : "open"));
  status_told = status;
  status_due.reset();
}

void Daemon::State::read_signals(const std::function<void()>& reload) {
  if (!std::exchange(signalled, false)) return;
  signalfd_siginfo info{};
  while (read(signals.get(), &info, sizeof info) == sizeof info) {
    if (info.ssi_signo == SIGHUP) {
      reload();
    } else {
      stopping = true;
    }
  }
}

void Daemon::State::read_packets(std::size_t queue) {
  const auto packets = queues[queue].read();
  if (!packets) throw KernelError(packets.error());
  if (packets->empty()) return;
  Batch batch;
  batch.packets.reserve(packets->size());
  for (const system::QueuedPacket& packet : *packets) {
    batch.packets.push_back({packet.octets, packet.arrival()});
    gatekeeper.heard(packet.octets, packet.arrival());
  }
  const auto found = inspection.inspect(std::move(batch), now);
  for (std::size_t i = 0; i < packets->size(); ++i) {
    judge(queue, (*packets)[i], found ? (*found)[i] : Findings::Packet{});
  }
}

void Daemon::State::judge(std::size_t queue, const system::QueuedPacket& packet,
                          const Findings::Packet& found) {
  const Reading& reading = found.reading;
  const bool unwanted = (reading.kind == Reading::Kind::malformed && config.drop_malformed) ||
                        (reading.kind == Reading::Kind::other && config.drop_not_sip) ||
                        (reading.kind == Reading::Kind::scanner && config.scanners.drop);
  // A segment that is dropped comes again, and all behind it waits: the sender would never get past it.
  const bool drop = unwanted && reading.protocol == base::Protocol::udp && !config.kernel.observe;
  const Answer answer{packet.id, drop ? Verdict::drop : Verdict::accept};
  if (drop) ++dropped;
  const bool changes = found.changes_something && !config.kernel.observe;
  if (!held->takes(reading, changes, queue, answer)) at_once[queue].push_back(answer);
}

void Daemon::State::send(std::vector<std::vector<Answer>>& answers) {
  for (std::size_t i = 0; i < queues.size(); ++i) {
    if (answers[i].empty()) continue;
    if (const auto sent = queues[i].answer(answers[i]); !sent) throw KernelError(sent.error());
    answers[i].clear();
  }
}

// The order that all this is about: what changes nothing goes on, the transaction, what waited for it.
void Daemon::State::finish_batch() {
  const std::size_t of_these = count(at_once);
  send(at_once);
  if (of_these > 0) control->note_held(system::now() - now, of_these);
  const SetKeeper::Commit commit = outcome.changes.empty() ? 0 : gatekeeper.write(outcome.changes);
  held->end_batch(commit, now, now + config.kernel.patience);
  let_go_held();
  gatekeeper.finish(outcome, now);
  outcome.changes.clear();
  outcome.refusals.clear();
  outcome.offences.clear();
  outcome.far_nats.clear();
}

// Lets go the batches whose commit is done or whose patience has ended, none ahead of an earlier one.
void Daemon::State::let_go_held() {
  lateness.look(gatekeeper.busy(), system::now());
  while (const auto* oldest = held->oldest()) {
    const bool done = gatekeeper.is_done(oldest->commit);
    const base::TimePoint moment = system::now();
    if (!done && moment < oldest->until) return;
    auto batch = held->let_go();
    send(batch.answers);
    control->note_held(moment - batch.read, batch.count);
    if (!done) lateness.let_go(batch.count, moment);
  }
}

// When no packet waits for it any more, and a little at a time.
void Daemon::State::look_after_sets() {
  if (std::exchange(news, false)) gatekeeper.read_news(now);
  more_to_do = gatekeeper.refresh_some(
      [&](const pinhole::Key& key, const auto& source) { inspection.media_seen(key, source, now); });
  more_to_do = gatekeeper.mend(now) || more_to_do;
}

void Daemon::State::look_for_unread() {
  std::uint64_t read = 0;
  for (const Queue& queue : queues) read += queue.packets_read();
  unread.look(read, ready.empty(), now);
}

// One piece of one answer, when no packet waits for it any more.
void Daemon::State::serve_control() {
  if (!std::exchange(asked, false)) return;
  unread.hurry();
  control->serve({.seen = inspection.seen(),
                  .close = [&](const std::string& call_id) { return close_call(call_id); },
                  .dropped = dropped,
                  .late = lateness.messages(),
                  .busy = lateness.lasts(now),
                  .inspector_restarts = inspection.inspection().failures(),
                  .inspector = inspection.inspection().process(),
                  .unread = unread.packets()},
                 now);
}

control::Closing Daemon::State::close_call(const std::string& call_id) {
  Batch batch;
  batch.close.push_back(call_id);
  if (!inspection.inspect(std::move(batch), now)) return control::Closing::not_now;
  const auto closing = inspection.closed() > 0 ? control::Closing::done : control::Closing::not_found;
  finish_batch();
  return closing;
}

// The kernel drops what waits in a queue that is given up.
void Daemon::State::drain() {
  const auto until = system::now() + std::chrono::seconds{base::limits::drain_seconds};
  for (bool more = true; more && system::now() < until;) {
    now = system::now();
    for (std::size_t i = 0; i < queues.size(); ++i) read_packets(i);
    const bool read = std::ranges::any_of(at_once, [](const auto& answers) { return !answers.empty(); });
    finish_batch();
    gatekeeper.settle(now, held->oldest() == nullptr ? base::Duration{0} : while_draining);
    let_go_held();
    more = read || held->oldest() != nullptr;
  }
}

// Goes on with the calls and the TCP connections of the daemon before this one.
void Daemon::State::take_over() {
  now = system::now();
  std::vector<Connection> left;
  if (const auto file = handover::default_file(); !file.empty()) {
    auto taken = handover::take(file, config.streams.flows);
    if (taken) left = std::move(*taken);
    if (!taken) system::log::warning(taken.error());
  }
  inspection.take_over(std::move(left), now);
  if (const std::size_t open = gatekeeper.open_pinholes(); open > 0) {
    system::log::info(std::to_string(open) + " open pinholes taken over");
  }
}

void Daemon::State::leave_connections() {
  if (const auto file = handover::default_file(); !file.empty()) {
    const auto left = handover::leave(file, inspection.connections());
    if (!left) system::log::warning(left.error().to_string() + ": TCP trunks have to connect again");
  }
}

// With no inspector SIP passes unread, as without a daemon. The daemon does not leave its queues to systemd:
// packets that come before the next daemon is there must not wait for it.
void Daemon::State::give_up() {
  drain();
  leave_connections();
  give_up_queues(queues);
  log_figures(inspection.seen(), gatekeeper, dropped);
}

void Daemon::State::stop() {
  drain();
  leave_connections();
  leave_queues(queues);
  give_up_queues(queues);
  // Waits for a late commit: the next daemon would take over pinholes that were to close. The thread of a
  // commit that the kernel keeps waiting can't end anyway.
  const base::TimePoint until = system::now() + std::chrono::seconds{base::limits::flush_wait_seconds};
  while (gatekeeper.busy() && system::now() < until) gatekeeper.settle(system::now(), until - system::now());
  if (config.kernel.flush_on_stop) gatekeeper.close_all(now);
  log_figures(inspection.seen(), gatekeeper, dropped);
}

Daemon::Daemon(const system::Config& config, Inspection& inspection, const std::string& control_socket)
    : state_(std::make_unique<State>(config, inspection, control_socket)) {}

Daemon::~Daemon() = default;

void Daemon::reconfigure(const system::Config& config) {
  const system::KernelSettings kernel = state_->config.kernel;
  state_->config = config;
  state_->config.kernel = kernel;
  state_->gatekeeper.reconfigure(config);
  state_->named.look(config.policy.inside_addresses_of);
  state_->inspection.set_most_connections(config.streams.flows);
  state_->inspection.dismissed();
}

void Daemon::run(const std::function<void()>& reload) try {
  State& state = *state_;
  const auto& kernel = state.config.kernel;
  system::log::info(
      "reading queue " + std::to_string(kernel.queues.first) +
      (kernel.queues.last > kernel.queues.first ? "-" + std::to_string(kernel.queues.last) : "") +
      (kernel.observe ? ", writing nothing (kernel.observe) to table " : ", writing to table ") +
      kernel.table.family + " " + kernel.table.name);
  state.named.look(state.config.policy.inside_addresses_of);
  state.take_over();
  service_manager::ready();
  while (!state.stopping) {
    state.wait();
    state.read_signals(reload);
    state.inspection.start(state.now);
    // Packets bring it the time, too.
    if (state.ready.empty()) state.inspection.run_timers(state.now);
    for (const std::size_t queue : state.ready) state.read_packets(queue);
    state.finish_batch();
    state.look_after_sets();
    state.look_for_unread();
    state.serve_control();
    state.tell_status();
  }
  service_manager::stopping();
  state.stop();
} catch (const NoInspection&) {
  state_->give_up();
  throw;
}

}  // namespace dpinholer
