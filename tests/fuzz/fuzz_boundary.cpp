// SPDX-License-Identifier: GPL-2.0-or-later
// An inspector that was taken over: its answers go through codec, guard and set keeper to the pinhole sets of
// a kernel, as in gatekeeper.cpp. After each step nothing is in these sets that policy forbids, they hold the
// pinholes of the guard's record, and each comment can be read.
//
// An input is a list of steps: an octet that says which, and what it takes (see `Attack::step`).
#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/limits.h"
#include "daemon/fake_sets.h"
#include "fuzz/check.h"
#include "inspection_codec.h"
#include "pinhole/guard.h"
#include "set_keeper.h"
#include "support/host.h"

using namespace dpinholer;
using pinhole::Change;
using pinhole::ElementKey;

namespace {

namespace limits = base::limits;

base::Address address(std::string_view text) {
  return base::Address::parse(text).value();
}
base::Network network(std::string_view text) {
  return base::Network::parse(text).value();
}

const base::Interface outside{2};
const base::Interface inside{3};
const std::array inside_networks{network("192.0.2.0/24"), network("2001:db8:2::/48")};

bool is_inside(const base::Address& one) {
  return std::ranges::any_of(inside_networks, [&](const base::Network& net) { return net.contains(one); });
}

// Addresses of phones, trunks, third hosts, the gateway itself, and of nobody.
const std::array addresses{
    address("192.0.2.10"),
    address("203.0.113.5"),
    address("192.0.2.99"),
    address("198.51.100.7"),
    address("2001:db8:2::10"),
    address("2001:db8::5"),
    address("192.0.2.1"),
    address("203.0.113.1"),
    address("2001:db8::1"),
    address("127.0.0.1"),
    address("::1"),
    address("0.0.0.0"),
    address("::"),
    address("224.0.0.1"),
    address("ff02::1"),
    address("255.255.255.255"),
    address("::ffff:192.0.2.10"),
    address("::203.0.113.5"),
    address("240.0.0.1"),
    address("198.18.0.1"),
    address("fe80::1"),
};
constexpr std::size_t speaking = 6;  // the first ones may be heard
const std::array<base::Address, 3> own{address("192.0.2.1"), address("203.0.113.1"), address("2001:db8::1")};
const base::Network refused_network = network("198.18.0.0/15");
const std::array media_networks{network("192.0.2.0/28"), network("2001:db8:2::/48")};
constexpr std::array<std::uint16_t, 8> ports{30000, 30001, 40000, 22, 1023, 1024, 5060, 65535};
constexpr pinhole::PortRange refused_ports{5060, 5061};
const std::array<std::string, 5> texts{"a@b", "\x1b[2J\"}; flush ruleset; {\"", "c%20d",
                                       std::string(512, '\xff'), ""};

struct Options {
  bool tcp = false;       // media over TCP
  bool networks = false;  // media in media_networks only
};

pinhole::GuardSettings settings(const Options& options) {
  pinhole::GuardSettings settings;
  settings.policy.refuse_ports = {refused_ports};
  settings.policy.refuse_networks = {refused_network};
  settings.pinholes_per_call = 8;
  settings.tcp = options.tcp;
  if (options.networks) settings.policy.networks = {media_networks.begin(), media_networks.end()};
  return settings;
}

class Octets {
 public:
  explicit Octets(base::Bytes octets) : octets_(octets) {}

  bool empty() const { return octets_.empty(); }
  std::uint8_t take() { return empty() ? 0 : take(1)[0]; }
  base::Bytes take(std::size_t most) {
    const base::Bytes taken = octets_.first(std::min(most, octets_.size()));
    octets_ = octets_.subspan(taken.size());
    return taken;
  }
  std::size_t take_length() {
    const std::size_t low = take();
    return low + std::size_t{256} * take();
  }
  const auto& one_of(const auto& all) { return all[take() % all.size()]; }

 private:
  base::Bytes octets_;
};

class Attack {
 public:
  explicit Attack(const Options& options) : options_(options) {
    host_.own = {own.begin(), own.end()};
    host_.names = {{base::Interface::host, "lo"}, {outside, "eth0"}, {inside, "eth1"}};
    for (const char* net : {"192.0.2.0/24", "2001:db8:2::/48"}) host_.route(net, {inside});
    for (const char* net : {"0.0.0.0/0", "::/0"}) host_.route(net, {outside});
    restart();
  }

