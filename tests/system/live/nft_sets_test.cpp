// SPDX-License-Identifier: GPL-2.0-or-later
#include "system/nft_sets.h"

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <set>
#include <utility>

#include "base/limits.h"
#include "system/live/live.h"

namespace dpinholer::system {
namespace {

using live::Namespace;
using pinhole::ElementChange;
using pinhole::ElementKey;
using pinhole::Set;
using Kind = pinhole::ElementChange::Kind;
using std::chrono::milliseconds;

base::Address address(std::string_view text) {
  return base::Address::parse(text).value();
}

ElementKey key(Set set, std::uint16_t port = 30000) {
  const bool ipv4 = pinhole::family(set) == base::Family::ipv4;
  ElementKey made{set, std::nullopt, {address(ipv4 ? "192.0.2.10" : "2001:db8::10"), port}};
  if (pinhole::has_source(set)) made.source = address(ipv4 ? "203.0.113.5" : "2001:db8:1::5");
  return made;
}

ElementChange add(const ElementKey& key, int seconds = 180,
                  std::string comment = "audio rtp call=a id=0123456789abcdef") {
  return {Kind::add, key, base::seconds{seconds}, std::move(comment)};
}
ElementChange remove(const ElementKey& key) {
  return {Kind::remove, key, base::seconds{0}, ""};
}
ElementChange renew(const ElementKey& key, int seconds) {
  return {Kind::renew, key, base::seconds{seconds}, "renewed"};
}

class NftSetsTest : public live::LiveTest {
 protected:
  NftSets open_sets() {
    std::optional<NftSets> sets;
    home_.inside([&] { sets.emplace(TableName{}); });
    return std::move(*sets);
  }
  NftSets checked_sets() {
    live::load(home_, live::sets_ruleset());
    NftSets sets = open_sets();
    EXPECT_EQ(sets.faults(), std::vector<std::string>{});
    return sets;
  }
  std::string list(Set set) { return home_.run("nft list set inet filter " + std::string(name(set))); }

