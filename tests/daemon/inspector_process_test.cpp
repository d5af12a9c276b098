// SPDX-License-Identifier: GPL-2.0-or-later
// Inspectors in processes of their own: one that does its work, and all sorts that do not.
#include "inspector_process.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <set>
#include <string>

#include "base/limits.h"
#include "inspector.h"
#include "pipeline/scenario.h"
#include "support/host.h"
#include "support/sdp.h"
#include "system/capture.h"
#include "system/clock.h"

namespace dpinholer {
namespace {

namespace fs = std::filesystem;
using codec::Kind;
using system::Channel;

const test::Host caller{"203.0.113.5"};
const test::Host callee{"192.0.2.10"};

/// What a gatekeeper knows of its host.
struct KnownHost : Questions {
  test::FakeHost host;
  std::set<pinhole::Key> with_media;

  KnownHost() {
    host.route("192.0.2.0/24", {base::Interface{3}});
    host.route("0.0.0.0/0", {base::Interface{2}});
  }
  bool is_own(const base::Address& address) override { return host.is_own(address); }
  std::vector<base::Interface> ways_to(const base::Address& address, base::Interface arrival) override {
    return host.ways_to(address, arrival);
  }
  std::string name(base::Interface interface) override { return host.name(interface); }
  bool has_media(const pinhole::Key& key) override { return with_media.contains(key); }
};

class TemporaryFolder {
 public:
  TemporaryFolder() : path_(fs::temp_directory_path() / ("dpinholer-test-" + std::to_string(getpid()))) {
    fs::create_directory(path_);
  }
  ~TemporaryFolder() { fs::remove_all(path_); }
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

std::vector<std::uint8_t> invite() {
  return test::udp_packet(
      caller, callee,
      test::to_text({.start = "INVITE",
                     .body = "v=0\r\no=a 1 1 IN IP4 203.0.113.5\r\ns=-\r\n"
                             "c=IN IP4 203.0.113.5\r\nt=0 0\r\nm=audio 40000 RTP/AVP 0\r\n"}));
}

Batch batch_of(const std::vector<std::uint8_t>& packet) {
  Batch batch;
  batch.now = system::now();
  batch.packets.push_back({packet, base::Interface{2}});
  return batch;
}

TEST(InspectorProcess, FindsWhatOneInThisProcessFinds) {
  KnownHost host;
  Inspector here{PipelineSettings{}};
  here.start({});
  InspectorLauncher launcher(
      [](Channel channel, const std::string&) { serve_as_inspector(std::move(channel), {}); });
  InspectorProcess there(launcher, CrashFolder({}));
  there.start(system::now());
  const auto packet = invite();
  const Batch batch = batch_of(packet);
  const auto a = here.inspect(batch, host);
  const std::size_t asked = host.host.questions;
  EXPECT_GT(asked, 0U);
  const auto b = there.inspect(batch, host);
  ASSERT_TRUE(a && b);
  EXPECT_GT(host.host.questions, asked) << "of its host it knows what it asks";
  codec::Buffer first;
  codec::Buffer second;
  codec::encode(*a, first);
  codec::encode(*b, second);
  EXPECT_EQ(first, second);
  EXPECT_EQ(b->outcome.changes.size(), 2U);
  EXPECT_TRUE(b->packets.front().changes_something);
  EXPECT_EQ(there.failures(), 0U);
}

// ---- Those that do not
// -------------------------------------------------------------------------------------

void write_frame(Channel& channel, std::uint32_t length, Kind kind, std::string_view content) {
  std::string raw(8, '\0');
  const auto number = codec::number_of(kind);
  std::memcpy(raw.data(), &length, sizeof length);
  std::memcpy(raw.data() + 4, &number, sizeof number);
  raw += content;
  (void)!send(channel.fd(), raw.data(), raw.size(), MSG_NOSIGNAL);
}

void answer_with(Channel& channel, const Findings& findings) {
  codec::Buffer buffer;
  codec::encode(findings, buffer);
  (void)channel.send(codec::number_of(Kind::findings), buffer);
}

void sleep_for_ever() {
  for (;;) pause();
}

TEST(InspectorProcess, WhateverItDoesWrongTheBatchFailsAndTheNextOneStarts) {
  const struct {
    const char* what;
    void (*work)(Channel&);
    const char* told;
  } rows[] = {
      {"it ends", [](Channel&) {}, "it is gone, "},
      {"it aborts", [](Channel&) { std::abort(); }, "it is gone, signal 6 (Aborted)"},
      {"it jumps into the void", [](Channel&) { raise(SIGSEGV); },
       "it is gone, signal 11 (Segmentation fault)"},
      {"it has worked for too long", [](Channel&) { raise(SIGXCPU); },
       "it is gone, signal 24 (an hour of processor time is over)"},
      {"noise", [](Channel& c) { (void)!send(c.fd(), "noise, and more of it", 21, MSG_NOSIGNAL); },
       "an overlong answer, "},
      {"a frame without end", [](Channel& c) { write_frame(c, 0xffff'ffff, Kind::findings, ""); },
       "an overlong answer, "},
      {"an empty frame", [](Channel& c) { write_frame(c, 0, Kind::findings, ""); },
       "an answer of the wrong form, "},
      {"two frames", [](Channel& c) { write_frame(c, 0, Kind::findings, "01234567"); },
       "an overlong answer, "},
      {"a kind that there is not", [](Channel& c) { write_frame(c, 0, Kind{77}, ""); },
       "a question of the wrong form, "},
      {"an answer to no question", [](Channel& c) { write_frame(c, 1, Kind::answer, "1"); },
       "a question of the wrong form, "},
      {"findings of no packet", [](Channel& c) { answer_with(c, {}); }, "an answer of the wrong form, "},
      {"findings of too many packets",
       [](Channel& c) {
         Findings findings;
         findings.packets.resize(2);
         answer_with(c, findings);
       },
       "an answer of the wrong form, "},
      {"a question of the wrong form", [](Channel& c) { write_frame(c, 3, Kind::is_own, "???"); },
       "a question of the wrong form, "},
      {"questions without end",
       [](Channel& c) {
         codec::Buffer question;
         codec::encode(base::Interface{2}, question);
         while (c.send(codec::number_of(Kind::name), question) && c.receive(1000)) continue;
       },
       "too many questions, "},
  };
  KnownHost host;
  const auto packet = invite();
  const Batch batch = batch_of(packet);
  for (const auto& row : rows) {
    SCOPED_TRACE(row.what);
    InspectorLauncher launcher([&](Channel channel, const std::string&) {
      if (channel.receive(base::limits::inspection_octets)) row.work(channel);
    });
    InspectorProcess inspector(launcher, CrashFolder({}));
    inspector.start(system::now());
    const int first = launcher.process();
    testing::internal::CaptureStderr();
    EXPECT_FALSE(inspector.inspect(batch, host));
    const std::string log = testing::internal::GetCapturedStderr();
    EXPECT_NE(log.find(std::string("the inspector failed: ") + row.told), std::string::npos) << log;
    EXPECT_TRUE(log.ends_with("; 1 packet passed unread, not saved: systemd gave no StateDirectory\n"))
        << log;
    EXPECT_EQ(inspector.failures(), 1U);
    EXPECT_EQ(kill(first, 0), -1) << "it is still there";
    ASSERT_TRUE(inspector.next_start());
    EXPECT_LE(*inspector.next_start(), system::now()) << "the next one may start at once";
    inspector.start(system::now());
  }
}

TEST(InspectorProcess, OneThatHangsIsGivenUpInTime) {
  KnownHost host;
  InspectorLauncher launcher([](Channel, const std::string&) { sleep_for_ever(); });
  InspectorProcess inspector(launcher, CrashFolder({}));
  inspector.start(system::now());
  const auto packet = invite();
  const auto began = system::now();
  testing::internal::CaptureStderr();
  EXPECT_FALSE(inspector.inspect(batch_of(packet), host));
  EXPECT_LT(system::now() - began, std::chrono::seconds{10});
  const std::string log = testing::internal::GetCapturedStderr();
  EXPECT_NE(log.find("the inspector failed: no answer in time, signal 9 (Killed); 1 packet "),
            std::string::npos)
      << log;
}

// More than its channel holds waits to be read.
TEST(InspectorProcess, OneThatDoesNotReadIsGivenUpInTime) {
  KnownHost host;
  InspectorLauncher launcher([](Channel, const std::string&) { sleep_for_ever(); });
  InspectorProcess inspector(launcher, CrashFolder({}));
  inspector.start(system::now());
  const std::vector<std::uint8_t> packet(65'000);
  Batch batch = batch_of(packet);
  batch.packets.resize(base::limits::queue_batch, batch.packets.front());
  testing::internal::CaptureStderr();
  EXPECT_FALSE(inspector.inspect(batch, host));
  const std::string log = testing::internal::GetCapturedStderr();
  EXPECT_NE(log.find("the inspector failed: it did not read, signal 9 (Killed); "), std::string::npos) << log;
}

TEST(InspectorProcess, OneThatEndsBetweenBatchesIsNoticed) {
  InspectorLauncher launcher([](Channel, const std::string&) {});
  InspectorProcess inspector(launcher, CrashFolder({}));
  inspector.start(system::now());
  char octet = 0;
  EXPECT_EQ(recv(inspector.fd(), &octet, 1, MSG_PEEK), 0);
  testing::internal::CaptureStderr();
  inspector.notice();
  const std::string log = testing::internal::GetCapturedStderr();
  EXPECT_NE(log.find("the inspector failed: it ended or spoke without being asked, "), std::string::npos)
      << log;
  EXPECT_EQ(inspector.failures(), 1U);
  EXPECT_EQ(inspector.fd(), -1);
}

TEST(InspectorProcess, CrashesInARowMakeThePausesLonger) {
  KnownHost host;
  InspectorLauncher launcher([](Channel, const std::string&) {});
  InspectorProcess inspector(launcher, CrashFolder({}));
  base::Duration pause{0};
  for (int i = 0; i < 12; ++i) {
    inspector.start(system::now());
    EXPECT_FALSE(inspector.inspect({}, host));
    const auto next = *inspector.next_start() - system::now();
    if (i == 1) {
      EXPECT_LE(next, std::chrono::milliseconds{50});
    }
    if (i > 1 && i < 10) {
      EXPECT_GT(next, pause) << i;
    }
    EXPECT_LE(next, std::chrono::seconds{10});
    pause = next;
  }
  EXPECT_GT(pause, std::chrono::seconds{9});
}

TEST(InspectorProcess, SavesThePacketsOfAFailureForAReplayAndKeepsTheLastOnes) {
  const TemporaryFolder state;
  KnownHost host;
  InspectorLauncher launcher([](Channel, const std::string&) {});
  InspectorProcess inspector(launcher, CrashFolder(state.path() / "crashes"));
  const auto packet = invite();
  for (std::size_t i = 0; i < base::limits::crash_files + 3; ++i) {
    inspector.start(system::now());
    EXPECT_FALSE(inspector.inspect(batch_of(packet), host));
  }
  std::set<std::string> files;
  for (const auto& entry : fs::directory_iterator(state.path() / "crashes")) files.insert(entry.path());
  ASSERT_EQ(files.size(), base::limits::crash_files);
  EXPECT_EQ(fs::path(*files.begin()).filename(), "000004.pcap");
  auto capture = system::Capture::open(*files.rbegin());
  ASSERT_TRUE(capture);
  const auto frame = capture->next();
  ASSERT_TRUE(frame && *frame);
  EXPECT_TRUE(std::ranges::equal(*(*frame)->packet, packet));
}

TEST(CrashFolder, SaysWhatCouldNotBeWritten) {
  const auto packet = invite();
  EXPECT_EQ(CrashFolder("/dev/null/crashes").save(batch_of(packet)),
            "not saved: write /dev/null/crashes/000001.pcap: Not a directory");
}

}  // namespace
}  // namespace dpinholer
