// SPDX-License-Identifier: GPL-2.0-or-later
#include "pinhole/element.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "base/hash.h"

namespace dpinholer::pinhole {
namespace {

using Kind = ElementChange::Kind;

base::Address address(std::string_view text) {
  return base::Address::parse(text).value();
}

Key udp(std::string_view to, std::uint16_t port) {
  return {base::Protocol::udp, {address(to), port}};
}

Label label(std::string call_id = "abc@pbx") {
  return {std::move(call_id), "audio", Component::rtp};
}

Change change(Change::Kind kind, Key key, std::vector<base::Address> before,
              std::vector<base::Address> from) {
  return {kind, key, std::move(before), std::move(from), base::seconds{180}, label(), Cause::offer, {}};
}

// "add sip_rtp4 192.0.2.10 . 30000 180s", one line for each.
std::string transcript(const std::vector<ElementChange>& changes) {
  std::string text;
  for (const auto& c : changes) {
    text += c.kind == Kind::add ? "add " : c.kind == Kind::remove ? "remove " : "renew ";
    text += std::string(name(c.key.set)) + " ";
    if (c.key.source) text += c.key.source->to_string() + " . ";
    text += c.key.destination.address.to_string() + " . " + std::to_string(c.key.destination.port);
    text += " " + std::to_string(c.timeout.count()) + "s\n";
  }
  return text;
}

TEST(SetNames, AreThoseOfTheRuleset) {
  const std::vector<std::string_view> expected{"sip_rtp4", "sip_rtp6", "sip_rtp4_from", "sip_rtp6_from",
                                               "sip_tcp4", "sip_tcp6", "sip_tcp4_from", "sip_tcp6_from"};
  for (std::size_t i = 0; i < all_sets.size(); ++i) {
    EXPECT_EQ(name(all_sets[i]), expected[i]);
    EXPECT_EQ(has_source(all_sets[i]), expected[i].ends_with("_from"));
    EXPECT_EQ(family(all_sets[i]) == base::Family::ipv4, expected[i].find('4') != std::string_view::npos);
  }
}

TEST(SetFor, GoesByProtocolFamilyAndBinding) {
  for (Set set : all_sets) {
    const bool tcp = name(set).starts_with("sip_tcp");
    const Key key{tcp ? base::Protocol::tcp : base::Protocol::udp,
                  {address(family(set) == base::Family::ipv4 ? "192.0.2.1" : "2001:db8::1"), 4000}};
    EXPECT_EQ(set_for(key, has_source(set)), set);
  }
}

TEST(ElementChanges, OfAnOpenPinhole) {
  EXPECT_EQ(transcript(element_changes(change(Change::Kind::open, udp("192.0.2.10", 30000), {}, {}))),
            "add sip_rtp4 192.0.2.10 . 30000 180s\n");
  EXPECT_EQ(transcript(element_changes(
                change(Change::Kind::open, udp("2001:db8::1", 30000), {}, {address("2001:db8::5")}))),
            "add sip_rtp6_from 2001:db8::5 . 2001:db8::1 . 30000 180s\n");
}

TEST(ElementChanges, OfABindingAddBeforeTheyRemove) {
  EXPECT_EQ(transcript(element_changes(change(Change::Kind::bind, udp("192.0.2.10", 30000), {},
                                              {address("203.0.113.5"), address("203.0.113.6")}))),
            "add sip_rtp4_from 203.0.113.5 . 192.0.2.10 . 30000 180s\n"
            "add sip_rtp4_from 203.0.113.6 . 192.0.2.10 . 30000 180s\n"
            "remove sip_rtp4 192.0.2.10 . 30000 0s\n");
}

TEST(ElementChanges, OfABindingGiveWhatStaysTheNewTimeout) {
  EXPECT_EQ(transcript(element_changes(change(Change::Kind::bind, udp("192.0.2.10", 30000),
                                              {address("203.0.113.5"), address("203.0.113.6")},
                                              {address("203.0.113.6"), address("203.0.113.7")}))),
            "renew sip_rtp4_from 203.0.113.6 . 192.0.2.10 . 30000 180s\n"
            "add sip_rtp4_from 203.0.113.7 . 192.0.2.10 . 30000 180s\n"
            "remove sip_rtp4_from 203.0.113.5 . 192.0.2.10 . 30000 0s\n");
}

TEST(ElementChanges, OfARefreshRenewEveryElement) {
  EXPECT_EQ(transcript(element_changes(change(Change::Kind::refresh, udp("192.0.2.10", 30000), {},
                                              {address("203.0.113.5"), address("203.0.113.6")}))),
            "renew sip_rtp4_from 203.0.113.5 . 192.0.2.10 . 30000 180s\n"
            "renew sip_rtp4_from 203.0.113.6 . 192.0.2.10 . 30000 180s\n");
}

TEST(ElementChanges, OfAClosedPinholeRemoveWithoutTimeoutAndComment) {
  const auto changes = element_changes(change(Change::Kind::close, udp("192.0.2.10", 30000), {}, {}));
  EXPECT_EQ(transcript(changes), "remove sip_rtp4 192.0.2.10 . 30000 0s\n");
  EXPECT_EQ(changes.front().comment, "");
}

TEST(ElementKeys, A23_SourcesOfAnotherFamilyHaveNone) {
  EXPECT_TRUE(element_keys(udp("192.0.2.10", 30000), {address("2001:db8::1")}).empty());
  EXPECT_EQ(element_keys(udp("192.0.2.10", 30000), {address("192.0.2.1"), address("2001:db8::1")}).size(),
            1U);
  for (const Set set : all_sets) {
    const bool ipv4 = family(set) == base::Family::ipv4;
    const base::Address right = address(ipv4 ? "192.0.2.1" : "2001:db8::1");
    const base::Address wrong = address(ipv4 ? "2001:db8::1" : "192.0.2.1");
    const auto source = has_source(set) ? std::optional(right) : std::nullopt;
    EXPECT_TRUE(fits({set, source, {right, 30000}}));
    EXPECT_FALSE(fits({set, source, {wrong, 30000}}));
    EXPECT_FALSE(fits({set, wrong, {right, 30000}}));
    EXPECT_FALSE(fits({set, has_source(set) ? std::nullopt : std::optional(right), {right, 30000}}));
  }
}

TEST(Comment, TellsMediaComponentAndCall) {
  EXPECT_EQ(comment({"a84b4c76e66710@pc33.atlanta.example.com", "audio", Component::rtcp}),
            "audio rtcp call=a84b4c76e66710@pc33.atlanta.example.com id=054e3cc5786a78b2");
}

TEST(Comment, A19_EscapesWhatCouldBreakALineOrACommand) {
  struct Case {
    std::string call_id;
    std::string text;
  };
  const std::vector<Case> cases{
      {"a b", "a%20b"},
      {"a\"b'c`d\\e", "a%22b%27c%60d%5ce"},
      {"100%", "100%25"},
      {"a\r\nb\x1b[31m", "a%0d%0ab%1b[31m"},
      {std::string("a\0b", 3), "a%00b"},
      {"caf\xc3\xa9\x7f", "caf%c3%a9%7f"},
      {"x id=0123456789abcdef", "x%20id=0123456789abcdef"},
      {"", ""},
  };
  for (const auto& c : cases) {
    const std::string text = comment(label(c.call_id));
    EXPECT_EQ(text.substr(0, text.rfind(" id=")), "audio rtp call=" + c.text);
  }
}

TEST(Comment, A19_NeverExceedsWhatNftTakes) {
  for (const std::string& piece : {std::string("x"), std::string("\xff"), std::string("x\n")}) {
    std::string call_id;
    while (call_id.size() <= 512) {
      for (const std::string& media : {std::string("audio"), std::string(600, 'm'), std::string()}) {
        const std::string text = comment({call_id, media, Component::data});
        ASSERT_LE(text.size(), 127U);
        ASSERT_TRUE(
            std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~' && c != '"'; }));
        const auto content = read_comment(text);
        ASSERT_TRUE(content) << text;
        ASSERT_EQ(content->call_hash, base::stable_hash(call_id));
      }
      call_id += piece;
    }
  }
}

// Any label, whoever made it, reads again as it was written, and so does the comment of what was read.
TEST(Comment, A25_WhatIsWrittenCanBeRead) {
  std::mt19937 random(1);
  const auto text = [&](std::size_t longest) {
    std::string octets(random() % longest, ' ');
    const bool any = random() % 2 == 0;
    for (char& c : octets) c = static_cast<char>(any ? random() : "ab%. \"\\"[random() % 7]);
    return octets;
  };
  for (int i = 0; i < 20'000; ++i) {
    const bool of_comment = random() % 2 == 0;
    const Label label{text(600), text(64), Component{static_cast<std::uint8_t>(random() % 3)},
                      of_comment ? std::optional<std::uint64_t>(random()) : std::nullopt};
    const std::string written = comment(label);
    ASSERT_LE(written.size(), 127U);
    const auto said = read_comment(written);
    ASSERT_TRUE(said) << written;
    ASSERT_EQ(*said, content(label));
    ASSERT_EQ(comment({said->call, said->media, said->component, said->call_hash}), written);
  }
}

TEST(Comment, ShowsThatItWasCutAndNeverCutsAnEscape) {
  const std::string text = comment(label(std::string(200, '\n')));
  EXPECT_EQ(text.size(), 125U);  // the two octets left are too few for another %0a
  EXPECT_NE(text.find("%0a... id="), std::string::npos) << text;
}

TEST(Comment, KeepsACallIdThatJustFits) {
  const std::size_t fits = 127 - std::string("audio rtp call= id=0123456789abcdef").size();
  EXPECT_NE(comment(label(std::string(fits, 'x'))).find(std::string(fits, 'x') + " id="), std::string::npos);
  EXPECT_NE(comment(label(std::string(fits + 1, 'x'))).find(std::string(fits - 3, 'x') + "... id="),
            std::string::npos);
}

TEST(Comment, HasOnlyTokenCharactersInItsMedia) {
  EXPECT_TRUE(comment({"c", "x\" ;\n/\\m", Component::rtp}).starts_with("x______m rtp call=c "));
  EXPECT_TRUE(comment({"c", "", Component::rtp}).starts_with("_ rtp call=c "));
  EXPECT_TRUE(comment({"c", "x-data.1+2", Component::rtp}).starts_with("x-data.1+2 rtp call=c "));
}

TEST(ReadComment, GivesBackWhatWasWritten) {
  for (Component component : {Component::rtp, Component::rtcp, Component::data}) {
    for (const std::string& call_id :
         {std::string("abc@pbx"), std::string("a call= id= b"), std::string(300, '"')}) {
      const auto content = read_comment(comment({call_id, "video", component}));
      ASSERT_TRUE(content);
      EXPECT_EQ(content->media, "video");
      EXPECT_EQ(content->component, component);
      EXPECT_EQ(content->call_hash, base::stable_hash(call_id));
    }
  }
}

TEST(ReadComment, LeavesForeignCommentsAlone) {
  const std::string ours = comment(label());
  ASSERT_TRUE(read_comment(ours));
  const std::vector<std::string> foreign{
      "",
      "my printer",
      "audio rtp",
      "audio rtp call=abc",
      "audio rtp call=abc id=",
      " rtp call=abc id=0123456789abcdef",
      "audio video call=abc id=0123456789abcdef",
      "audio rtp call=abc id=0123456789abcde",
      "audio rtp call=abc id=0123456789abcdef0",
      "audio rtp call=abc id=0123456789ABCDEF",
      "audio rtp call=a b id=0123456789abcdef",
      "audio rtp call=a\x01 id=0123456789abcdef",
      "audio/x rtp call=abc id=0123456789abcdef",
      "call= id=0123456789abcdef",
      "id=0123456789abcdef call=",
      std::string(33, 'm') + " rtp call=abc id=0123456789abcdef",
      ours + " ",
      " " + ours,
      "audio rtp call=" + std::string(100, 'x') + " id=0123456789abcdef",
  };
  for (const auto& text : foreign) EXPECT_FALSE(read_comment(text)) << text;
}

}  // namespace
}  // namespace dpinholer::pinhole