  Namespace home_;
};

TEST_F(NftSetsTest, FindNoFaultInTheSetsOfTheInclude) {
  checked_sets();
}

TEST_F(NftSetsTest, NameAMissingTable) {
  EXPECT_EQ(open_sets().faults(),
            std::vector<std::string>{
                "no table \"inet filter\": include dpinholer/dpinholer.nft in it, or name your own as kernel.table"});
}

TEST_F(NftSetsTest, SayWhatLoadsATableThatTheIncludeIsNotFor) {
  auto faults = [&](const TableName& table) {
    std::vector<std::string> found;
    home_.inside([&] { found = NftSets(table).faults(); });
    return found;
  };
  EXPECT_EQ(faults({"inet", "dpinholer"}),
            std::vector<std::string>{"no table \"inet dpinholer\": systemctl restart dpinholer-standalone"});
  EXPECT_EQ(faults({"ip", "filter"}),
            std::vector<std::string>{
                "no table \"ip filter\": name one of family inet as kernel.table, the only one for dpinholer.nft"});
}

TEST_F(NftSetsTest, NameEachMissingSet) {
  live::load(home_, live::sets_ruleset());
  home_.run("nft delete set inet filter sip_rtp4; nft delete set inet filter sip_tcp6_from");
  EXPECT_EQ(open_sets().faults(),
            (std::vector<std::string>{
                "no set \"sip_rtp4\" in table \"inet filter\": include dpinholer/dpinholer.nft there",
                "no set \"sip_tcp6_from\" in table \"inet filter\": include dpinholer/dpinholer.nft there"}));
}

TEST_F(NftSetsTest, NameWhatIsWrongWithASet) {
  struct Case {
    std::string definition;
    std::string fault;
  };
  const std::vector<Case> cases{
      {"type inet_service . ipv4_addr; flags dynamic,timeout;", "is not of type ipv4_addr . inet_service"},
      {"type ipv4_addr; flags dynamic,timeout;", "is not of type ipv4_addr . inet_service"},
      {"type ipv6_addr . inet_service; flags dynamic,timeout;", "is not of type ipv4_addr . inet_service"},
      {"type ipv4_addr . ipv4_addr . inet_service; flags dynamic,timeout;",
       "is not of type ipv4_addr . inet_service"},
      {"type ipv4_addr . inet_service; flags dynamic;", "lacks the flag timeout"},
      {"type ipv4_addr . inet_service; flags timeout;", "lacks the flag dynamic"},
      {"type ipv4_addr . inet_service; flags interval,timeout;", "has the flag interval"},
  };
  for (const auto& c : cases) {
    live::load(home_, live::sets_ruleset());
    home_.run("nft delete set inet filter sip_rtp4");
    home_.run("nft 'add set inet filter sip_rtp4 { " + c.definition + " }'");
    EXPECT_EQ(open_sets().faults(),
              std::vector<std::string>{"set \"sip_rtp4\" in table \"inet filter\" " + c.fault +
                                       ": delete it, then include dpinholer/dpinholer.nft there"})
        << c.definition;
    home_.run("nft flush ruleset");
  }
}

TEST_F(NftSetsTest, SayThatPermissionIsMissing) {
  live::load(home_, live::sets_ruleset());
  auto faults_of_nobody = [&] {
    home_.inside([] {
      if (setresuid(65534, 65534, 65534) != 0) std::exit(2);
      const auto faults = NftSets(TableName{}).faults();
      for (const auto& fault : faults) std::fputs((fault + "\n").c_str(), stderr);
      std::exit(faults.size() == 1 ? 0 : 1);
    });
  };
  EXPECT_EXIT(faults_of_nobody(), testing::ExitedWithCode(0),
              "^no permission to use nftables: run as root or with CAP_NET_ADMIN\n$");
}

TEST_F(NftSetsTest, UseTheTableThatIsNamed) {
  live::load(home_, live::sets_ruleset("ip6 media"));
  home_.inside([] { EXPECT_EQ(NftSets(TableName{"ip6", "media"}).faults(), std::vector<std::string>{}); });
  EXPECT_EQ(open_sets().faults().size(), 1U);
}

TEST_F(NftSetsTest, ShowEveryKindOfElementAsNftWritesIt) {
  NftSets sets = checked_sets();
  std::vector<ElementChange> changes;
  for (Set set : pinhole::all_sets)
    changes.push_back(add(key(set), 180, "audio rtcp call=a%22b id=" + std::string(name(set))));
  ASSERT_TRUE(sets.commit(changes));
  const std::string ipv4 = "192.0.2.10 . 30000";
  const std::string ipv6 = "2001:db8::10 . 30000";
  for (Set set : pinhole::all_sets) {
    const std::string text = list(set);
    const bool is_ipv4 = pinhole::family(set) == base::Family::ipv4;
    std::string expected = is_ipv4 ? ipv4 : ipv6;
    if (pinhole::has_source(set)) expected = (is_ipv4 ? "203.0.113.5 . " : "2001:db8:1::5 . ") + expected;
    EXPECT_NE(text.find("{ " + expected + " counter packets 0 bytes 0 timeout 3m"), std::string::npos)
        << text;
    EXPECT_NE(text.find("comment \"audio rtcp call=a%22b id=" + std::string(name(set)) + "\""),
              std::string::npos)
        << text;
  }
}

TEST_F(NftSetsTest, MatchAnElementAddedByNft) {
  NftSets sets = checked_sets();
  for (Set set : pinhole::all_sets) {
    const std::string text = to_string(key(set));
    home_.run("nft 'add element inet filter " + text.substr(0, text.size() - 2) +
              " timeout 77s comment \"by hand\" }'");
    const auto found = sets.find(key(set));
    ASSERT_TRUE(found && *found) << text;
    EXPECT_EQ((*found)->key, key(set));
    EXPECT_EQ((*found)->timeout, milliseconds{77000});
    EXPECT_EQ((*found)->comment, "by hand");
  }
}

// Octets of a source of IPv6 would be those of a whole key of IPv4.
TEST_F(NftSetsTest, A23_AKeyThatDoesNotFitItsSetIsNeverWritten) {
  NftSets sets = checked_sets();
  const base::Address disguised = base::Address::v6({203, 0, 113, 66, 192, 0, 2, 1, 0, 22, 0, 0, 0, 0, 0, 1});
  const base::Endpoint to = key(Set::rtp4).destination;
  const std::vector<ElementKey> bad{{Set::rtp4_from, disguised, to},
                                    {Set::rtp4_from, std::nullopt, to},
                                    {Set::rtp4, to.address, to},
                                    {Set::rtp6, std::nullopt, to}};
  for (const Kind kind : {Kind::add, Kind::renew, Kind::remove}) {
    for (const ElementKey& none : bad) {
      const std::vector<ElementChange> changes{add(key(Set::rtp4)), {kind, none, base::seconds{60}, ""}};
      const auto done = sets.commit(changes, nullptr);
      ASSERT_FALSE(done);
      ASSERT_EQ(done.error().refused.size(), 1U);
      EXPECT_EQ(done.error().refused.front().index, 1U);
      EXPECT_FALSE(sets.find(none));
    }
  }
  EXPECT_EQ(list(Set::rtp4_from).find("203.0.113.66"), std::string::npos);
  EXPECT_EQ(sets.find(key(Set::rtp4)).value(), std::nullopt) << "none of a transaction that can't be";
}

TEST_F(NftSetsTest, FindTellsTimesAndCounter) {
  NftSets sets = checked_sets();
  const ElementKey wanted = key(Set::rtp4);
  ASSERT_TRUE(sets.commit(std::vector{add(wanted, 60, "c")}));
  home_.run(
      "nft add chain inet filter out '{ type filter hook output priority 0; }';"
      "nft add rule inet filter out ip daddr . udp dport @sip_rtp4 accept;"
      "ip addr add 192.0.2.10/32 dev lo; bash -c 'echo -n hello >/dev/udp/192.0.2.10/30000'");
  const auto found = sets.find(wanted);
  ASSERT_TRUE(found && *found);
  EXPECT_EQ((*found)->packets, 1U);
  EXPECT_EQ((*found)->bytes, 20U + 8U + 5U);
  EXPECT_EQ((*found)->timeout, milliseconds{60000});
  EXPECT_GT((*found)->expires, milliseconds{50000});
  EXPECT_LE((*found)->expires, milliseconds{60000});
}

TEST_F(NftSetsTest, FindNothingThatIsNotThere) {
  NftSets sets = checked_sets();
  ASSERT_TRUE(sets.commit(std::vector{add(key(Set::rtp4, 30000))}));
  const auto found = sets.find(key(Set::rtp4, 30002));
  ASSERT_TRUE(found);
  EXPECT_FALSE(*found);
}

TEST_F(NftSetsTest, AnElementWithTheDefaultTimeoutTellsIt) {
  NftSets sets = checked_sets();
  ASSERT_TRUE(sets.commit(std::vector{add(key(Set::rtp6), 300)}));
  const auto found = sets.find(key(Set::rtp6));
  ASSERT_TRUE(found && *found);
  EXPECT_EQ((*found)->timeout, milliseconds{300000});
}

TEST_F(NftSetsTest, RemoveNeverFails) {
  NftSets sets = checked_sets();
  ASSERT_TRUE(sets.commit(std::vector{remove(key(Set::rtp4))})) << "of what was never there";
  ASSERT_TRUE(sets.commit(std::vector{add(key(Set::rtp4))}));
  ASSERT_TRUE(sets.commit(std::vector{remove(key(Set::rtp4)), remove(key(Set::rtp4))})) << "twice";
  EXPECT_FALSE(sets.find(key(Set::rtp4)).value());
  ASSERT_TRUE(sets.commit(std::vector{add(key(Set::rtp4), 1)}));
  ASSERT_TRUE(live::eventually([&] { return !sets.find(key(Set::rtp4)).value(); })) << "it expires";
  ASSERT_TRUE(sets.commit(std::vector{remove(key(Set::rtp4))})) << "of what has just expired";
}

TEST_F(NftSetsTest, AddingWhatIsThereIsNoError) {
  NftSets sets = checked_sets();
  ASSERT_TRUE(sets.commit(std::vector{add(key(Set::rtp4)), add(key(Set::rtp4))}));
  ASSERT_TRUE(sets.commit(std::vector{add(key(Set::rtp4))}));
}

TEST_F(NftSetsTest, OneTransactionMayOpenCloseAndOpenAgain) {
  NftSets sets = checked_sets();
  const ElementKey it = key(Set::rtp4_from);
  ASSERT_TRUE(
      sets.commit(std::vector{add(it, 100, "first"), remove(it), add(it, 200, "second"), renew(it, 250)}));
  const auto found = sets.find(it).value();
  ASSERT_TRUE(found);
  EXPECT_EQ(found->timeout, milliseconds{250000});
  EXPECT_EQ(found->comment, "renewed");
  ASSERT_TRUE(sets.commit(std::vector{add(it), remove(it)}));
  EXPECT_FALSE(sets.find(it).value());
}

TEST_F(NftSetsTest, RenewStartsTheTimeoutAgain) {
  NftSets sets = checked_sets();
  const ElementKey it = key(Set::rtp6_from);
  ASSERT_TRUE(sets.commit(std::vector{add(it, 10)}));
  ASSERT_TRUE(live::eventually([&] { return sets.find(it).value()->expires < milliseconds{9950}; }));
  ASSERT_TRUE(sets.commit(std::vector{renew(it, 10)}));
  EXPECT_GT(sets.find(it).value()->expires, milliseconds{9950});
}

TEST_F(NftSetsTest, TellWhatWasCountedByElementsThatGo) {
  NftSets sets = checked_sets();
  const ElementKey gone = key(Set::rtp4, 30000);
  const ElementKey renewed = key(Set::rtp4, 30002);
  ASSERT_TRUE(sets.commit(std::vector{add(gone, 60, "gone"), add(renewed, 60, "renewed")}));
  home_.run(
      "nft add chain inet filter out '{ type filter hook output priority 0; }';"
      "nft add rule inet filter out ip daddr . udp dport @sip_rtp4 accept;"
      "ip addr add 192.0.2.10/32 dev lo; bash -c 'for i in 1 2 3; do echo -n hello "
      ">/dev/udp/192.0.2.10/30000; done;"
      " echo -n hello >/dev/udp/192.0.2.10/30002'");
  std::vector<ElementState> removed;
  ASSERT_TRUE(sets.commit(std::vector{remove(gone), renew(renewed, 70), add(key(Set::rtp6))}, &removed));
  ASSERT_EQ(removed.size(), 2U);
  EXPECT_EQ(removed[0].key, gone);
  EXPECT_EQ(removed[0].packets, 3U);
  EXPECT_EQ(removed[0].bytes, 3U * 33U);
  EXPECT_EQ(removed[0].comment, "gone");
  EXPECT_EQ(removed[1].key, renewed);
  EXPECT_EQ(removed[1].packets, 1U);
  EXPECT_EQ(sets.find(renewed).value()->packets, 0U) << "its counter starts again";
}

TEST_F(NftSetsTest, TellTheCountsOfTheLargestTransaction) {
  NftSets sets = checked_sets();
  std::vector<ElementChange> changes;
  for (std::uint16_t i = 0; i < base::limits::transaction_messages / 2; ++i) {
    changes.push_back(add(key(Set::rtp6_from, i), 60, std::string(127, 'x')));
  }
  ASSERT_TRUE(sets.commit(changes));
  for (auto& change : changes) change = remove(change.key);
  std::vector<ElementState> removed;
  ASSERT_TRUE(sets.commit(changes, &removed));
  EXPECT_EQ(removed.size(), changes.size());
}

// The transaction is undone whole, and the answer says which elements to leave out next time.
TEST_F(NftSetsTest, AFullSetRefusesWhatIsTooMuch) {
  live::load(home_, live::sets_ruleset());
  home_.run("nft delete set inet filter sip_rtp4");
  home_.run(
      "nft 'add set inet filter sip_rtp4 { type ipv4_addr . inet_service; size 2; flags dynamic,timeout; "
      "timeout 9s; }'");
  NftSets sets = open_sets();
  const std::vector changes{add(key(Set::rtp4, 1)), add(key(Set::rtp4_from)), add(key(Set::rtp4, 2)),
                            add(key(Set::rtp4, 3)), add(key(Set::rtp4, 4))};
  const auto result = sets.commit(changes);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().error.to_string(),
            "nft element sip_rtp4 { 192.0.2.10 . 3 }: Too many open files in system");
  EXPECT_FALSE(result.error().unknown);
  EXPECT_EQ(result.error().committed, 0U);
  ASSERT_EQ(result.error().refused.size(), 2U);
  EXPECT_EQ(result.error().refused[0].index, 3U);
  EXPECT_EQ(result.error().refused[1].index, 4U);
  EXPECT_EQ(result.error().refused[1].code, ENFILE);
  for (const auto& change : changes) EXPECT_FALSE(sets.find(change.key).value());
  ASSERT_TRUE(sets.commit(std::span(changes).first(3)));
}

TEST_F(NftSetsTest, ASetThatIsGoneRefusesItsElements) {
  NftSets sets = checked_sets();
  home_.run("nft delete set inet filter sip_tcp4");
  const auto result =
      sets.commit(std::vector{add(key(Set::rtp4)), add(key(Set::tcp4)), remove(key(Set::tcp4, 7))});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().error.to_string(),
            "nft element sip_tcp4 { 192.0.2.10 . 30000 }: No such file or directory");
  ASSERT_EQ(result.error().refused.size(), 2U) << "a change is named once";
  EXPECT_EQ(result.error().refused[1].index, 2U);
  EXPECT_FALSE(sets.find(key(Set::rtp4)).value());
  home_.run("nft flush ruleset");
  EXPECT_FALSE(sets.commit(std::vector{add(key(Set::rtp4))}));
  live::load(home_, live::sets_ruleset());
  EXPECT_TRUE(sets.commit(std::vector{add(key(Set::rtp4))})) << "and works again when the sets are back";
}

