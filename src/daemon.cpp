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
#include <iterator>
#include <optional>
#include <string>
#include <system_error>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

#include "control_desk.h"
#include "gatekeeper.h"
#include "handover.h"
#include "held_flows.h"
#include "inspection.h"
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

// In the place of a queue's index:
constexpr std::uint32_t signals_ready = 0xffff'ffff;
constexpr std::uint32_t news_ready = 0xffff'fffe;
constexpr std::uint32_t networks_ready = 0xffff'fffd;
constexpr std::uint32_t inspection_ready = 0xffff'fffc;
constexpr std::uint32_t control_ready = 0xffff'fffb;
// Pinholes that a new inspector is told at once, but for the rest of the last call.
constexpr std::size_t recovered_at_once = 4096;
// Signs of media that may wait for the next packet.
constexpr std::size_t most_media_kept = 128;

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

// What comes in by no interface is what this host sends itself (the output hook).
base::Interface arrival_of(const system::QueuedPacket& packet) {
  return packet.in_interface == 0 ? base::Interface::host : base::Interface{packet.in_interface};
}

std::size_t count(const std::vector<std::vector<Answer>>& answers) {
  std::size_t sum = 0;
  for (const auto& of_queue : answers) sum += of_queue.size();
  return sum;
}

// Who is told what goes on in the kernel, and nothing else.
class KernelAnswers : public Questions {
 public:
  KernelAnswers(system::HostNetworks& networks, Gatekeeper& gatekeeper, bool observe)
      : networks_(networks), gatekeeper_(gatekeeper), observe_(observe) {}

  bool is_own(const base::Address& address) override { return networks_.is_own(address); }
  std::vector<base::Interface> ways_to(const base::Address& address, base::Interface arrival) override {
    return networks_.ways_to(address, arrival);
  }
  std::string name(base::Interface interface) override { return networks_.name(interface); }
  // Who only looks on does not know.
  bool has_media(const pinhole::Key& key) override { return observe_ || gatekeeper_.has_media(key); }

 private:
  system::HostNetworks& networks_;
  Gatekeeper& gatekeeper_;
  bool observe_;
};

}  // namespace

struct Daemon::State {
  State(const system::Config& given, Inspection& inspection, const std::string& control_socket);

  void watch(int fd, std::uint32_t index) const;
  void take_queues();
  void wait();
  void give_sign_of_life();
  void read_signals(const std::function<void()>& reload);
  void start_inspection();
  void adopt(std::vector<pinhole::Recovered> open, std::vector<Connection> left);
  std::vector<Connection> followed() const;
  std::optional<std::vector<Findings::Packet>> inspect(Batch& batch);
  void run_timers();
  void read_packets(std::size_t queue);
  void judge(std::size_t queue, const system::QueuedPacket& packet, const Findings::Packet& found);
  void send(std::vector<std::vector<Answer>>& answers);
  void finish_batch();
  void look_after_sets();
  void serve_control();
  control::Closing close_call(const std::string& call_id);
  void drain();
  void take_over();
  void stop();
  void log_figures() const;

  system::Config config;
  Descriptor signals;  // before everything that may start a thread: its mask is inherited
  Descriptor poll;
  system::HostNetworks networks;
  Gatekeeper gatekeeper;
  KernelAnswers kernel;
  Inspection& inspection;
  std::vector<Queue> queues;
  std::optional<ControlDesk> control;  // once the queues are taken: who has them is the daemon

  base::TimePoint now;
  const std::optional<base::Duration> watchdog = service_manager::watchdog();
  base::TimePoint last_sign;  // of life, given to systemd
  bool stopping = false;
  bool signalled = false;
  bool news = false;  // of the ruleset
  bool asked = false;
  bool more_to_do = false;
  std::vector<std::size_t> ready;  // queues
  // Of the inspection:
  bool inspecting = false;  // there is somebody
  bool networks_changed = false;
  std::optional<base::TimePoint> timer_due;
  std::vector<Batch::Media> media;                           // seen since it was asked last
  Counters seen;                                             // by all inspectors
  Counters seen_before;                                      // by those before this one
  std::unordered_map<ip::StreamId, Connection> connections;  // that could be resumed, for whoever comes next
  std::uint32_t closed = 0;                                  // calls, of those that were to be
  // Of the batch:
  Outcome outcome;
  HeldFlows held_flows;
  std::vector<std::vector<Answer>> at_once;  // by queue
  std::vector<std::vector<Answer>> held;     // by queue
  std::uint64_t dropped = 0;
};