  void step(Octets& input) {
    switch (input.take() % 8) {
      case 0:
        hear(addresses[input.take() % speaking], input.take());
        break;
      case 1:
        say(input.take(input.take_length()));
        break;
      case 2:
        claim(input.take());
        break;
      case 3:
        offer();
        break;
      case 4:
        close_unclaimed();
        break;
      case 5:
        restart();
        break;
      default:
        ask(input);
        break;
    }
    work();
    check();
  }

 private:
  void hear(const base::Address& source, std::size_t octets) {
    guard_->heard(source, is_inside(source) ? inside : outside, octets * 8);
    heard_.insert(source);
    ever_heard_.insert(source);
    credit_ += (1 + octets * 8 / limits::shortest_message) * settings(options_).pinholes_per_call;
  }

  // Changes of the tables above, in any mixture.
  void ask(Octets& input) {
    Findings findings;
    for (std::size_t count = 1 + input.take() % 4; count > 0; --count) {
      Change change;
      const std::uint8_t what = input.take();
      change.kind = Change::Kind{static_cast<std::uint8_t>(what & 3)};
      change.key.protocol = (what & 4) != 0 ? base::Protocol::tcp : base::Protocol::udp;
      if ((what & 8) != 0) change.label.call_hash = input.take();
      change.cause = (what & 16) != 0 ? pinhole::Cause::recovered : pinhole::Cause::offer;
      change.key.destination = {input.one_of(addresses), input.one_of(ports)};
      for (std::size_t sources = (what >> 5); sources > 0; --sources)
        change.from.push_back(input.one_of(addresses));
      if (input.take() % 4 != 0) std::ranges::sort(change.from);
      change.label.call_id = input.one_of(texts);
      change.label.media = input.one_of(texts);
      change.label.component = pinhole::Component{static_cast<std::uint8_t>(input.take() % 3)};
      change.timeout = base::seconds{input.take()} * 10'000'000'000;
      change.announced_by = input.one_of(addresses);
      findings.outcome.changes.push_back(std::move(change));
    }
    codec::Buffer frame;
    codec::encode(findings, frame);
    say(frame);
  }

  // Claims of pinholes that were offered, and of others.
  void claim(std::uint8_t how) {
    Findings findings;
    for (const pinhole::Recovered& found : guard_->unclaimed()) {
      if (--how == 0) continue;
      Change change;
      change.key = found.key;
      change.from = found.from;
      change.label = {how == 1 ? "\n" : found.call, "audio", found.component, found.call_hash};
      if (how == 2) change.label.call_hash.reset();
      change.cause = pinhole::Cause::recovered;
      change.announced_by = address("198.51.100.99");
      findings.outcome.changes.push_back(std::move(change));
    }
    codec::Buffer frame;
    codec::encode(findings, frame);
    say(frame);
  }

  void say(base::Bytes frame) {
    auto findings = codec::decode_findings(frame);
    if (!findings) return offer();  // it has failed, and another one begins
    std::vector<Change>& changes = findings->outcome.changes;
    FUZZ_CHECK(changes.size() <= limits::changes_per_batch);
    guard_->judge(changes);
    for (const Change& change : changes) {
      FUZZ_CHECK(change.timeout >= base::seconds{1} && change.timeout <= settings(options_).longest_bound);
      if (change.kind == Change::Kind::open && change.cause != pinhole::Cause::recovered)
        announced_by_[change.key] = change.announced_by;
    }
    std::erase_if(changes, [&](const Change& change) {
      return change.cause == pinhole::Cause::recovered && change.kind == Change::Kind::open &&
             keeper_->installed().find(change.key) != nullptr;
    });
    carry_out(changes);
  }

  void carry_out(const std::vector<Change>& changes) {
    keeper_->write(changes);
    keeper_->finish(changes, now_, [](const Change&, const pinhole::Installed::Entry*) {});
  }

  void offer() {
    std::vector<pinhole::Recovered> found = guard_->unclaimed();
    const pinhole::Installed& installed = keeper_->installed();
    std::erase_if(found, [&](const auto& pinhole) { return installed.find(pinhole.key) != nullptr; });
    installed.for_each([&](const pinhole::Key& key, const pinhole::Installed::Entry& entry) {
      found.push_back(pinhole::recovered(key, entry.from, entry.label, entry.timeout));
    });
    guard_->offer(found);
  }