TEST_F(NftSetsTest, AnErrorForEachElementOfTheLargestTransactionArrives) {
  NftSets sets = checked_sets();
  home_.run("nft delete set inet filter sip_rtp4");
  std::vector<ElementChange> changes;
  for (std::size_t i = 0; i < base::limits::transaction_messages; ++i) {
    changes.push_back(add(key(Set::rtp4, static_cast<std::uint16_t>(i))));
  }
  const auto result = sets.commit(changes);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().refused.size(), changes.size());
  EXPECT_FALSE(result.error().unknown);
}

TEST_F(NftSetsTest, ChangesBeyondOneTransactionFollowInFurtherOnes) {
  NftSets sets = checked_sets();
  const std::size_t count = base::limits::transaction_messages * 2 + 7;
  std::vector<ElementChange> changes;
  for (std::size_t i = 0; i < count; ++i)
    changes.push_back(add(key(Set::rtp6_from, static_cast<std::uint16_t>(i))));
  for (std::size_t i = 0; i < count; i += 2) changes.push_back(remove(changes[i].key));
  ASSERT_TRUE(sets.commit(changes));
  // Until a reading brings nothing new: the kernel shrinks the table meanwhile.
  std::map<ElementKey, std::string> held;
  for (std::size_t before = 1; before != held.size();) {
    before = held.size();
    EXPECT_TRUE(
        sets.for_each(Set::rtp6_from, [&](const ElementState& state) { held[state.key] = state.comment; })
            .value());
  }
  EXPECT_EQ(held.size(), count / 2);
  EXPECT_TRUE(held.contains(key(Set::rtp6_from, 1)));
  EXPECT_FALSE(held.contains(key(Set::rtp6_from, 2)));
}