Daemon::State::State(const system::Config& given, Inspection& given_inspection,
                     const std::string& control_socket)
    : config(given),
      signals(blocked_signals(), "signalfd"),
      poll(epoll_create1(EPOLL_CLOEXEC), "epoll_create1"),
      gatekeeper(config, networks, system::draw_hash_key()),
      kernel(networks, gatekeeper, config.kernel.observe),
      inspection(given_inspection) {
  watch(signals.get(), signals_ready);
  watch(gatekeeper.news_fd(), news_ready);
  watch(networks.fd(), networks_ready);
  take_queues();
  control.emplace(config.kernel, control_socket, gatekeeper, system::now());
  if (control->fd() >= 0) watch(control->fd(), control_ready);
  for (std::uint32_t index = 0; index < queues.size(); ++index) watch(queues[index].fd(), index);
  at_once.resize(queues.size());
  held.resize(queues.size());
}

void Daemon::State::watch(int fd, std::uint32_t index) const {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u32 = index;
  if (epoll_ctl(poll.get(), EPOLL_CTL_ADD, fd, &event) != 0)
    throw std::system_error(errno, std::generic_category(), "epoll_ctl");
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
  std::optional<base::TimePoint> until = inspecting ? timer_due : inspection.next_start();
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
      networks_changed = true;
    } else if (index == inspection_ready) {
      inspection.notice();
      inspecting = false;
    } else if (index == control_ready) {
      asked = true;
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

// Somebody who knows what is open, if there is to be one now.
void Daemon::State::start_inspection() {
  const auto due = inspection.next_start();
  if (inspecting || (due && now < *due) || !inspection.start(now)) return;
  adopt(gatekeeper.offer(), followed());
}

std::vector<Connection> Daemon::State::followed() const {
  std::vector<Connection> all;
  for (const auto& [stream, connection] : connections) all.push_back(connection);
  return all;
}

// Tells all that is open to somebody who knows nothing yet, some of it at a time, call by call.
void Daemon::State::adopt(std::vector<pinhole::Recovered> open, std::vector<Connection> left) {
  inspecting = true;
  seen_before = seen;
  if (inspection.fd() >= 0) watch(inspection.fd(), inspection_ready);
  media.clear();
  connections.clear();
  std::ranges::sort(open, {}, [](const auto& pinhole) { return std::tie(pinhole.call_hash, pinhole.key); });
  Batch batch;
  batch.connections = std::move(left);
  auto next = open.begin();
  do {
    while (next != open.end() && (batch.recovered.size() < recovered_at_once ||
                                  batch.recovered.back().call_hash == next->call_hash)) {
      batch.recovered.push_back(std::move(*next++));
    }
    if (!inspect(batch)) return;
    finish_batch();
    batch = {};
  } while (next != open.end());
  gatekeeper.close_unclaimed(now);
}

// What it says of the packets. Nothing when it failed, which whoever looks has counted and said.
std::optional<std::vector<Findings::Packet>> Daemon::State::inspect(Batch& batch) {
  if (!inspecting) return std::nullopt;
  batch.now = now;
  batch.networks_changed = std::exchange(networks_changed, false);
  batch.media = std::exchange(media, {});
  auto findings = inspection.inspect(batch, kernel);
  inspecting = findings.has_value();
  if (!findings) return std::nullopt;
  timer_due = findings->next_deadline;
  seen = seen_before;
  seen += findings->counters;
  for (const auto& [stream, place] : findings->connections) {
    if (!place) {
      connections.erase(stream);
    } else if (connections.size() < config.streams.flows || connections.contains(stream)) {
      connections.insert_or_assign(stream, *place);
    }
  }
  closed = findings->closed;
  gatekeeper.judge(findings->outcome);
  std::ranges::move(findings->outcome.changes, std::back_inserter(outcome.changes));
  std::ranges::move(findings->outcome.refusals, std::back_inserter(outcome.refusals));
  return std::move(findings->packets);
}

// Without packets: those that come bring it the time.
void Daemon::State::run_timers() {
  const bool due = timer_due && *timer_due <= now;
  if (!ready.empty() || (!due && media.size() < most_media_kept)) return;
  Batch batch;
  inspect(batch);
}

void Daemon::State::read_packets(std::size_t queue) {
  const auto packets = queues[queue].read();
  if (!packets) throw KernelError(packets.error().to_string());
  if (packets->empty()) return;
  Batch batch;
  batch.packets.reserve(packets->size());
  for (const system::QueuedPacket& packet : *packets) {
    batch.packets.push_back({packet.octets, arrival_of(packet)});
    gatekeeper.heard(packet.octets, arrival_of(packet));
  }
  const auto found = inspect(batch);
  for (std::size_t i = 0; i < packets->size(); ++i) {
    judge(queue, (*packets)[i], found ? (*found)[i] : Findings::Packet{});
  }
}

void Daemon::State::judge(std::size_t queue, const system::QueuedPacket& packet,
                          const Findings::Packet& found) {
  const Reading& reading = found.reading;
  const bool drop =
      reading.kind == Reading::Kind::malformed && config.drop_malformed && !config.kernel.observe;
  const Answer answer{packet.id, drop ? Verdict::drop : Verdict::accept};
  if (drop) ++dropped;
  const bool changes = found.changes_something && !config.kernel.observe;
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
  const std::size_t of_these = count(at_once);
  const std::size_t of_those = count(held);
  send(at_once);
  if (of_these > 0) control->note_held(system::now() - now, of_these);
  if (!outcome.changes.empty()) gatekeeper.write(outcome.changes);
  send(held);
  if (of_those > 0) control->note_held(system::now() - now, of_those);
  gatekeeper.finish(outcome.changes, outcome.refusals, now);
  held_flows.clear();
  outcome.changes.clear();
  outcome.refusals.clear();
}

// When no packet waits for it any more, and a little at a time.
void Daemon::State::look_after_sets() {
  if (std::exchange(news, false)) gatekeeper.read_news(now);
  more_to_do = gatekeeper.refresh_some([&](const pinhole::Key& key) { media.push_back({key, now}); });
  more_to_do = gatekeeper.mend(now) || more_to_do;
}

// One piece of one answer, when no packet waits for it any more.
void Daemon::State::serve_control() {
  if (!std::exchange(asked, false)) return;
  control->serve({.seen = seen,
                  .close = [&](const std::string& call_id) { return close_call(call_id); },
                  .dropped = dropped,
                  .inspector_restarts = inspection.failures(),
                  .inspector = inspection.process()},
                 now);
}

control::Closing Daemon::State::close_call(const std::string& call_id) {
  Batch batch;
  batch.close.push_back(call_id);
  if (!inspect(batch)) return control::Closing::not_now;
  const auto closing = closed > 0 ? control::Closing::done : control::Closing::not_found;
  finish_batch();
  return closing;
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
  if (!inspection.start(now)) throw KernelError("nobody to read SIP could be started; the log says why");
  std::vector<Connection> left;
  if (const auto file = handover::default_file(); !file.empty()) {
    auto taken = handover::take(file, config.streams.flows);
    if (taken) left = std::move(*taken);
    if (!taken) system::log::warning(taken.error());
  }
  adopt(gatekeeper.recover(), std::move(left));
  if (const std::size_t open = gatekeeper.open_pinholes(); open > 0) {
    system::log::info(std::to_string(open) + " open pinholes taken over");
  }
}

void Daemon::State::stop() {
  drain();
  if (const auto file = handover::default_file(); !file.empty()) {
    const auto left = handover::leave(file, followed());
    if (!left) system::log::warning(left.error().to_string() + ": TCP trunks have to connect again");
  }
  for (const Queue& queue : queues) service_manager::leave(name_of_queue(queue.number()), queue.fd());
  queues.clear();
  if (config.kernel.flush_on_stop) gatekeeper.close_all(now);
  log_figures();
}

void Daemon::State::log_figures() const {
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

Daemon::Daemon(const system::Config& config, Inspection& inspection, const std::string& control_socket)
    : state_(std::make_unique<State>(config, inspection, control_socket)) {}

Daemon::~Daemon() = default;

void Daemon::reconfigure(const system::Config& config) {
  const system::KernelSettings kernel = state_->config.kernel;
  state_->config = config;
  state_->config.kernel = kernel;
  state_->gatekeeper.reconfigure(config);
  state_->inspecting = false;
}

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
    state.start_inspection();
    state.run_timers();
    for (const std::size_t queue : state.ready) state.read_packets(queue);
    state.finish_batch();
    state.look_after_sets();
    state.serve_control();
  }
  service_manager::stopping();
  state.stop();
}

}  // namespace dpinholer
