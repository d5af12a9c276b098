// SPDX-License-Identifier: GPL-2.0-or-later
// How long the daemon holds a SIP message: from the moment a host sends it until the kernel of the other host
// has it, through a gateway, all three in network namespaces. Beside it, in the same run and turn by turn, a
// reader that accepts every packet at once, and no reader at all. Needs root.
//
//   queue_latency [ROUNDS [MESSAGES-PER-TURN [MESSAGES-PER-SECOND]]]
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/net_tstamp.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fstream>
#include <functional>
#include <iterator>
#include <memory>
#include <random>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "daemon.h"
#include "inspector.h"
#include "inspector_launcher.h"
#include "inspector_process.h"
#include "settings.h"
#include "system/config.h"
#include "system/log.h"
#include "system/nft_sets.h"
#include "system/queue.h"

namespace {

using namespace dpinholer;
using std::chrono::microseconds;
using std::chrono::nanoseconds;

constexpr const char* outside_address = "203.0.113.5";
constexpr const char* inside_address = "192.0.2.10";

[[noreturn]] void fail(const std::string& what) {
  throw std::system_error(errno, std::generic_category(), what);
}

void shell(const std::string& command) {
  if (std::system(command.c_str()) != 0) throw std::runtime_error("failed: " + command);
}

// A namespace known to ip(8); goes with this object.
class Host {
 public:
  explicit Host(const std::string& name) : name_("bench-" + std::to_string(getpid()) + "-" + name) {
    shell("ip netns add " + name_);
    run("ip link set lo up");
  }
  ~Host() { (void)!std::system(("ip netns delete " + name_).c_str()); }
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;

  void run(const std::string& command) const { shell("ip netns exec " + name_ + " sh -c '" + command + "'"); }
  const std::string& name() const { return name_; }
  /// Moves this thread there for good.
  void enter() const {
    const int fd = open(("/run/netns/" + name_).c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0 || setns(fd, CLONE_NEWNET) != 0) fail("setns");
    close(fd);
  }
  int udp_socket(const char* address) const {
    int made = -1;
    std::thread([&] {
      enter();
      made = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    }).join();
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_port = htons(5060);
    inet_pton(AF_INET, address, &name.sin_addr);
    if (made < 0 || bind(made, reinterpret_cast<sockaddr*>(&name), sizeof name) != 0) fail("bind");
    return made;
  }

 private:
  std::string name_;
};

struct Network {
  Host outside{"outside"};
  Host gateway{"gateway"};
  Host inside{"inside"};

