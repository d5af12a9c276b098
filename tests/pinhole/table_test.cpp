// SPDX-License-Identifier: GPL-2.0-or-later
// The pinholes that are to be open: opened by the first call that wants them, closed by the last.
#include "pinhole/table.h"

#include <gtest/gtest.h>

#include <string>

namespace dpinholer::pinhole {
namespace {

base::Address address(std::string_view text) {
  return base::Address::parse(text).value();
}

Key key(std::uint16_t port, std::string_view where = "192.0.2.10") {
  return {base::Protocol::udp, {address(where), port}};
}

Want want(std::uint16_t port, const std::vector<std::string>& from = {}, int timeout = 180) {
  Want wanted;
  wanted.key = key(port);
  for (const std::string& source : from) wanted.from.push_back(address(source));
  wanted.timeout = base::seconds{timeout};
  wanted.media = negotiation::Media::audio;
  return wanted;
}

Want held(std::uint16_t port) {
  Want wanted = want(port);
  wanted.held = true;
  return wanted;
}

std::string sources(const std::vector<base::Address>& from) {
  std::string text;
  for (const auto& source : from) text += (text.empty() ? "" : ",") + source.to_string();
  return from.empty() ? "any" : text;
}

class TableTest : public testing::Test {
 protected:
  // "open 30000 any 180 offer\n"
  std::string update(CallSerial call, const std::vector<Want>& wants, Table::Reason reason = {}) {
    const std::string call_id = "call" + std::to_string(call);
    reason.call = call;
    reason.call_id = call_id;
    std::vector<Change> changes;
    table_.update(reason, wants, changes);
    std::string text;
    for (const Change& change : changes) {
      EXPECT_EQ(change.label.call_id, call_id);
      EXPECT_EQ(change.label.media, "audio");
      const std::string port = std::to_string(change.key.destination.port) + " ";
      const std::string rest =
          std::to_string(change.timeout.count()) + " " + std::string(name(change.cause)) + "\n";
      switch (change.kind) {
        case Change::Kind::open:
          text += "open " + port + sources(change.from) + " " + rest;
          break;
        case Change::Kind::bind:
          text += "bind " + port + sources(change.from_before) + " to " + sources(change.from) + " " + rest;
          break;
        case Change::Kind::refresh:
          EXPECT_EQ(change.from_before, change.from);
          text += "refresh " + port + sources(change.from) + " " + rest;
          break;
        case Change::Kind::close:
          EXPECT_EQ(change.from_before, change.from);
          text += "close " + port + sources(change.from) + " " + std::string(name(change.cause)) + "\n";
          break;
      }
    }
    return text;
  }

  static Table::Reason answered() {
    Table::Reason reason;
    reason.opened = Cause::answer;
    reason.described = true;
    return reason;
  }
  static Table::Reason ended(Cause cause) {
    Table::Reason reason;
    reason.closed = cause;
    return reason;
  }

