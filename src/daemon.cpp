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

#include "gatekeeper.h"
#include "handover.h"
#include "held_flows.h"
#include "pipeline.h"
#include "settings.h"
#include "system/clock.h"
#include "system/escape.h"
#include "system/host_networks.h"
#include "system/log.h"
#include "system/queue.h"
#include "system/random.h"
#include "system/service_manager.h"

namespace dpinholer {

namespace {

using system::Answer;
using system::KernelError;
using system::Queue;
using system::SystemError;
using system::Verdict;
namespace service_manager = system::service_manager;

// Timers that run before packets get their turn again: thousands may be due at the same moment.
constexpr int timers_at_once = 32;
// In the place of a queue's index:
constexpr std::uint32_t signals_ready = 0xffff'ffff;
constexpr std::uint32_t news_ready = 0xffff'fffe;
constexpr std::uint32_t networks_ready = 0xffff'fffd;

class Descriptor {
 public:
  Descriptor(int fd, const char* call) : fd_(fd) {
    if (fd < 0) throw std::system_error(errno, std::generic_category(), call);
  }
  ~Descriptor() { close(fd_); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

int blocked_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&set, signal);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

std::string name_of_queue(std::uint16_t number) {
  return "queue-" + std::to_string(number);
}

PipelineSettings live_settings(const system::Config& config) {
  PipelineSettings settings = pipeline_settings(config);
  settings.hash_key = system::draw_hash_key();
  return settings;
}

// What comes in by no interface is what this host sends itself (the output hook).
base::Interface arrival_of(const system::QueuedPacket& packet) {
  return packet.in_interface == 0 ? base::Interface::host : base::Interface{packet.in_interface};
}

}  // namespace

struct Daemon::State {
  explicit State(const system::Config& given);

  void take_queues();
  void wait();
  void give_sign_of_life();
  void read_signals(const std::function<void()>& reload);
  void run_timers();
  void read_packets(std::size_t queue);
  void judge(std::size_t queue, const system::QueuedPacket& packet);
  void send(std::vector<std::vector<Answer>>& answers);
  void finish_batch();
  void look_after_sets();
  void drain();
  void take_over();
  void stop();

  system::Config config;
  Descriptor signals;  // before everything that may start a thread: its mask is inherited
  Descriptor poll;
  Gatekeeper gatekeeper;
  system::HostNetworks networks;
  Pipeline pipeline;
  std::vector<Queue> queues;