TEST_F(NftSetsTest, AFailureInALaterTransactionTellsWhatStands) {
  live::load(home_, live::sets_ruleset());
  home_.run("nft delete set inet filter sip_tcp4");
  NftSets sets = open_sets();
  std::vector<ElementChange> changes;
  for (std::size_t i = 0; i < base::limits::transaction_messages; ++i) {
    changes.push_back(add(key(Set::rtp4, static_cast<std::uint16_t>(i))));
  }
  changes.push_back(add(key(Set::rtp4_from)));
  changes.push_back(add(key(Set::tcp4)));
  const auto result = sets.commit(changes);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().committed, base::limits::transaction_messages);
  ASSERT_EQ(result.error().refused.size(), 1U);
  EXPECT_EQ(result.error().refused.front().index, changes.size() - 1);
  EXPECT_TRUE(sets.find(changes.front().key).value());
  EXPECT_FALSE(sets.find(key(Set::rtp4_from)).value());
}

TEST_F(NftSetsTest, NothingToDoIsDone) {
  EXPECT_TRUE(checked_sets().commit({}));
}

TEST_F(NftSetsTest, AReadBesideChangesSaysSo) {
  NftSets sets = checked_sets();
  std::vector<ElementChange> changes;
  for (std::uint16_t i = 0; i < 2000; ++i) changes.push_back(add(key(Set::rtp4, i)));
  ASSERT_TRUE(sets.commit(changes));
  NftSets other = open_sets();
  bool changed = false;
  const auto quiet = sets.for_each(Set::rtp4, [&](const ElementState&) {
    if (std::exchange(changed, true)) return;
    EXPECT_TRUE(other.commit(std::vector{add(key(Set::rtp6))}));
  });
  ASSERT_TRUE(quiet);
  EXPECT_FALSE(*quiet);
}