  Table table_{base::HashKey{}};
};

TEST_F(TableTest, OpensBindsAndCloses) {
  EXPECT_EQ(update(1, {want(30000), want(30001)}), "open 30000 any 180 offer\nopen 30001 any 180 offer\n");
  EXPECT_EQ(update(1, {want(30000), want(30001)}), "") << "the same again changes nothing";
  EXPECT_EQ(update(1, {want(30000, {"203.0.113.5"}, 300)}, answered()),
            "bind 30000 any to 203.0.113.5 300 answer\nclose 30001 any replaced\n");
  EXPECT_EQ(update(1, {}, ended(Cause::bye)), "close 30000 203.0.113.5 bye\n");
  EXPECT_EQ(table_.size(), 0U);
  EXPECT_EQ(update(1, {}, ended(Cause::bye)), "");
}

TEST_F(TableTest, SharedPinholeOpensOnceAndClosesWithTheLast) {
  EXPECT_EQ(update(1, {want(30000)}), "open 30000 any 180 offer\n");
  EXPECT_EQ(update(2, {want(30000)}), "");
  EXPECT_EQ(update(3, {want(30000)}), "");
  EXPECT_EQ(table_.owners(key(30000), std::nullopt), (std::vector<CallSerial>{1, 2, 3}));
  EXPECT_EQ(update(2, {}, ended(Cause::bye)), "");
  EXPECT_EQ(update(1, {}, ended(Cause::bye)), "");
  EXPECT_EQ(update(3, {}, ended(Cause::rejected)), "close 30000 any rejected\n");
}

TEST_F(TableTest, SharedPinholeHasTheSourcesOfAll) {
  update(1, {want(30000, {"203.0.113.5"}, 300)});
  EXPECT_EQ(update(2, {want(30000)}), "") << "A27: an offer adds nothing to what is bound";
  EXPECT_TRUE(table_.is_bound(key(30000)));
  EXPECT_EQ(update(2, {want(30000, {"203.0.113.9"}, 300)}, answered()),
            "bind 30000 203.0.113.5 to 203.0.113.5,203.0.113.9 300 answer\n");
  EXPECT_TRUE(table_.passes(key(30000), address("203.0.113.5")));
  EXPECT_TRUE(table_.passes(key(30000), address("203.0.113.9")));
  EXPECT_FALSE(table_.passes(key(30000), address("198.51.100.1")));
  EXPECT_EQ(update(1, {}, ended(Cause::bye)), "bind 30000 203.0.113.5,203.0.113.9 to 203.0.113.9 300 bye\n");
  EXPECT_FALSE(table_.passes(key(30000), address("203.0.113.5")));
}

TEST_F(TableTest, A27_OffersAddNothingWhateverTheirOrder) {
  update(1, {want(30000)});
  update(2, {want(30000)});
  EXPECT_FALSE(table_.is_bound(key(30000))) << "nobody is bound";
  EXPECT_EQ(update(2, {want(30000, {"203.0.113.9"}, 300)}, answered()),
            "bind 30000 any to 203.0.113.9 300 answer\n");
  EXPECT_EQ(update(3, {want(30000, {}, 600)}), "refresh 30000 203.0.113.9 600 replaced\n")
      << "it lives as long as the longest";
  EXPECT_FALSE(table_.passes(key(30000), address("198.51.100.1")));
  EXPECT_EQ(update(1, {}, ended(Cause::rejected)), "");
  EXPECT_EQ(update(2, {}, ended(Cause::bye)), "bind 30000 203.0.113.9 to any 600 bye\n")
      << "no longer held bound: the offer that is left is one like any other";
  EXPECT_TRUE(table_.widens_nothing());
}

TEST_F(TableTest, HeldPinholesCloseForThatReason) {
  update(1, {want(30000), want(30001)});
  EXPECT_EQ(update(1, {held(30000), want(30001)}, answered()), "close 30000 any held\n");
  EXPECT_EQ(update(1, {want(30000), want(30001)}, answered()), "open 30000 any 180 answer\n");
  EXPECT_EQ(update(1, {held(30000)}, answered()), "close 30000 any held\nclose 30001 any replaced\n");
}

TEST_F(TableTest, OnHoldAlreadyIsNoReasonToClose) {
  update(1, {want(30000)});
  EXPECT_EQ(update(1, {held(30000)}, ended(Cause::rejected)), "close 30000 any rejected\n")
      << "what a refused offer had opened beside a session on hold";
}

TEST_F(TableTest, RefreshStartsTheTimeoutsAgain) {
  update(1, {want(30000, {}, 180)});
  EXPECT_EQ(update(1, {want(30000, {}, 300)}), "refresh 30000 any 300 replaced\n") << "another timeout";
  Table::Reason sign_of_life;
  sign_of_life.refresh = true;
  EXPECT_EQ(update(1, {want(30000, {}, 300)}, sign_of_life), "refresh 30000 any 300 replaced\n");
}

TEST_F(TableTest, ProtocolAndAddressTellPinholesApart) {
  Want tcp = want(30000);
  tcp.key.protocol = base::Protocol::tcp;
  Want elsewhere = want(30000);
  elsewhere.key = key(30000, "192.0.2.11");
  Want ipv6 = want(30000);
  ipv6.key = key(30000, "c000:20a::");  // begins with the octets of 192.0.2.10
  update(1, {want(30000), tcp, elsewhere, ipv6});
  EXPECT_EQ(table_.size(), 4U);
  EXPECT_EQ(table_.pinholes(1).size(), 4U);
  update(1, {tcp});
  EXPECT_FALSE(table_.passes(key(30000), address("203.0.113.5")));
  EXPECT_TRUE(table_.passes(tcp.key, address("203.0.113.5")));
}

}  // namespace
}  // namespace dpinholer::pinhole