  base::TimePoint now;
  const std::optional<base::Duration> watchdog = service_manager::watchdog();
  base::TimePoint last_sign;  // of life, given to systemd
  bool stopping = false;
  bool signalled = false;
  bool news = false;  // of the ruleset
  bool more_to_do = false;
  std::vector<std::size_t> ready;  // queues
  // Of the batch:
  Outcome outcome;
  HeldFlows held_flows;
  std::vector<std::vector<Answer>> at_once;  // by queue
  std::vector<std::vector<Answer>> held;     // by queue
  std::uint64_t dropped = 0;
};

Daemon::State::State(const system::Config& given)
    : config(given),
      signals(blocked_signals(), "signalfd"),
      poll(epoll_create1(EPOLL_CLOEXEC), "epoll_create1"),
      gatekeeper(config.kernel, system::draw_hash_key()),
      pipeline(live_settings(config), &networks) {
  auto watch = [&](int fd, std::uint32_t index) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u32 = index;
    if (epoll_ctl(poll.get(), EPOLL_CTL_ADD, fd, &event) != 0) {
      throw std::system_error(errno, std::generic_category(), "epoll_ctl");
    }
  };
  watch(signals.get(), signals_ready);
  watch(gatekeeper.news_fd(), news_ready);
  watch(networks.fd(), networks_ready);
  take_queues();
  for (std::uint32_t index = 0; index < queues.size(); ++index) watch(queues[index].fd(), index);
  at_once.resize(queues.size());
  held.resize(queues.size());
}

// Those of a daemon that this one replaces, with the packets that wait in them.
void Daemon::State::take_queues() {
  auto left = service_manager::take_left();
  const auto [first, last] = config.kernel.queues;
  for (unsigned number = first; number <= last; ++number) {
    const system::QueueSettings settings{static_cast<std::uint16_t>(number), config.kernel.queue_length,
                                         config.kernel.fail_open};
    if (auto queue = left.extract(name_of_queue(settings.number))) {
      queues.emplace_back(settings, queue.mapped());
    } else {
      queues.emplace_back(settings);
    }
  }
  for (const auto& [name, fd] : left) close(fd);
}

// Until there is a packet, a signal, or a timer due; systemd gets its sign of life meanwhile.
void Daemon::State::wait() {
  std::optional<base::TimePoint> until = pipeline.next_deadline();
  if (const auto mending = gatekeeper.next_deadline()) until = std::min(until.value_or(*mending), *mending);
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
  if (count < 0 && errno != EINTR) throw KernelError(SystemError{"epoll_wait", errno, ""}.to_string());
  ready.clear();
  for (int i = 0; i < count; ++i) {
    const std::uint32_t index = events[static_cast<std::size_t>(i)].data.u32;
    if (index == signals_ready) {
      signalled = true;
    } else if (index == news_ready) {
      news = true;
    } else if (index == networks_ready) {
      networks.update();
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

// Each at its own moment, and a few at a time. Packets that come while some are left are taken to have come
// before them: the time of the pipeline must not pass a timer that is due.
void Daemon::State::run_timers() {
  for (int i = 0; i < timers_at_once; ++i) {
    const auto due = pipeline.next_deadline();
    if (!due || *due > now) return;
    for (const pinhole::Key& key : pipeline.suspected_idle(*due)) {
      // Who only looks on does not know.
      if (config.kernel.observe || gatekeeper.has_media(key)) pipeline.media_seen(key, *due);
    }
    pipeline.advance(*due, outcome);
  }
  if (const auto due = pipeline.next_deadline(); due && *due < now) now = *due;
}

void Daemon::State::read_packets(std::size_t queue) {
  const auto packets = queues[queue].read();
  if (!packets) throw KernelError(packets.error().to_string());
  for (const system::QueuedPacket& packet : *packets) judge(queue, packet);
}

void Daemon::State::judge(std::size_t queue, const system::QueuedPacket& packet) {
  const std::size_t before = outcome.changes.size();
  const Reading reading = pipeline.process(packet.octets, now, outcome, arrival_of(packet));
  const bool drop =
      reading.kind == Reading::Kind::malformed && config.drop_malformed && !config.kernel.observe;
  const Answer answer{packet.id, drop ? Verdict::drop : Verdict::accept};
  if (drop) ++dropped;
  const bool changes = outcome.changes.size() > before && !config.kernel.observe;
  (held_flows.holds(reading, changes) ? held : at_once)[queue].push_back(answer);
}

void Daemon::State::send(std::vector<std::vector<Answer>>& answers) {
  for (std::size_t i = 0; i < queues.size(); ++i) {
    if (answers[i].empty()) continue;
    if (const auto sent = queues[i].answer(answers[i]); !sent) throw KernelError(sent.error().to_string());
    answers[i].clear();
  }
}

// The order that all this is about: what changes nothing goes on, the transaction, what waited for it.
void Daemon::State::finish_batch() {
  send(at_once);
  if (!outcome.changes.empty()) gatekeeper.write(outcome.changes);
  send(held);
  gatekeeper.finish(outcome.changes, outcome.refusals, now);
  held_flows.clear();
  outcome.changes.clear();
  outcome.refusals.clear();
}

// When no packet waits for it any more, and a little at a time.
void Daemon::State::look_after_sets() {
  if (std::exchange(news, false)) gatekeeper.read_news(now);
  more_to_do = gatekeeper.refresh_some([&](const pinhole::Key& key) { pipeline.media_seen(key, now); });
  more_to_do = gatekeeper.mend(now) || more_to_do;
}

// The kernel drops what waits in a queue that is given up.
void Daemon::State::drain() {
  for (bool more = true; more;) {
    for (std::size_t i = 0; i < queues.size(); ++i) read_packets(i);
    more = std::any_of(queues.begin(), queues.end(), [&](const Queue& queue) {
      const auto i = static_cast<std::size_t>(&queue - queues.data());
      return !at_once[i].empty() || !held[i].empty();
    });
    finish_batch();
  }
}

// Goes on with the calls and the TCP connections of the daemon before this one.
void Daemon::State::take_over() {
  now = system::now();
  pipeline.recover(gatekeeper.recover(), now, outcome);
  if (!outcome.changes.empty()) {
    system::log::info(std::to_string(outcome.changes.size()) + " open pinholes taken over");
  }
  finish_batch();
  const auto file = handover::default_file();
  if (file.empty()) return;
  const auto connections = handover::take(file, config.streams.flows);
  if (!connections) return system::log::warning(connections.error());
  for (const Connection& connection : *connections) pipeline.resume(connection);
}

void Daemon::State::stop() {
  drain();
  if (const auto file = handover::default_file(); !file.empty()) {
    const auto left = handover::leave(file, pipeline.connections());
    if (!left) system::log::warning(left.error().to_string() + ": TCP trunks have to connect again");
  }
  for (const Queue& queue : queues) service_manager::leave(name_of_queue(queue.number()), queue.fd());
  queues.clear();
  if (config.kernel.flush_on_stop) gatekeeper.close_all(now);
  const Counters& seen = pipeline.counters();
  const SetKeeper::Counters& done = gatekeeper.counters();
  auto number = [](std::uint64_t value, const char* what) { return std::to_string(value) + " " + what; };
  system::log::info("stopped: " + number(seen.packets, "packets, ") +
                    number(seen.sip_messages, "SIP messages, ") + number(seen.malformed, "malformed, ") +
                    number(seen.not_sip, "not SIP, ") + number(seen.keep_alives, "keep-alives, ") +
                    number(seen.unreadable, "unreadable, ") + number(dropped, "dropped; ") +
                    number(seen.calls, "calls, ") + number(gatekeeper.refused(), "pinholes refused; ") +
                    number(done.transactions, "transactions, ") + number(done.elements, "element changes, ") +
                    number(done.failures, "failed, ") + number(done.rewritten, "pinholes written again, ") +
                    number(done.retried, "opened later, ") + number(done.swept, "elements swept"));
  auto given_up = [&](ip::GivenUp reason) { return seen.streams.given_up[static_cast<std::size_t>(reason)]; };
  system::log::info("TCP: " + number(seen.streams.opened, "connections read; given up: ") +
                    number(given_up(ip::GivenUp::foreign), "foreign, ") +
                    number(given_up(ip::GivenUp::encrypted), "encrypted, ") +
                    number(given_up(ip::GivenUp::conflict), "in conflict, ") +
                    number(given_up(ip::GivenUp::gap), "with a gap, ") +
                    number(given_up(ip::GivenUp::over_bound), "over the bound, ") +
                    number(given_up(ip::GivenUp::evicted), "evicted; ") +
                    number(seen.streams.unfollowed_segments, "segments not read"));
}

Daemon::Daemon(const system::Config& config) : state_(std::make_unique<State>(config)) {}

Daemon::~Daemon() = default;

void Daemon::run(const std::function<void()>& reload) {
  State& state = *state_;
  const auto& kernel = state.config.kernel;
  system::log::info(
      "reading queue " + std::to_string(kernel.queues.first) +
      (kernel.queues.last > kernel.queues.first ? "-" + std::to_string(kernel.queues.last) : "") +
      ", writing to table " + kernel.table.family + " " + kernel.table.name +
      (kernel.observe ? " nothing: observe is on" : ""));
  state.take_over();
  service_manager::ready();
  while (!state.stopping) {
    state.wait();
    state.read_signals(reload);
    state.run_timers();
    for (const std::size_t queue : state.ready) state.read_packets(queue);
    state.finish_batch();
    state.look_after_sets();
  }
  service_manager::stopping();
  state.stop();
}

}  // namespace dpinholer