TEST_F(NftSetsTest, FindManyAtOnce) {
  NftSets sets = checked_sets();
  std::vector<ElementChange> changes;
  std::vector<ElementKey> keys;
  for (std::uint16_t i = 0; i < 1000; ++i) {
    keys.push_back(key(i % 2 == 0 ? Set::rtp4_from : Set::tcp6, i));
    if (i % 3 == 0) changes.push_back(add(keys.back(), 180, std::to_string(i)));
  }
  ASSERT_TRUE(sets.commit(changes));
  const auto found = sets.find_all(keys);
  ASSERT_TRUE(found);
  ASSERT_EQ(found->size(), keys.size());
  for (std::size_t i = 0; i < keys.size(); ++i) {
    EXPECT_EQ((*found)[i].has_value(), i % 3 == 0) << i;
    if ((*found)[i]) {
      EXPECT_EQ((*found)[i]->comment, std::to_string(i));
    }
  }
  EXPECT_EQ(sets.find_all({}).value().size(), 0U);
  home_.run("nft delete table inet filter");
  const auto gone = sets.find_all(keys);
  ASSERT_TRUE(gone);
  for (const auto& element : *gone) EXPECT_FALSE(element);
}

TEST_F(NftSetsTest, ReadInPiecesBesideChanges) {
  NftSets sets = checked_sets();
  std::vector<ElementChange> changes;
  for (std::uint16_t i = 0; i < 2000; ++i) changes.push_back(add(key(Set::rtp6_from, i)));
  ASSERT_TRUE(sets.commit(changes));
  std::set<ElementKey> seen;
  int pieces = 0;
  ASSERT_TRUE(sets.begin_reading(Set::rtp6_from));
  for (bool more = true; more; ++pieces) {
    const auto read = sets.read_some([&](const ElementState& state) { seen.insert(state.key); });
    ASSERT_TRUE(read) << read.error().to_string();
    more = *read;
    ASSERT_TRUE(sets.commit(std::vector{add(key(Set::rtp4, 1)), remove(key(Set::rtp4, 1))}));
    EXPECT_TRUE(sets.find(changes.front().key).value());
  }
  EXPECT_EQ(seen.size(), changes.size());
  EXPECT_GT(pieces, 5);
}