  void close_unclaimed() { carry_out(guard_->take_unclaimed(now_)); }

  // Another daemon, which knows only the kernel's elements.
  void restart() {
    keeper_ = std::make_unique<SetKeeper>(sets_, false, base::HashKey{});
    guard_ = std::make_unique<pinhole::Guard>(settings(options_), &host_, base::HashKey{});
    heard_.clear();
    guard_->offer(keeper_->recover(now_));
  }

  void work() {
    now_ += std::chrono::seconds{2};
    keeper_->note(std::exchange(sets_.news, {}), now_);
    while (keeper_->refresh_some([](const pinhole::Key&, const auto&) {})) continue;
    for (int i = 0; i < 1000 && keeper_->mend(now_); ++i) continue;
  }

  void check() const {
    check_policy();
    check_record();
  }

  void check_policy() const {
    std::map<pinhole::Key, std::size_t> elements;
    for (const auto& [key, element] : sets_.elements) {
      FUZZ_CHECK(fits(key));
      FUZZ_CHECK(options_.tcp || pinhole_of(key).protocol == base::Protocol::udp);
      check_address(key.destination.address);
      if (key.source) check_address(*key.source);
      const std::uint16_t port = key.destination.port;
      FUZZ_CHECK(port >= 1024 && (port < refused_ports.first || port > refused_ports.last));
      const auto announced = announced_by_.find(pinhole_of(key));
      FUZZ_CHECK(announced != announced_by_.end());
      FUZZ_CHECK(is_inside(announced->second) == is_inside(key.destination.address) ||
                 key.destination.address.is_link_local());
      FUZZ_CHECK(pinhole::read_comment(element.comment));
      FUZZ_CHECK(++elements[pinhole_of(key)] <= limits::sources_per_pinhole);
    }
    FUZZ_CHECK(sets_.elements.size() <= credit_ * 2);  // opened by one half, and bound by the other
  }

  // Nobody on this host speaks here, so that no loopback address is meant.
  void check_address(const base::Address& one) const {
    FUZZ_CHECK(!one.is_unspecified() && !one.is_multicast() && !one.is_broadcast() && !one.is_reserved());
    FUZZ_CHECK(!one.is_ipv4_mapped() && !one.is_loopback() && !refused_network.contains(one));
    FUZZ_CHECK(std::ranges::find(own, one) == own.end());
    const bool is_listed =
        std::ranges::any_of(media_networks, [&](const base::Network& net) { return net.contains(one); });
    FUZZ_CHECK(!options_.networks || is_listed || ever_heard_.contains(one));
  }

  void check_record() const {
    std::set<ElementKey> recorded;
    const auto unclaimed = guard_->unclaimed();
    for (const pinhole::Recovered& found : unclaimed) {
      for (const ElementKey& key : element_keys(found.key, found.from)) recorded.insert(key);
    }
    std::size_t open = 0;
    keeper_->installed().for_each([&](const pinhole::Key& key, const pinhole::Installed::Entry& entry) {
      const auto* record = guard_->find(key);
      if (record == nullptr) return;
      ++open;
      FUZZ_CHECK(record->from == entry.from && comment(record->label) == comment(entry.label));
      for (const ElementKey& element : element_keys(key, record->from)) {
        recorded.insert(element);
        FUZZ_CHECK(sets_.elements.contains(element));
        FUZZ_CHECK(sets_.elements.at(element).comment == comment(record->label));
      }
    });
    FUZZ_CHECK(open == guard_->open());
    FUZZ_CHECK(recorded == sets_.keys());
  }

  Options options_;
  test::FakeHost host_;
  FakeSets sets_;
  std::unique_ptr<SetKeeper> keeper_;
  std::unique_ptr<pinhole::Guard> guard_;
  base::TimePoint now_{std::chrono::hours{1}};
  std::set<base::Address> heard_;
  std::set<base::Address> ever_heard_;  // by the daemons before this one, too
  std::map<pinhole::Key, base::Address> announced_by_;
  std::size_t credit_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Octets input({data, size});
  const std::uint8_t options = input.take();
  Attack attack({(options & 1) != 0, (options & 2) != 0});
  for (int steps = 0; steps < 64 && !input.empty(); ++steps) attack.step(input);
  return 0;
}