  Network() {
    connect("out0", outside, "203.0.113.1", outside_address);
    connect("in0", inside, "192.0.2.1", inside_address);
    gateway.run("echo 1 >/proc/sys/net/ipv4/ip_forward");
    load_rules();
  }
  void connect(const std::string& port, const Host& host, const std::string& here,
               const std::string& there) const {
    gateway.run("ip link add " + port + " type veth peer name eth0 netns " + host.name());
    gateway.run("ip addr add " + here + "/24 dev " + port + "; ip link set " + port + " up");
    host.run("ip addr add " + there + "/24 dev eth0; ip link set eth0 up; ip route add default via " + here);
  }
  // The shipped sets and chains, but for the queue statement, which not every kernel has; then the queue, by
  // the target of iptables, which all have.
  void load_rules() const {
    std::string rules;
    for (const char* name : {"defaults", "sets", "dpinholer"}) {
      std::ifstream file(DPINHOLER_SOURCE_DIR "/nft/" + std::string(name) + ".nft");
      rules.append(std::istreambuf_iterator<char>(file), {});
    }
    const std::string queue = "queue flags bypass to $sip_queues\n";
    if (const auto at = rules.find(queue); at != std::string::npos) rules.erase(at, queue.size() - 1);
    const std::string path = "/tmp/" + gateway.name() + ".nft";
    std::ofstream(path) << "table inet filter {\n"
                        << rules
                        << "\nchain forward { type filter hook forward priority filter; policy accept; jump "
                           "sip_media; }\n}\n";
    gateway.run("nft -f " + path);
    unlink(path.c_str());
    gateway.run(
        "iptables-nft -t security -A FORWARD -p udp --dport 5060 -j NFQUEUE --queue-num 0 --queue-bypass");
  }
};

std::string message(const char* method, std::size_t number) {
  const std::string id = std::to_string(number);
  const std::string port = std::to_string(20000 + number % 20000 * 2);
  const std::string here = outside_address;
  const std::string body =
      "v=0\r\no=a 1 1 IN IP4 " + here + "\r\ns=-\r\nc=IN IP4 " + here + "\r\nt=0 0\r\nm=audio " + port +
      " RTP/AVP 8 0 101\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\n"
      "a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=ptime:20\r\na=sendrecv\r\n";
  const bool invite = std::strcmp(method, "INVITE") == 0;
  return std::string(method) + " sip:bob@" + inside_address + " SIP/2.0\r\nCall-ID: " + id + "@bench\r\n" +
         "Via: SIP/2.0/UDP " + here + ":5060;branch=z9hG4bK" + id + ";rport\r\nMax-Forwards: 70\r\n" +
         "From: \"Alice\" <sip:alice@" + here + ">;tag=f" + id + "\r\nTo: <sip:bob@" + inside_address +
         ">\r\n" + "CSeq: 1 " + method + "\r\nContact: <sip:alice@" + here +
         ":5060>\r\nUser-Agent: Example Phone 1.2.3\r\n" +
         "Allow: INVITE, ACK, CANCEL, BYE, NOTIFY, REFER, OPTIONS, UPDATE, PRACK, INFO\r\n" +
         "Supported: timer, replaces, 100rel\r\n" + (invite ? "Content-Type: application/sdp\r\n" : "") +
         "Content-Length: " + std::to_string(invite ? body.size() : 0) + "\r\n\r\n" + (invite ? body : "");
}

nanoseconds wall_clock() {
  timespec time{};
  clock_gettime(CLOCK_REALTIME, &time);
  return std::chrono::seconds{time.tv_sec} + nanoseconds{time.tv_nsec};
}

// When the kernel received the next datagram, and its number; false when none comes within a second.
bool receive(int fd, std::size_t& number, nanoseconds& when) {
  pollfd entry{fd, POLLIN, 0};
  if (poll(&entry, 1, 1000) <= 0) return false;
  std::array<char, 4096> octets{};
  std::array<char, 256> control{};
  iovec place{octets.data(), octets.size() - 1};
  msghdr head{};
  head.msg_iov = &place;
  head.msg_iovlen = 1;
  head.msg_control = control.data();
  head.msg_controllen = control.size();
  if (recvmsg(fd, &head, 0) < 0) fail("recvmsg");
  for (cmsghdr* part = CMSG_FIRSTHDR(&head); part != nullptr; part = CMSG_NXTHDR(&head, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SO_TIMESTAMPNS) continue;
    timespec time{};
    std::memcpy(&time, CMSG_DATA(part), sizeof time);
    when = std::chrono::seconds{time.tv_sec} + nanoseconds{time.tv_nsec};
  }
  const char* id = std::strstr(octets.data(), "Call-ID: ");
  if (id == nullptr) return false;
  number = std::strtoull(id + 9, nullptr, 10);
  return true;
}

// Microseconds on the way of each message that arrived.
std::vector<double> measure(int sender, int receiver, const char* method, std::size_t count, unsigned rate,
                            std::size_t& next_number) {
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(5060);
  inet_pton(AF_INET, inside_address, &to.sin_addr);
  const std::size_t first = next_number;
  next_number += count;
  std::vector<nanoseconds> sent(count);
  std::vector<double> taken;
  std::thread reading([&] {
    std::size_t number = 0;
    nanoseconds when{};
    while (taken.size() < count && receive(receiver, number, when)) {
      if (number < first || number >= first + count) continue;
      taken.push_back(std::chrono::duration<double, std::micro>(when - sent[number - first]).count());
    }
  });
  auto due = std::chrono::steady_clock::now();
  for (std::size_t i = 0; i < count; ++i) {
    const std::string text = message(method, first + i);
    std::this_thread::sleep_until(due);
    due += microseconds{1'000'000 / rate};
    sent[i] = wall_clock();
    sendto(sender, text.data(), text.size(), 0, reinterpret_cast<sockaddr*>(&to), sizeof to);
  }
  reading.join();
  return taken;
}

// Messages a second that go through when as many are on the way as a gateway has in a busy moment.
double throughput(int sender, int receiver, const char* method, std::size_t count, std::size_t& next_number) {
  constexpr std::size_t on_the_way = 64;
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(5060);
  inet_pton(AF_INET, inside_address, &to.sin_addr);
  const auto began = std::chrono::steady_clock::now();
  std::size_t arrived = 0;
  std::size_t number = 0;
  nanoseconds when{};
  for (std::size_t sent = 0; arrived < count;) {
    for (; sent < count && sent < arrived + on_the_way; ++sent) {
      const std::string text = message(method, next_number++);
      sendto(sender, text.data(), text.size(), 0, reinterpret_cast<sockaddr*>(&to), sizeof to);
    }
    if (!receive(receiver, number, when)) break;
    ++arrived;
  }
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - began;
  return static_cast<double>(arrived) / taken.count();
}

void accept_at_once() {
  system::Queue queue({0, 4096, true});
  std::vector<system::Answer> answers;
  for (;;) {
    pollfd entry{queue.fd(), POLLIN, 0};
    poll(&entry, 1, -1);
    answers.clear();
    const auto packets = queue.read();
    for (const auto& packet : *packets) answers.push_back({packet.id, system::Verdict::accept});
    (void)queue.answer(answers);
  }
}

// What holding a message costs at the very least.
void commit_by_hand() {
  system::Queue queue({0, 4096, true});
  system::NftSets sets({});
  if (!sets.faults().empty()) throw std::runtime_error(sets.faults().front());
  const auto address = *base::Address::parse(outside_address);
  std::vector<system::Answer> answers;
  std::vector<pinhole::ElementChange> changes;
  for (;;) {
    pollfd entry{queue.fd(), POLLIN, 0};
    poll(&entry, 1, -1);
    answers.clear();
    changes.clear();
    const auto packets = queue.read();
    for (const auto& packet : *packets) {
      answers.push_back({packet.id, system::Verdict::accept});
      const auto text = base::as_text(packet.octets);
      const auto at = text.find("m=audio ");
      if (at == std::string_view::npos) continue;
      const auto port = static_cast<std::uint16_t>(std::strtoul(text.data() + at + 8, nullptr, 10));
      for (const std::uint16_t one : {port, static_cast<std::uint16_t>(port + 1)}) {
        changes.push_back({pinhole::ElementChange::Kind::add,
                           {pinhole::Set::rtp4, {}, {address, one}},
                           base::seconds{180},
                           "audio rtp call=1@bench id=0123456789abcdef"});
      }
    }
    if (!sets.commit(changes)) throw std::runtime_error("an element was refused");
    (void)queue.answer(answers);
  }
}

system::Config daemon_settings() {
  system::log::set_least(system::log::Level::error);
  system::Config config;
  config.kernel.flush_on_stop = true;
  return config;
}

std::string control_socket() {
  return "/tmp/bench-" + std::to_string(getpid()) + "-control";
}

// As `dpinholer run` does.
void run_daemon() {
  const system::Config config = daemon_settings();
  InspectorLauncher launcher;
  InspectorProcess inspector(launcher, CrashFolder({}));
  Daemon(config, inspector, control_socket()).run([] {});
}

// What it would be if whoever reads SIP could also write to the firewall.
void run_in_one_process() {
  const system::Config config = daemon_settings();
  Inspector inspector(pipeline_settings(config));
  Daemon(config, inspector, control_socket()).run([] {});
}

// A process in the gateway; ends with this object.
class Reader {
 public:
  Reader(const Host& gateway, void (*work)()) {
    pid_ = fork();
    if (pid_ != 0) {
      wait_for_queue(gateway);
      return;
    }
    gateway.enter();
    try {
      work();
    } catch (const std::exception& error) {
      std::fprintf(stderr, "%s\n", error.what());
      _exit(1);
    }
    _exit(0);
  }
  ~Reader() {
    kill(pid_, SIGTERM);
    waitpid(pid_, nullptr, 0);
  }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

