// SPDX-License-Identifier: GPL-2.0-or-later
// What a call costs through the whole pipeline: the time of one from INVITE to BYE while others are up, and
// the memory of one that is established and idle. The second argument tells how the others are: each with
// pinholes of its own, or all with the same, as a flood from one script has them.
#include <benchmark/benchmark.h>
#include <malloc.h>

#include <cstdio>
#include <string>
#include <vector>

#include "pipeline/scenario.h"

namespace dpinholer::test {
namespace {

const Host phone_proxy{"192.0.2.2"};
const Host trunk{"203.0.113.2"};

// A million of each fit into texts of equal length, so that a packet is made by writing over another.
const std::string call_id_mark = "a84b4c76e66710-000000@phone.example.com";
const std::string caller_mark = "10.100.100.100";
const std::string callee_mark = "10.200.100.100";

std::string media(const std::string& address) {
  return "v=0\r\no=- 53655765 2353687637 IN IP4 " + address + "\r\ns=-\r\nc=IN IP4 " + address +
         "\r\nt=0 0\r\nm=audio 49170 RTP/AVP 8 0 101\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\n"
         "a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=ptime:20\r\na=sendrecv\r\n";
}

/// One kind of packet of a call; `of` makes it that of the call with this number.
class Template {
 public:
  Template(const Host& from, const Host& to, const Sip& message)
      : packet_(udp_packet(from, to, to_text(message))) {
    const std::string text(packet_.begin(), packet_.end());
    find(text, call_id_mark, 15, 6);
    for (const std::string& mark : {caller_mark, callee_mark}) {
      for (std::size_t at = text.find(mark); at != std::string::npos; at = text.find(mark, at + 1)) {
        for (std::size_t octet = 0; octet < 3; ++octet) addresses_.push_back(at + 4 + 4 * octet);
      }
    }
  }

  const std::vector<std::uint8_t>& of(std::size_t number, bool own_media) {
    for (std::size_t at : numbers_) write(at, 6, number);
    for (std::size_t i = 0; i < addresses_.size(); ++i) {
      const std::size_t pair = own_media ? number / (i % 3 == 0 ? 10000U : i % 3 == 1 ? 100U : 1U) % 100 : 0;
      write(addresses_[i], 2, pair);
    }
    return packet_;
  }

 private:
  void find(const std::string& text, const std::string& mark, std::size_t offset, std::size_t) {
    for (std::size_t at = text.find(mark); at != std::string::npos; at = text.find(mark, at + 1))
      numbers_.push_back(at + offset);
  }
  void write(std::size_t at, std::size_t digits, std::size_t value) {
    for (std::size_t i = digits; i-- > 0; value /= 10)
      packet_[at + i] = static_cast<std::uint8_t>('0' + value % 10);
  }

  std::vector<std::uint8_t> packet_;
  std::vector<std::size_t> numbers_;
  std::vector<std::size_t> addresses_;
};

class Load {
 public:
  explicit Load(bool own_media) : own_media_(own_media), pipeline_(settings()) {
    const Sip base{
        .start = "", .call_id = call_id_mark, .from_tag = "1928301774", .branch = "z9hG4bK776asdhds"};
    auto add = [&](std::vector<Template>& to, bool by_caller, const std::string& start,
                   const std::string& to_tag, int cseq, const std::string& branch, const std::string& body) {
      Sip message = base;
      message.start = start;
      message.to_tag = to_tag;
      message.cseq = cseq;
      message.branch += branch;
      message.body = body;
      to.emplace_back(by_caller ? phone_proxy : trunk, by_caller ? trunk : phone_proxy, message);
    };
    add(setup_, true, "INVITE", "", 1, "", media(caller_mark));
    add(setup_, false, "100 INVITE", "", 1, "", "");
    add(setup_, false, "180 INVITE", "a6c85cf", 1, "", "");
    add(setup_, false, "200 INVITE", "a6c85cf", 1, "", media(callee_mark));
    add(setup_, true, "ACK", "a6c85cf", 1, "a", "");
    add(end_, true, "BYE", "a6c85cf", 2, "b", "");
    add(end_, false, "200 BYE", "a6c85cf", 2, "b", "");
  }

  void set_up(std::size_t number) { run(setup_, number); }
  void end(std::size_t number) { run(end_, number); }
  /// Time passes, and all timers that are due run.
  void pass(std::chrono::milliseconds time) {
    now_ += time;
    pipeline_.advance(now_, outcome_);
    outcome_.changes.clear();
  }
  std::size_t open_pinholes() const { return pipeline_.open_pinholes(); }

 private:
  // Element refreshes, which cost by the call and the minute, are left out.
  static PipelineSettings settings() {
    PipelineSettings settings;
    settings.negotiation.calls = 1'000'000;
    settings.negotiation.early = settings.negotiation.media_idle = base::seconds{40'000};
    return settings;
  }

  void run(std::vector<Template>& packets, std::size_t number) {
    for (Template& packet : packets) pipeline_.process(packet.of(number, own_media_), now_, outcome_);
    outcome_.changes.clear();
    outcome_.refusals.clear();
  }

  bool own_media_;
  Pipeline pipeline_;
  base::TimePoint now_{};
  Outcome outcome_;
  std::vector<Template> setup_;
  std::vector<Template> end_;
};

// One call from INVITE to BYE, with `state.range(0)` others up. Calls that ended half a minute ago are
// forgotten on the way: as many as new ones come.
void whole_call(benchmark::State& state) {
  const auto others = static_cast<std::size_t>(state.range(0));
  Load load(state.range(1) != 0);
  for (std::size_t i = 0; i < others; ++i) load.set_up(i);
  load.pass(std::chrono::seconds{60});
  std::size_t number = others;
  auto call = [&] {
    load.set_up(number);
    load.end(number);
    load.pass(std::chrono::milliseconds{10});
    number = number + 1 < 900'000 ? number + 1 : others;
  };
  for (int i = 0; i < 5000; ++i) call();  // until as many are forgotten as begin
  for (auto _ : state) call();
  state.counters["pinholes"] = static_cast<double>(load.open_pinholes());
}
BENCHMARK(whole_call)
    ->ArgNames({"others", "own_media"})
    ->Args({100, 1})
    ->Args({100'000, 1})
    ->Args({100, 0})
    ->Args({100'000, 0});

std::size_t heap_in_use() {
  const struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

// Heap in use, malloc's own bookkeeping included, divided by the calls.
void idle_call_memory(benchmark::State& state) {
  const auto calls = static_cast<std::size_t>(state.range(0));
  double bytes = 0;
  for (auto _ : state) {
    Load load(true);
    const std::size_t before = heap_in_use();
    for (std::size_t i = 0; i < calls; ++i) load.set_up(i);
    load.pass(std::chrono::seconds{60});  // the INVITE is forgotten, the dialog stays
    bytes = static_cast<double>(heap_in_use() - before) / static_cast<double>(calls);
    if (load.open_pinholes() != 4 * calls) state.SkipWithError("not every call is up");
  }
  state.counters["bytes_per_call"] = bytes;
}
BENCHMARK(idle_call_memory)
    ->ArgName("calls")
    ->Arg(1000)
    ->Arg(100'000)
    ->Iterations(1)
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace dpinholer::test
