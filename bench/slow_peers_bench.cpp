// SPDX-License-Identifier: GPL-2.0-or-later
// What slow and hostile TCP peers cost (attack A11): the memory that their connections hold, and one call of
// somebody else in the middle of them.
#include <benchmark/benchmark.h>
#include <malloc.h>

#include <string>

#include "pipeline/scenario.h"
#include "pipeline/tcp.h"

namespace {

using namespace dpinholer;
using namespace dpinholer::test;

const Host server{"203.0.113.5", 5060};

Host stranger(std::uint32_t number) {
  return {"198.51." + std::to_string(number / 60000 % 250) + "." + std::to_string(number / 250 % 240),
          static_cast<std::uint16_t>(1024 + number)};
}

// What each hostile connection sends after its handshake; nothing: it is left half open.
const char* const kinds[] = {"no peer at all", "half-open",           "idle",
                             "endless header", "Content-Length 4 GB", "a gap"};

void attack(Pipeline& pipeline, int kind, std::uint32_t connections) {
  Outcome outcome;
  const base::TimePoint now{};
  for (std::uint32_t i = 0; i < connections; ++i) {
    TcpPair tcp(stranger(i), server);
    auto packets = tcp.handshake();
    if (kind == 1) packets.resize(1);
    auto send = [&](const std::string& bytes) {
      for (auto& packet : tcp.from_client(bytes)) packets.push_back(std::move(packet));
    };
    if (kind == 3) {
      send("INVITE sip:x SIP/2.0\r\n");
      for (int piece = 0; piece < 60; ++piece) send("X: " + std::string(1000, 'x') + "\r\n");
    }
    if (kind == 4) send("INVITE sip:x SIP/2.0\r\nContent-Length: 4294967297\r\n\r\n");
    if (kind == 5) {
      tcp.from_client("I");  // never arrives
      for (int piece = 0; piece < 60; ++piece) send(std::string(1000, 'x'));
    }
    for (const auto& packet : packets) pipeline.process(packet, now, outcome);
  }
}

void slow_peers(benchmark::State& state) {
  const int kind = static_cast<int>(state.range(0));
  const auto connections = static_cast<std::uint32_t>(state.range(1));
  const std::size_t before = mallinfo2().uordblks;
  Pipeline pipeline(PipelineSettings{});
  if (kind != 0) attack(pipeline, kind, connections);
  const std::size_t held = mallinfo2().uordblks - before;

  const std::string invite = to_text({.start = "INVITE", .body = sdp({"192.0.2.10|audio 30000 RTP/AVP 0"})});
  const std::string refused = to_text({.start = "486 INVITE", .to_tag = "b"});
  Outcome outcome;
  base::TimePoint now{};
  std::uint32_t isn = 1;
  std::size_t opened = 0;
  for (auto _ : state) {
    isn += 100000;
    TcpPair tcp({"192.0.2.10", 40000}, server, isn, isn);
    for (const auto& packet : tcp.handshake()) pipeline.process(packet, now, outcome);
    for (const auto& packet : tcp.from_client(invite)) pipeline.process(packet, now, outcome);
    for (const auto& packet : tcp.from_server(refused)) pipeline.process(packet, now, outcome);
    opened += outcome.changes.size();
    outcome = {};
    now += base::seconds{60};
    pipeline.advance(now, outcome);
  }
  if (opened == 0) state.SkipWithError("the call of somebody else did not open anything");
  state.SetLabel(kinds[kind]);
  state.counters["held_MB"] = static_cast<double>(held) / 1e6;
}

BENCHMARK(slow_peers)
    ->Args({0, 0})
    ->Args({1, 10000})
    ->Args({1, 1000000})
    ->Args({2, 50000})
    ->Args({3, 10000})
    ->Args({4, 10000})
    ->Args({5, 10000});

}  // namespace