 private:
  void wait_for_queue(const Host& gateway) const {
    bool taken = false;
    std::thread([&] {
      gateway.enter();
      for (int i = 0; i < 1000 && !taken; ++i) {
        std::this_thread::sleep_for(std::chrono::milliseconds{5});
        taken = system::queue_status(0).has_value();
      }
    }).join();
    if (!taken) throw std::runtime_error("the reader did not take its queue");
  }

  pid_t pid_;
};

struct Variant {
  const char* name;
  const char* method;
  void (*reader)();
  std::vector<double> all;              // microseconds
  std::vector<double> median_by_round;  // microseconds
  std::vector<double> rates;            // messages a second, as many as go through
  std::size_t lost = 0;
};

double quantile(std::vector<double> values, double share) {
  if (values.empty()) return 0;
  const auto at = static_cast<std::size_t>(share * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(at), values.end());
  return values[at];
}

void print(const std::vector<Variant>& variants) {
  std::printf("\n%-26s %8s %9s %9s %9s %14s %14s %9s %6s\n", "reader", "message", "p50 us", "p99 us",
              "p99.9 us", "p50 +accepting", "p99 +accepting", "a second", "lost");
  for (const Variant& variant : variants) {
    const auto& accepting = *std::find_if(variants.begin(), variants.end(), [&](const Variant& other) {
      return other.reader == accept_at_once && std::strcmp(other.method, variant.method) == 0;
    });
    // The median of the rounds' differences: what disturbs a round disturbs both.
    std::vector<double> differences;
    for (std::size_t i = 0; i < variant.median_by_round.size(); ++i) {
      differences.push_back(variant.median_by_round[i] - accepting.median_by_round[i]);
    }
    std::printf("%-26s %8s %9.1f %9.1f %9.1f %+14.1f %+14.1f %9.0f %6zu\n", variant.name, variant.method,
                quantile(variant.all, 0.5), quantile(variant.all, 0.99), quantile(variant.all, 0.999),
                quantile(differences, 0.5), quantile(variant.all, 0.99) - quantile(accepting.all, 0.99),
                quantile(variant.rates, 0.5), variant.lost);
  }
}

}  // namespace

