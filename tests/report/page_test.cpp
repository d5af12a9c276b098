// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/page.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include "base/limits.h"
#include "report/recorder.h"

namespace dpinholer::report {
namespace {

namespace limits = base::limits;
using base::TimePoint;
using pinhole::Cause;
using pinhole::Change;
using pinhole::Component;

base::Endpoint at(const std::string& address, std::uint16_t port) {
  return {*base::Address::parse(address), port};
}

const base::Endpoint caller = at("192.0.2.10", 5060);
const base::Endpoint callee = at("203.0.113.5", 5060);

message::SipMessage invite(const std::string& call_id, std::uint16_t status = 0) {
  message::SipMessage message;
  message.call_id = call_id;
  message.method = message::Method::invite;
  message.status = status;
  message.cseq = 1;
  message.session.emplace();
  return message;
}

Change change(Change::Kind kind, const std::string& call_id, std::uint16_t port, TimePoint time) {
  Change change;
  change.kind = kind;
  change.key = {base::Protocol::udp, at("192.0.2.10", port)};
  change.label = {call_id, "audio", Component::rtp};
  change.cause = kind == Change::Kind::close ? Cause::bye : Cause::offer;
  change.time = time;
  return change;
}

std::string page_of(const Story& story) {
  return page_begin(story.file) + page_part(story, 1) + page_end();
}

// What is wrong with the page's elements; "" if each that is opened is closed, in order. `text`: all but
// tags.
std::string check_elements(const std::string& page, std::string& text) {
  static const std::set<std::string> empty{"meta", "wbr", "!DOCTYPE"};
  std::vector<std::string> open;
  std::size_t at = 0;
  while (at < page.size()) {
    const auto begin = page.find('<', at);
    text += page.substr(at, begin - at);
    if (begin == std::string::npos) break;
    const auto end = page.find('>', begin);
    if (end == std::string::npos) return "a tag that does not end";
    const std::string tag = page.substr(begin + 1, end - begin - 1);
    if (std::ranges::count(tag, '"') % 2 != 0) return "an attribute that does not end: " + tag;
    const std::string name = tag.substr(0, tag.find(' '));
    if (name[0] == '/') {
      if (open.empty() || open.back() != name.substr(1)) return "closes what is not open: " + tag;
      open.pop_back();
    } else if (!empty.contains(name)) {
      open.push_back(name);
    }
    at = end + 1;
  }
  return open.empty() ? "" : "left open: " + open.back();
}

// The names of all elements and attributes.
std::set<std::string> vocabulary(const std::string& page) {
  static const std::regex tag("<([a-zA-Z0-9!]+)([^>]*)>");
  static const std::regex attribute("([a-zA-Z-]+)=\"[^\"]*\"");
  std::set<std::string> names;
  for (std::sregex_iterator i(page.begin(), page.end(), tag), end; i != end; ++i) {
    names.insert((*i)[1]);
    const std::string rest = (*i)[2];
    for (std::sregex_iterator a(rest.begin(), rest.end(), attribute); a != end; ++a) names.insert((*a)[1]);
  }
  return names;
}

TEST(Page, WireTextStaysText) {
  const std::string hostile[] = {"<script>alert(1)</script>",
                                 "\"><img src=x onerror=alert(1)>",
                                 "' onclick='x",
                                 "]]></style><script>",
                                 "\x1b[2J\x80\xff\xc0\xbc",
                                 "a\u202eb",
                                 "&lt;b&gt;",
                                 std::string(512, '"')};
  for (const std::string& text : hostile) {
    Recorder recorder(text + ".pcap");
    recorder.message(invite(text), caller, callee, TimePoint{});
    recorder.change(change(Change::Kind::open, text, 30000, TimePoint{}));
    Change other = change(Change::Kind::open, text, 30002, TimePoint{});
    other.label.media = text;
    recorder.change(other);
    recorder.refusal(
        {base::Protocol::udp, text, 53, {text, text, Component::rtp}, Cause::address, TimePoint{}});
    const std::string page = page_of(recorder.finish({}, "damaged: " + text));
    std::string words;
    EXPECT_EQ(check_elements(page, words), "") << text;
    for (const char* foreign : {"script", "img", "src", "onerror", "onclick", "href"})
      EXPECT_FALSE(vocabulary(page).contains(foreign)) << text << ": " << foreign;
    words.erase(0, words.find("Calls in", words.find("@media print")));  // the style sheet
    EXPECT_EQ(words.find_first_of("\"'\x1b\x7f"), std::string::npos) << text;
  }
}

TEST(Page, NeedsNothingElse) {
  Recorder recorder("a.pcap");
  recorder.message(invite("call"), caller, callee, TimePoint{});
  const std::string page = page_of(recorder.finish({}, ""));
  EXPECT_NE(page.find("http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
                      "'unsafe-inline'; base-uri 'none'; form-action 'none'\""),
            std::string::npos);
  for (const char* outside : {"://", "url(", "@import", "<script", "<link", "<img", "<iframe"})
    EXPECT_EQ(page.find(outside), std::string::npos) << outside;
}

TEST(Page, TellsACall) {
  Recorder recorder("a.pcap");
  const TimePoint later{base::seconds(2)};
  recorder.message(invite("call@pbx"), caller, callee, TimePoint{});
  recorder.change(change(Change::Kind::open, "call@pbx", 30000, TimePoint{}));
  recorder.refusal({base::Protocol::udp,
                    "phone.example.com",
                    7,
                    {"call@pbx", "video", Component::rtp},
                    Cause::address,
                    TimePoint{}});
  recorder.media(base::Protocol::udp, callee, at("192.0.2.10", 30000),
                 pinhole::Key{base::Protocol::udp, at("192.0.2.10", 30000)}, TimePoint{base::seconds(1)});
  recorder.message(invite("call@pbx", 486), callee, caller, later);
  recorder.change(change(Change::Kind::close, "call@pbx", 30000, later));
  const std::string page = page_of(recorder.finish({}, ""));
  std::string text;
  EXPECT_EQ(check_elements(page, text), "");
  for (const char* told :
       {"192.0.2.10 to 203.0.113.5: INVITE SDP", "opens 1", "refused phone.example.com:7 video rtp: address",
        "203.0.113.5 to 192.0.2.10: 1 packet", "203.0.113.5 to 192.0.2.10: 486 Busy INVITE SDP",
        "closes 1 bye"})
    EXPECT_NE(text.find(told), std::string::npos) << told << "\n" << text.substr(text.find("Calls in"));
  EXPECT_NE(page.find("<i class=\"bar any\" style=\"grid-area:2/7/7/8\">"), std::string::npos) << page;
}

TEST(Page, MarksWhoHeardNothing) {
  Recorder recorder("a.pcap");
  auto bound = [](const std::string& address, std::uint16_t port) {
    Change change;
    change.key = {base::Protocol::udp, at(address, port)};
    change.from = {*base::Address::parse("192.0.2.10"), *base::Address::parse("203.0.113.5")};
    change.label = {"call", "audio", Component::rtp};
    change.cause = Cause::answer;
    return change;
  };
  recorder.message(invite("call", 200), callee, caller, TimePoint{});
  recorder.change(bound("192.0.2.10", 30000));
  recorder.change(bound("203.0.113.5", 40000));
  recorder.media(base::Protocol::udp, at("203.0.113.5", 40000), at("192.0.2.10", 30000),
                 bound("192.0.2.10", 30000).key, TimePoint{});
  system::Summary summary;
  summary.media_passed = 1;
  const std::string page = page_of(recorder.finish(summary, ""));
  EXPECT_NE(page.find("<bdi>203.0.113.5</bdi><span class=\"deaf\">received nothing</span>"),
            std::string::npos)
      << page;
  EXPECT_EQ(page.find("<bdi>192.0.2.10</bdi><span"), std::string::npos);
}

TEST(Page, ACaptureThatBrokeOffSaysSo) {
  Recorder recorder("a.pcap");
  const std::string page = page_of(recorder.finish({}, "a.pcap: damaged after frame 7"));
  EXPECT_NE(page.find("<p class=\"error\">a.pcap: damaged after frame 7</p>"), std::string::npos);
  EXPECT_NE(page.find("No call was found"), std::string::npos);
}

// ---- Bounds -----------------------------------------------------------------------------------------------

TEST(Page, OneCallWithVeryManyOfAllIsBounded) {
  Recorder recorder("a.pcap");
  TimePoint now{};
  for (int i = 0; i < 20'000; ++i) {
    now += base::seconds(1);
    recorder.message(invite("call"), caller, callee, now);
    const auto port = static_cast<std::uint16_t>(1024 + i);
    recorder.change(change(Change::Kind::open, "call", port, now));
    recorder.refusal({base::Protocol::udp, "a", 1, {"call", "audio", Component::rtp}, Cause::limit, now});
    recorder.media(base::Protocol::udp, at("203.0.113.5", port), at("192.0.2.10", 1024), std::nullopt, now);
    recorder.media(base::Protocol::udp, at("203.0.113.5", port), at("198.51.100.1", port), std::nullopt, now);
    const std::string number = std::to_string(i);
    recorder.unread(
        {{message::UnreadCause::syntax, number}, base::Protocol::udp, caller, callee, "call", now});
    recorder.unread(
        {{message::UnreadCause::malformed, number}, base::Protocol::udp, caller, callee, "", now});
  }
  const Story story = recorder.finish({}, "");
  ASSERT_EQ(story.calls.size(), 1U);
  EXPECT_EQ(story.calls[0].rows.size(), limits::report_rows);
  EXPECT_EQ(story.calls[0].rows.front().time, TimePoint{base::seconds(1)}) << "the first stay";
  EXPECT_GE(story.calls[0].rows.back().time, now) << "and the last";
  EXPECT_EQ(story.calls[0].pinholes.size(), limits::report_pinholes);
  EXPECT_EQ(story.calls[0].refusals.size(), limits::report_refusals);
  EXPECT_EQ(story.calls[0].unread.size(), limits::report_unread_of_call);
  EXPECT_EQ(story.unread.size(), limits::report_unread);
  const std::string page = page_of(story);
  std::string text;
  EXPECT_EQ(check_elements(page, text), "");
  EXPECT_LT(page.size(), 300'000U);
  for (const char* told : {"rows are left out here", "pinholes are left out.", "refusals are left out.",
                           "packets of further flows are left out."})
    EXPECT_NE(text.find(told), std::string::npos) << told;
}

TEST(Page, VeryManyCallsAreBoundedAndThoseInTroubleAreDrawn) {
  Recorder recorder("a.pcap");
  const int calls = static_cast<int>(limits::report_calls) + 100;
  for (int i = 0; i < calls; ++i) {
    const TimePoint now{base::seconds(i)};
    const std::string id = std::string(80, 'x') + std::to_string(i);
    recorder.message(invite(id), caller, callee, now);
    recorder.change(change(Change::Kind::open, id, static_cast<std::uint16_t>(1024 + i % 50'000), now));
    if (i == 15'000)
      recorder.refusal({base::Protocol::udp, "a", 1, {id, "audio", Component::rtp}, Cause::limit, now});
  }
  const std::string page = page_of(recorder.finish({}, ""));
  std::string text;
  EXPECT_EQ(check_elements(page, text), "");
  EXPECT_LT(page.size(), 1'000'000U);
  EXPECT_NE(page.find("id=\"s1c15001\""), std::string::npos);
  const std::string left_out = std::to_string(limits::report_calls - limits::report_calls_drawn);
  EXPECT_NE(text.find(left_out + " calls are left out, nothing stands out in them."), std::string::npos);
  EXPECT_NE(text.find("100 messages of further calls are left out."), std::string::npos);
}

}  // namespace
}  // namespace dpinholer::report
