// SPDX-License-Identifier: GPL-2.0-or-later
#include "system/call_log.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>

#include "base/limits.h"
#include "support/host.h"

namespace dpinholer::system {
namespace {

using pinhole::Cause;
using pinhole::Change;
using pinhole::Component;

class CallLogTest : public testing::Test {
 protected:
  CallLogTest()
      : log_([this](const std::string& text, const std::vector<log::Field>& fields) {
          lines_.push_back(text);
          fields_ = fields;
        }) {}

  static Change change(std::string_view address, std::uint16_t port, Cause cause, int second = 0,
                       std::string call_id = "a@b", Component component = Component::rtp) {
    Change made;
    made.key.destination = {base::Address::parse(address).value(), port};
    made.label = {std::move(call_id), "audio", component};
    made.cause = cause;
    made.time = base::TimePoint{std::chrono::seconds{second}};
    return made;
  }
  void open(std::string_view address, std::uint16_t port, std::string call_id = "a@b",
            Component component = Component::rtp) {
    log_.opened(change(address, port, Cause::offer, 0, std::move(call_id), component));
  }
  void close(std::string_view address, std::uint16_t port, std::uint64_t packets, Cause cause = Cause::bye,
             std::string call_id = "a@b", Component component = Component::rtp,
             const std::vector<std::string>& from = {}, bool lost = false) {
    Change made = change(address, port, cause, 61, std::move(call_id), component);
    for (const std::string& source : from) made.from.push_back(base::Address::parse(source).value());
    log_.closed(made, made.label, packets, lost);
  }
  void close_with_lost_counts(std::string_view address, std::uint16_t port, std::uint64_t packets) {
    close(address, port, packets, Cause::bye, "a@b", Component::rtp, {}, true);
  }

  std::vector<std::string> lines_;
  std::vector<log::Field> fields_;
  CallLog log_;
};

TEST_F(CallLogTest, TellsACallFromItsFirstPinholeToItsLast) {
  open("192.0.2.10", 30000);
  open("192.0.2.10", 30001, "a@b", Component::rtcp);
  log_.flush();
  open("203.0.113.5", 40000);
  log_.flush();
  close("192.0.2.10", 30000, 2999);
  log_.flush();
  close("192.0.2.10", 30001, 12, Cause::bye, "a@b", Component::rtcp);
  close("203.0.113.5", 40000, 2990);
  log_.flush();
  EXPECT_EQ(lines_,
            (std::vector<std::string>{
                "call a@b opened (offer): media to 192.0.2.10:30000, 192.0.2.10:30001",
                "call a@b closed (bye) after 61 s: 2999 packets to 192.0.2.10, 2990 to 203.0.113.5"}));
  EXPECT_TRUE(log_.calls().empty());
}

TEST_F(CallLogTest, NamesACallWhoseMediaWentOneWayOnly) {
  open("192.0.2.10", 30000);
  open("203.0.113.5", 40000);
  close("192.0.2.10", 30000, 100);
  close("203.0.113.5", 40000, 0);
  log_.flush();
  EXPECT_EQ(lines_.back(),
            "call a@b closed (bye) after 61 s, one way only: 100 packets to 192.0.2.10, 0 to 203.0.113.5; "
            "nobody sent to 203.0.113.5 port 40000");
  EXPECT_EQ(fields_.back().name, "ONE_WAY");
}

// Who may send is known; what others sent there was dropped, and nobody counted it.
TEST_F(CallLogTest, NamesTheSideThatSentNothing) {
  open("192.0.2.10", 30000);
  open("203.0.113.5", 40000);
  open("203.0.113.5", 40001, "a@b", Component::rtcp);
  close("192.0.2.10", 30000, 100, Cause::bye, "a@b", Component::rtp, {"203.0.113.5"});
  close("203.0.113.5", 40000, 0, Cause::bye, "a@b", Component::rtp, {"192.0.2.10", "192.0.2.11"});
  close("203.0.113.5", 40001, 0, Cause::bye, "a@b", Component::rtcp, {"192.0.2.10"});
  log_.flush();
  EXPECT_EQ(lines_.back(),
            "call a@b closed (bye) after 61 s, one way only: 100 packets to 192.0.2.10, 0 to 203.0.113.5; "
            "nothing came to 203.0.113.5 port 40000 from 192.0.2.10 or 192.0.2.11; "
            "anything sent there from another address was dropped");
  EXPECT_EQ(fields_.back().name, "SILENT");
  EXPECT_EQ(fields_.back().value, "192.0.2.10");
}

// ICE: candidates that were not chosen are silent too.
TEST_F(CallLogTest, NamesAWayToThePartyThatHeardNothing) {
  open("192.0.2.10", 30000);
  open("192.0.2.99", 30000);
  open("203.0.113.5", 40000);
  close("192.0.2.10", 30000, 100, Cause::bye, "a@b", Component::rtp, {"203.0.113.5"});
  close("192.0.2.99", 30000, 0, Cause::bye, "a@b", Component::rtp, {"203.0.113.5"});
  close("203.0.113.5", 40000, 0, Cause::bye, "a@b", Component::rtp, {"192.0.2.10", "192.0.2.99"});
  log_.flush();
  EXPECT_NE(lines_.back().find("nothing came to 203.0.113.5 port 40000 from "), std::string::npos)
      << lines_.back();
}

// media.local without a jump on the output hook: what the server at 203.0.113.1 sends meets no set.
class OwnMediaTest : public CallLogTest {
 protected:
  OwnMediaTest() {
    host_.own = {base::Address::parse("203.0.113.1").value(), base::Address::parse("192.0.2.1").value()};
    log_ = CallLog([this](const std::string& text, const auto&) { lines_.push_back(text); }, true,
                   base::seconds{300}, base::seconds{3600}, &own_);
  }