int main(int argc, char** argv) try {
  take_role(argc, argv, [](system::Channel& channel, const std::string&) {
    serve_as_inspector(channel, pipeline_settings(daemon_settings()));
  });
  const auto argument = [&](int at, unsigned otherwise) {
    return argc > at ? static_cast<unsigned>(std::strtoul(argv[at], nullptr, 10)) : otherwise;
  };
  const unsigned rounds = argument(1, 10);
  const unsigned count = argument(2, 1000);
  const unsigned rate = argument(3, 1000);
  const Network network;
  const int sender = network.outside.udp_socket(outside_address);
  const int receiver = network.inside.udp_socket(inside_address);
  const int on = 1;
  setsockopt(receiver, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on);
  std::vector<Variant> variants{{"none (bypass)", "INVITE", nullptr, {}, {}, {}, 0},
                                {"accepts at once", "INVITE", accept_at_once, {}, {}, {}, 0},
                                {"commits by hand", "INVITE", commit_by_hand, {}, {}, {}, 0},
                                {"dpinholer", "INVITE", run_daemon, {}, {}, {}, 0},
                                {"dpinholer, one process", "INVITE", run_in_one_process, {}, {}, {}, 0},
                                {"accepts at once", "OPTIONS", accept_at_once, {}, {}, {}, 0},
                                {"dpinholer", "OPTIONS", run_daemon, {}, {}, {}, 0},
                                {"dpinholer, one process", "OPTIONS", run_in_one_process, {}, {}, {}, 0}};
  std::vector<std::size_t> order(variants.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::mt19937 shuffling(1);
  std::size_t next_number = 1;
  std::printf("%u rounds of %u messages, %u a second\n", rounds, count, rate);
  for (unsigned round = 0; round < rounds; ++round) {
    std::shuffle(order.begin(), order.end(), shuffling);
    for (const std::size_t at : order) {
      Variant& variant = variants[at];
      std::unique_ptr<Reader> reader;
      if (variant.reader != nullptr) reader = std::make_unique<Reader>(network.gateway, variant.reader);
      measure(sender, receiver, variant.method, 50, rate, next_number);  // to warm up
      const auto taken = measure(sender, receiver, variant.method, count, rate, next_number);
      variant.lost += count - taken.size();
      variant.all.insert(variant.all.end(), taken.begin(), taken.end());
      variant.median_by_round.push_back(quantile(taken, 0.5));
      variant.rates.push_back(throughput(sender, receiver, variant.method, 2 * count, next_number));
    }
  }
  print(variants);
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "queue_latency: %s\n", error.what());
  return 1;
}
