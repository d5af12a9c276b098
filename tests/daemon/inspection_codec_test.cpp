// SPDX-License-Identifier: GPL-2.0-or-later
#include "inspection_codec.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <string>

#include "base/limits.h"
#include "system/config.h"

namespace dpinholer::codec {
namespace {

base::Address address(std::string_view text) {
  return base::Address::parse(text).value();
}

pinhole::Key key(std::string_view text, std::uint16_t port) {
  return {base::Protocol::udp, {address(text), port}};
}

// Each field with a value of its own.
Batch batch() {
  static const std::string packet = "a packet";
  Batch batch;
  batch.now = base::TimePoint{base::Duration{-5}};
  batch.networks_changed = true;
  batch.recovered.push_back({key("192.0.2.1", 1),
                             {address("203.0.113.1"), address("203.0.113.2")},
                             negotiation::Media::video,
                             pinhole::Component::rtcp,
                             "call",
                             77,
                             base::seconds{3600}});
  batch.connections.push_back({{{address("2001:db8::1"), 2}, {address("2001:db8::2"), 3}, 4, 5}, true});
  batch.media.push_back(
      {key("2001:db8::3", 6), base::Address::parse("2001:db8::9"), base::TimePoint{base::Duration{7}}});
  batch.close.push_back("call");
  batch.packets.push_back({base::as_bytes(packet), base::Interface{8}});
  batch.packets.push_back({{}, base::Interface::host});
  return batch;
}

Findings findings() {
  Findings findings;
  findings.packets.push_back({{Reading::Kind::keep_alive,
                               base::Protocol::tcp,
                               {address("192.0.2.1"), 2},
                               {address("2001:db8::1"), 3}},
                              true});
  pinhole::Change change;
  change.kind = pinhole::Change::Kind::bind;
  change.key = key("192.0.2.4", 5);
  change.from_before = {address("203.0.113.9")};
  change.from = {address("203.0.113.1"), address("203.0.113.2")};
  change.timeout = base::seconds{6};
  change.label = {std::string("c\0ll", 4), "audio", pinhole::Component::data, 7};
  change.cause = pinhole::Cause::fork;
  change.time = base::TimePoint{base::Duration{8}};
  change.announced_by = address("203.0.113.3");
  findings.outcome.changes.push_back(change);
  findings.outcome.refusals.push_back({base::Protocol::udp,
                                       "phone.example",
                                       70000,
                                       {"call", "message", pinhole::Component::rtp},
                                       pinhole::Cause::other_side,
                                       base::TimePoint{base::Duration{9}}});
  findings.outcome.unread.push_back({{message::UnreadCause::encoding, "Content-Encoding gzip"},
                                     base::Protocol::tcp,
                                     {address("203.0.113.5"), 5060},
                                     {address("192.0.2.10"), 5061},
                                     "call",
                                     base::TimePoint{base::Duration{9}}});
  findings.outcome.far_nats.push_back(
      {"call", address("10.0.0.5"), address("203.0.113.20"), base::TimePoint{base::Duration{16}}});
  findings.next_deadline = base::TimePoint{base::Duration{10}};
  findings.counters.sip_messages = 11;
  findings.closed = 13;
  findings.counters.streams.given_up[2] = 12;
  findings.connections.push_back({14, batch().connections.front()});
  findings.connections.push_back({15, std::nullopt});
  return findings;
}

Buffer encoded(const auto& value) {
  Buffer buffer;
  encode(value, buffer);
  return buffer;
}

TEST(InspectionCodec, WhatIsEncodedIsDecodedAsItWas) {
  const Buffer octets = encoded(batch());
  const auto got = decode_batch(octets).value();
  EXPECT_EQ(got.now, batch().now);
  EXPECT_TRUE(got.networks_changed);
  EXPECT_EQ(got.recovered, batch().recovered);
  EXPECT_EQ(got.connections, batch().connections);
  EXPECT_EQ(got.close, batch().close);
  EXPECT_EQ(got.media.front().key, batch().media.front().key);
  EXPECT_EQ(got.media.front().source, batch().media.front().source);
  EXPECT_EQ(got.media.front().seen, batch().media.front().seen);
  ASSERT_EQ(got.packets.size(), 2U);
  EXPECT_EQ(base::as_text(got.packets[0].octets), "a packet");
  EXPECT_EQ(got.packets[0].arrival, base::Interface{8});
  EXPECT_EQ(encoded(got), encoded(batch()));

  const auto found = decode_findings(encoded(findings())).value();
  EXPECT_EQ(encoded(found), encoded(findings()));
  EXPECT_EQ(found.packets.front().reading.destination.port, 3);
  const pinhole::Change& change = found.outcome.changes.front();
  EXPECT_EQ(change.key, key("192.0.2.4", 5));
  EXPECT_EQ(change.from.size(), 2U);
  EXPECT_EQ(change.label.call_id, std::string("c\0ll", 4));
  EXPECT_EQ(change.label.call_hash, 7U);
  EXPECT_EQ(change.cause, pinhole::Cause::fork);
  EXPECT_EQ(change.announced_by, address("203.0.113.3"));
  EXPECT_EQ(found.outcome.refusals.front().port, 70000U);
  EXPECT_EQ(found.outcome.unread.front().what, findings().outcome.unread.front().what);
  EXPECT_EQ(found.outcome.unread.front().destination.port, 5061);
  EXPECT_EQ(found.outcome.far_nats.front().source, address("203.0.113.20"));
  EXPECT_EQ(found.counters.streams.given_up[2], 12U);
}

TEST(InspectionCodec, AnythingCutShortOrWithMoreBehindItIsNone) {
  const Buffer a = encoded(batch());
  const Buffer b = encoded(findings());
  for (std::size_t length = 0; length < a.size(); ++length)
    EXPECT_FALSE(decode_batch(base::Bytes(a).first(length))) << length;
  for (std::size_t length = 0; length < b.size(); ++length)
    EXPECT_FALSE(decode_findings(base::Bytes(b).first(length))) << length;
  Buffer longer = b;
  longer.push_back(0);
  EXPECT_FALSE(decode_findings(longer));
}

// Whatever is decoded is a value of its type: it can be encoded again.
TEST(InspectionCodec, NoOctetsCrashIt) {
  std::mt19937 random(1);
  const Buffer good = encoded(findings());
  unsigned read = 0;
  for (int i = 0; i < 20'000; ++i) {
    Buffer bad = good;
    for (auto changes = 1 + random() % 3; changes > 0; --changes)
      bad[random() % bad.size()] = static_cast<std::uint8_t>(random());
    if (const auto value = decode_findings(bad)) {
      ++read;
      const Buffer again = encoded(*value);
      EXPECT_EQ(encoded(*decode_findings(again)), again);
    }
    (void)decode_batch(bad);
  }
  EXPECT_GT(read, 100U);
}

TEST(InspectionCodec, ValuesThatDoNotExistAreNone) {
  auto with = [](auto change) {
    Findings changed = findings();
    change(changed);
    return decode_findings(encoded(changed)).has_value();
  };
  EXPECT_TRUE(with([](Findings&) {}));
  EXPECT_FALSE(with([](Findings& f) { f.outcome.changes[0].kind = pinhole::Change::Kind{4}; }));
  EXPECT_FALSE(with([](Findings& f) { f.outcome.changes[0].cause = pinhole::Cause{200}; }));
  EXPECT_FALSE(with([](Findings& f) { f.outcome.changes[0].key.protocol = base::Protocol{1}; }));
  EXPECT_FALSE(with([](Findings& f) { f.outcome.changes[0].label.component = pinhole::Component{3}; }));
  EXPECT_FALSE(
      with([](Findings& f) { std::swap(f.outcome.changes[0].from[0], f.outcome.changes[0].from[1]); }));
  EXPECT_FALSE(with([](Findings& f) { f.packets[0].reading.kind = Reading::Kind{9}; }));
  Findings strange = findings();
  strange.outcome.changes[0].label.media = "\x1b[2J";
  EXPECT_EQ(decode_findings(encoded(strange))->outcome.changes[0].label.media, "other");
}

// ---- Attacks
// ------------------------------------------------------------------------------------------------

bool decodes(auto change) {
  Findings changed = findings();
  change(changed);
  return decode_findings(encoded(changed)).has_value();
}

TEST(InspectionCodec, A23_SourcesAreOfTheFamilyOfTheirPinholeAndInOrder) {
  EXPECT_FALSE(decodes([](Findings& f) { f.outcome.changes[0].from = {address("2001:db8::1")}; }));
  EXPECT_FALSE(decodes([](Findings& f) { f.outcome.changes[0].key = key("2001:db8::1", 5); }));
  EXPECT_FALSE(decodes([](Findings& f) {
    f.outcome.changes[0].from = {address("203.0.113.1"), address("203.0.113.1")};
  }));
}

// An IPv4 address has four octets; its frame may hold no others.
TEST(InspectionCodec, A23_AnAddressHasTheOctetsOfItsFamily) {
  Buffer octets = encoded(AddressQuestion{address("192.0.2.1"), base::Interface{1}});
  EXPECT_TRUE(decode_address_question(octets));
  octets[16] = 22;
  EXPECT_FALSE(decode_address_question(octets));
}

TEST(InspectionCodec, A25_ARefusalCarriesNoHash) {
  EXPECT_FALSE(decodes([](Findings& f) { f.outcome.refusals[0].label.call_hash = 7; }));
  EXPECT_FALSE(decodes([](Findings& f) { f.outcome.unread[0].what.cause = message::UnreadCause(11); }));
  EXPECT_FALSE(decodes([](Findings& f) { f.outcome.unread[0].protocol = base::Protocol(1); }));
  EXPECT_FALSE(decodes([](Findings& f) { f.outcome.unread[0].source.address = address("2001:db8::1"); }));
}

TEST(InspectionCodec, A25_BehindANatAreOnlyPrivateAddresses) {
  const auto with = [](std::string_view announced, std::string_view source) {
    return decodes([&](Findings& f) {
      f.outcome.far_nats[0].announced = address(announced);
      f.outcome.far_nats[0].source = address(source);
    });
  };
  EXPECT_TRUE(with("192.168.1.2", "203.0.113.20"));
  EXPECT_TRUE(with("fd00::5", "2001:db8::20"));
  EXPECT_FALSE(with("198.51.100.4", "203.0.113.20"));
  EXPECT_FALSE(with("10.0.0.5", "10.0.0.6"));
  EXPECT_FALSE(with("10.0.0.5", "2001:db8::20"));
  EXPECT_FALSE(with("10.0.0.5", "127.0.0.1"));
}

TEST(InspectionCodec, A25_CausesAreThoseOfTheirKind) {
  EXPECT_FALSE(decodes([](Findings& f) { f.outcome.changes[0].cause = pinhole::Cause::limit; }));
  EXPECT_FALSE(decodes([](Findings& f) { f.outcome.refusals[0].cause = pinhole::Cause::bye; }));
  EXPECT_TRUE(decodes([](Findings& f) { f.outcome.refusals[0].cause = pinhole::Cause::requested; }))
      << "of a call that the operator has closed";
}

TEST(InspectionCodec, A26_ChangesAndSourcesOfABatchAreBounded) {
  const auto with = [](std::size_t changes, std::size_t sources) {
    return decodes([&](Findings& f) {
      pinhole::Change change = f.outcome.changes[0];
      change.from.clear();
      for (std::uint32_t i = 0; i < sources; ++i) {
        change.from.push_back(
            base::Address::v4({10, static_cast<std::uint8_t>(i >> 16), static_cast<std::uint8_t>(i >> 8),
                               static_cast<std::uint8_t>(i)}));
      }
      f.outcome.changes.assign(changes, change);
    });
  };
  EXPECT_TRUE(with(base::limits::changes_per_batch, 0));
  EXPECT_FALSE(with(base::limits::changes_per_batch + 1, 0));
  EXPECT_TRUE(with(64, base::limits::sources_per_batch / 64));
  EXPECT_FALSE(with(65, base::limits::sources_per_batch / 64));
}

// The largest that the settings allow, with the longest of all texts.
TEST(InspectionCodec, A26_ACallThatReplacesAllItsPinholesHasRoom) {
  std::size_t pinholes = 0;
  for (std::size_t some = 1;
       system::parse_config("[limits]\npinholes-per-call = " + std::to_string(some), ""); some *= 2)
    pinholes = some;
  ASSERT_GE(pinholes, 256U);
  EXPECT_TRUE(decodes([&](Findings& f) {
    pinhole::Change change = f.outcome.changes[0];
    change.label.call_id.assign(base::limits::call_id_length, 'x');
    change.from.resize(1, address("203.0.113.1"));
    f.outcome.changes.assign(2 * pinholes + base::limits::enough_findings, change);
  }));
  EXPECT_LE(2 * pinholes + base::limits::enough_findings, base::limits::changes_per_batch);
}

// 400,000 refreshes took 208 MB.
TEST(InspectionCodec, A26_WhatIsReadTakesNoMoreThanItsBound) {
  EXPECT_FALSE(decodes([](Findings& f) {
    f.outcome.refusals.assign(base::limits::inspection_memory / sizeof(pinhole::Refusal),
                              f.outcome.refusals[0]);
  }));
  // The claim alone costs nothing: an element of a list takes as many octets as it must.
  Findings none;
  Buffer octets = encoded(none);
  const std::uint32_t count = 1'000'000;
  std::memcpy(octets.data() + 4, &count, sizeof count);  // behind the number of packets: that of changes
  octets.resize(octets.size() + count);
  EXPECT_FALSE(decode_findings(octets));
}

}  // namespace
}  // namespace dpinholer::codec