TEST_F(NftSetsTest, AReadingThatIsGivenUpDoesNotDisturbTheNext) {
  NftSets sets = checked_sets();
  std::vector<ElementChange> changes;
  for (std::uint16_t i = 0; i < 2000; ++i) changes.push_back(add(key(Set::rtp6_from, i)));
  changes.push_back(add(key(Set::rtp4)));
  ASSERT_TRUE(sets.commit(changes));
  ASSERT_TRUE(sets.begin_reading(Set::rtp6_from));
  ASSERT_TRUE(sets.read_some([](const ElementState&) {}).value());
  std::vector<ElementKey> seen;
  ASSERT_TRUE(sets.begin_reading(Set::rtp4));
  while (sets.read_some([&](const ElementState& state) { seen.push_back(state.key); }).value()) continue;
  EXPECT_EQ(seen, std::vector{key(Set::rtp4)});
  EXPECT_FALSE(sets.read_some([](const ElementState&) {}).value()) << "nothing is being read";
  home_.run("nft flush ruleset");
  ASSERT_TRUE(sets.begin_reading(Set::rtp4));
  EXPECT_FALSE(sets.read_some([](const ElementState&) {})) << "there is no set";
}

TEST_F(NftSetsTest, ElementTextIsThatOfNft) {
  EXPECT_EQ(to_string(key(Set::rtp4)), "sip_rtp4 { 192.0.2.10 . 30000 }");
  EXPECT_EQ(to_string(key(Set::rtp6_from)), "sip_rtp6_from { 2001:db8:1::5 . 2001:db8::10 . 30000 }");
}

}  // namespace
}  // namespace dpinholer::system