  void talk(std::uint64_t to_server, std::uint64_t to_phone, const std::vector<std::string>& from_server) {
    open("203.0.113.1", 35000);
    open("203.0.113.5", 40000);
    close("203.0.113.1", 35000, to_server, Cause::bye, "a@b", Component::rtp, {"203.0.113.5"});
    close("203.0.113.5", 40000, to_phone, Cause::bye, "a@b", Component::rtp, from_server);
    log_.flush();
  }
  void see(std::string_view source, std::string_view to = "203.0.113.5") {
    own_.note_counted({base::Protocol::udp, {base::Address::parse(to).value(), 40000}},
                      base::Address::parse(source).value());
  }

  struct : test::FakeHost {
    std::size_t asked = 0;
    std::vector<base::Interface> owners(const base::Address& address) override {
      ++asked;
      return FakeHost::owners(address);
    }
  } host_;
  pinhole::OwnMedia own_{host_, true};
  const std::string begin_ = "call a@b closed (bye) after 61 s";
};

TEST_F(OwnMediaTest, WhatIsNotCountedIsNotCalledSilent) {
  talk(100, 0, {"203.0.113.1"});
  EXPECT_EQ(lines_.back(),
            begin_ + ": 100 packets to 203.0.113.1; what this host sent to 203.0.113.5 is not counted");
  talk(0, 0, {"203.0.113.1"});
  EXPECT_EQ(lines_.back(),
            begin_ + ": 0 packets to 203.0.113.1; what this host sent to 203.0.113.5 is not counted");
  talk(100, 90, {"203.0.113.1"});
  EXPECT_EQ(lines_.back(), begin_ + ": 100 packets to 203.0.113.1, 90 to 203.0.113.5");
}

TEST_F(OwnMediaTest, WhatIsCountedAndSilentIsOneWay) {
  see("203.0.113.1");
  talk(100, 0, {"203.0.113.1"});
  EXPECT_EQ(lines_.back(),
            begin_ +
                ", one way only: 100 packets to 203.0.113.1, 0 to 203.0.113.5; nothing came to "
                "203.0.113.5 port 40000 from 203.0.113.1; anything sent there from another address "
                "was dropped");
  own_.forget();  // the rules are others
  talk(100, 0, {"203.0.113.1"});
  EXPECT_EQ(lines_.back(),
            begin_ + ": 100 packets to 203.0.113.1; what this host sent to 203.0.113.5 is not counted");
}

// A jump may be for one interface only; and what stays on this host comes by the loopback.
TEST_F(OwnMediaTest, WhatIsCountedOfOneAddressSaysNothingOfAnother) {
  see("192.0.2.1");
  see("203.0.113.1", "192.0.2.1");
  see("198.51.100.7");
  talk(100, 0, {"203.0.113.1"});
  EXPECT_EQ(lines_.back(),
            begin_ + ": 100 packets to 203.0.113.1; what this host sent to 203.0.113.5 is not counted");
}

// A proxy on this host: media of a phone inside passes by it.
TEST_F(OwnMediaTest, WhatOthersMaySendIsSeen) {
  talk(100, 0, {"192.0.2.10", "203.0.113.1"});
  EXPECT_NE(lines_.back().find(", one way only: "), std::string::npos) << lines_.back();
  // The phone sends nothing to the server.
  talk(0, 100, {"203.0.113.1"});
  EXPECT_EQ(lines_.back(),
            begin_ +
                ", one way only: 0 packets to 203.0.113.1, 100 to 203.0.113.5; nothing came to "
                "203.0.113.1 port 35000 from 203.0.113.5; anything sent there from another address "
                "was dropped");
}

// An engine beside a proxy on this host: two phones and two ports of its own in one call.
TEST_F(OwnMediaTest, ASilentPhoneIsNamedWhereAnEngineRelays) {
  open("203.0.113.1", 35000);
  open("192.0.2.1", 35002);
  open("203.0.113.5", 40000);
  open("192.0.2.10", 30000);
  close("203.0.113.1", 35000, 100, Cause::bye, "a@b", Component::rtp, {"203.0.113.5"});
  close("192.0.2.1", 35002, 0, Cause::bye, "a@b", Component::rtp, {"192.0.2.10"});
  close("203.0.113.5", 40000, 0, Cause::bye, "a@b", Component::rtp, {"203.0.113.1"});
  close("192.0.2.10", 30000, 0, Cause::bye, "a@b", Component::rtp, {"192.0.2.1"});
  log_.flush();
  EXPECT_EQ(lines_.back(), begin_ +
                               ", one way only: 0 packets to 192.0.2.1, 100 to 203.0.113.1; what this "
                               "host sent to 192.0.2.10 or 203.0.113.5 is not counted; nothing came to "
                               "192.0.2.1 port 35002 from 192.0.2.10; anything sent there from another "
                               "address was dropped");
}

// media.source = "any"
TEST_F(OwnMediaTest, WithoutSourcesTheOtherEndIsTheSender) {
  talk(100, 0, {});
  EXPECT_EQ(lines_.back(),
            begin_ + ": 100 packets to 203.0.113.1; what this host sent to 203.0.113.5 is not counted");
  talk(100, 90, {});
  talk(100, 0, {});
  EXPECT_NE(lines_.back().find(", one way only: "), std::string::npos) << lines_.back();
}

// An offer with many candidates, which nobody has answered.
TEST_F(OwnMediaTest, A19_AsksAboutEachAddressOnceHoweverManyThereAre) {
  constexpr std::uint16_t many = 200;
  for (std::uint16_t i = 0; i < many; ++i) open("2001:db8::" + std::to_string(i + 1), 30000);
  log_.flush();
  for (std::uint16_t i = 0; i < many; ++i)
    close("2001:db8::" + std::to_string(i + 1), 30000, 0, Cause::early_timeout);
  log_.flush();
  EXPECT_LE(host_.asked, many);
}

TEST_F(OwnMediaTest, WithoutMediaLocalAllPassesTheForwardChain) {
  own_.set_local(false);
  talk(100, 0, {"203.0.113.1"});
  EXPECT_NE(lines_.back().find(", one way only: "), std::string::npos) << lines_.back();
}

// What passes back as an established flow meets no set.
TEST_F(CallLogTest, SaysOnceThatAPartyIsBehindANat) {
  const auto nat = [](const std::string& call_id) {
    return pinhole::FarNat{
        call_id, base::Address::parse("10.0.0.5").value(), base::Address::parse("203.0.113.20").value(), {}};
  };
  open("192.0.2.10", 30000, "a\n@b");
  open("10.0.0.5", 40000, "a\n@b");
  log_.flush();
  EXPECT_FALSE(log_.behind_nat(nat("a\n@b"))) << "nobody has answered";
  Change bind = change("192.0.2.10", 30000, Cause::answer, 0, "a\n@b");
  bind.kind = Change::Kind::bind;
  bind.from = {base::Address::parse("203.0.113.20").value()};
  log_.changed(bind, bind.label);
  EXPECT_TRUE(log_.behind_nat(nat("a\n@b")));
  EXPECT_EQ(
      lines_.back(),
      "call a\\x0a@b: 203.0.113.20 announces 10.0.0.5, behind a NAT of its own: media comes back to it by "
      "connection tracking only");
  EXPECT_EQ(fields_.back().name, "NAT");
  EXPECT_FALSE(log_.behind_nat(nat("a\n@b")));
  EXPECT_FALSE(log_.behind_nat(nat("unknown")));
  close("192.0.2.10", 30000, 100, Cause::bye, "a\n@b", Component::rtp, {"10.0.0.5", "203.0.113.20"});
  close("10.0.0.5", 40000, 0, Cause::bye, "a\n@b", Component::rtp, {"192.0.2.10"});
  log_.flush();
  EXPECT_EQ(lines_.back(),
            "call a\\x0a@b closed (bye) after 61 s: 100 packets to 192.0.2.10; what went back to "
            "203.0.113.20 is not counted");
}

TEST_F(CallLogTest, NamesAPublicAddressOnceForAllThatAreBehindIt) {
  const auto public_one = base::Address::parse("203.0.113.20").value();
  for (const char* address : {"192.0.2.10", "10.0.0.5", "10.0.0.6"}) open(address, 30000);
  Change bind = change("192.0.2.10", 30000, Cause::answer);
  bind.kind = Change::Kind::bind;
  bind.from = {public_one};
  log_.changed(bind, bind.label);
  for (const char* address : {"10.0.0.5", "10.0.0.6"})
    EXPECT_TRUE(log_.behind_nat({"a@b", base::Address::parse(address).value(), public_one, {}}));
  close("192.0.2.10", 30000, 7);
  for (const char* address : {"10.0.0.5", "10.0.0.6"}) close(address, 30000, 0);
  log_.flush();
  EXPECT_EQ(lines_.back(),
            "call a@b closed (bye) after 61 s: 7 packets to 192.0.2.10; what went back to "
            "203.0.113.20 is not counted");
}

TEST_F(CallLogTest, A20_NoMoreThanSomeAddressesBehindANatAreTold) {
  open("192.0.2.10", 30000);
  Change bind = change("192.0.2.10", 30000, Cause::answer);
  bind.kind = Change::Kind::bind;
  bind.from = {base::Address::parse("203.0.113.20").value()};
  log_.changed(bind, bind.label);
  std::size_t told = 0;
  for (std::uint8_t i = 0; i < 100; ++i) {
    told +=
        log_.behind_nat({"a@b", base::Address::v4({10, 0, 0, i}), base::Address::v4({203, 0, 113, 20}), {}})
            ? 1
            : 0;
  }
  EXPECT_EQ(told, base::limits::nats_per_call);
  EXPECT_EQ(std::ranges::count_if(lines_, [](const auto& line) { return line.find("NAT") != line.npos; }), 1)
      << "one party";
}

// After `flush ruleset` nobody knows what had passed.
TEST_F(CallLogTest, SaysNothingOfSilenceWhereCountsAreLost) {
  for (const std::uint64_t packets : {100U, 0U}) {
    open("192.0.2.10", 30000);
    open("203.0.113.5", 40000);
    close("192.0.2.10", 30000, packets);
    close_with_lost_counts("203.0.113.5", 40000, 0);
    log_.flush();
    EXPECT_EQ(lines_.back(),
              "call a@b closed (bye) after 61 s: " + std::to_string(packets) +
                  " packets to 192.0.2.10, 0 to 203.0.113.5; what elements had counted before a "
                  "reload or a restart is missing");
    EXPECT_EQ(fields_.back().name, "COUNTS_LOST");
  }
}

TEST_F(CallLogTest, DoesNotCallEarlyMediaOneWay) {
  open("192.0.2.10", 30000);
  open("203.0.113.5", 40000);
  close("192.0.2.10", 30000, 100, Cause::cancelled);
  close("203.0.113.5", 40000, 0, Cause::cancelled);
  log_.flush();
  EXPECT_EQ(lines_.back(),
            "call a@b closed (cancelled) after 61 s: 100 packets to 192.0.2.10, 0 to 203.0.113.5");
}

TEST_F(CallLogTest, CountsNoRtcp) {
  open("192.0.2.10", 30000);
  open("203.0.113.5", 40001, "a@b", Component::rtcp);
  close("192.0.2.10", 30000, 0);
  close("203.0.113.5", 40001, 7, Cause::bye, "a@b", Component::rtcp);
  log_.flush();
  EXPECT_EQ(lines_.back(), "call a@b closed (bye) after 61 s, no media");
}

TEST_F(CallLogTest, TellsACallThatOpensAndClosesAtOnce) {
  open("192.0.2.10", 30000);
  close("192.0.2.10", 30000, 0, Cause::rejected);
  log_.flush();
  EXPECT_EQ(lines_.size(), 2U);
}

TEST_F(CallLogTest, A19_StaysShortWhateverTheCallHas) {
  for (std::uint16_t i = 0; i < 100; ++i) open("2001:db8::" + std::to_string(i + 1), 30000);
  log_.flush();
  for (std::uint16_t i = 0; i < 100; ++i) close("2001:db8::" + std::to_string(i + 1), 30000, 1);
  log_.flush();
  ASSERT_EQ(lines_.size(), 2U);
  EXPECT_TRUE(lines_[0].ends_with("[2001:db8::4]:30000 and 96 more")) << lines_[0];
  EXPECT_TRUE(lines_[1].ends_with(" and 96 more")) << lines_[1];
}

TEST_F(CallLogTest, A19_EscapesTheCallId) {
  open("192.0.2.10", 30000, "a\n\x1b[2Jb");
  log_.flush();
  EXPECT_TRUE(lines_.back().starts_with("call a\\x0a\\x1b[2Jb opened (")) << lines_.back();
  EXPECT_EQ(fields_.front().value, "a\n\x1b[2Jb");
}

TEST_F(CallLogTest, KnowsWhichCallsAreAnswered) {
  open("192.0.2.10", 30000);
  open("192.0.2.10", 30002, "b@b");
  log_.flush();
  EXPECT_EQ(log_.answered(), 0U);
  Change bind = change("192.0.2.10", 30000, Cause::answer);
  bind.kind = Change::Kind::bind;
  bind.from = {base::Address::parse("203.0.113.5").value()};
  log_.changed(bind, bind.label);
  log_.changed(bind, bind.label);
  EXPECT_EQ(log_.answered(), 1U);
  EXPECT_TRUE(log_.calls().at("a@b").answered);
  EXPECT_FALSE(log_.calls().at("b@b").answered);
  // source = "any" binds nothing: how long its elements live tells.
  Change refresh = change("192.0.2.10", 30002, Cause::answer, 0, "b@b");
  refresh.kind = Change::Kind::refresh;
  refresh.timeout = base::seconds{180};
  log_.changed(refresh, refresh.label);
  EXPECT_EQ(log_.answered(), 1U);
  refresh.timeout = base::seconds{300};
  log_.changed(refresh, refresh.label);
  EXPECT_EQ(log_.answered(), 2U);
  close("192.0.2.10", 30000, 0);
  close("192.0.2.10", 30002, 0, Cause::bye, "b@b");
  log_.flush();
  EXPECT_EQ(log_.answered(), 0U);
}

TEST_F(CallLogTest, IgnoresWhatItDoesNotKnow) {
  close("192.0.2.10", 30000, 1);
  log_.flush();
  EXPECT_TRUE(lines_.empty());
}

// observe = true
TEST_F(CallLogTest, WhereNothingIsCountedNothingIsSaidAboutMedia) {
  log_ = CallLog(
      [this](const std::string& text, const std::vector<log::Field>& fields) {
        lines_.push_back(text);
        fields_ = fields;
      },
      false);
  open("192.0.2.2", 30000);
  close("192.0.2.2", 30000, 0);
  log_.flush();
  EXPECT_EQ(lines_.back(), "call a@b closed (bye) after 61 s");
  for (const log::Field& field : fields_) EXPECT_NE(field.name, "PACKETS");
}

// Anybody can make calls that nobody answers.
TEST_F(CallLogTest, A6_CallsThatNobodyAnswersAreRationed) {
  const auto flood = [this](int second, int count) {
    for (int i = 0; i < count; ++i) {
      const std::string call_id = std::to_string(second) + "-" + std::to_string(i);
      log_.opened(change("198.51.100.66", 6000, Cause::offer, second, call_id));
      log_.flush();
      const Change closing = change("198.51.100.66", 6000, Cause::early_timeout, second, call_id);
      log_.closed(closing, closing.label, 0);
      log_.flush();
    }
  };
  flood(0, 5000);
  EXPECT_EQ(lines_.size(), 2U * base::limits::unanswered_told) << "each with its beginning and its end";
  lines_.clear();

  open("192.0.2.10", 30000, "true");
  log_.flush();
  EXPECT_EQ(lines_, std::vector<std::string>{});
  Change answer = change("203.0.113.5", 40000, Cause::answer, 0, "true");
  answer.from.push_back(base::Address::parse("192.0.2.10").value());
  log_.opened(answer);
  log_.flush();
  close("192.0.2.10", 30000, 100, Cause::bye, "true");
  close("203.0.113.5", 40000, 90, Cause::bye, "true");
  log_.flush();
  EXPECT_EQ(lines_, (std::vector<std::string>{
                        "call true opened (offer): media to 203.0.113.5:40000",
                        "call true closed (bye) after 61 s: 100 packets to 192.0.2.10, 90 to 203.0.113.5"}));
  lines_.clear();

  flood(3600, 1);
  EXPECT_EQ(lines_.size(), 3U);
  EXPECT_EQ(lines_.front(), "4000 calls that nobody answered are not logged");
  EXPECT_TRUE(log_.calls().empty());
}

// Whose beginning was not told: its end is, if it was a talk.
TEST_F(CallLogTest, A6_ACallWhoseAnswerOpensNothingIsTold) {
  for (std::size_t i = 0; i < base::limits::unanswered_told; ++i) {
    open("198.51.100.66", 6000, std::to_string(i));
    log_.flush();
  }
  lines_.clear();
  open("192.0.2.10", 30000, "true");
  log_.flush();
  close("192.0.2.10", 30000, 100, Cause::bye, "true");
  log_.flush();
  EXPECT_EQ(lines_, std::vector<std::string>{"call true closed (bye) after 61 s: 100 packets to 192.0.2.10"});
}

}  // namespace
}  // namespace dpinholer::system
