// SPDX-License-Identifier: GPL-2.0-or-later
// Inspectors in processes of their own: one that does its work, and all sorts that do not.
#include "inspector_process.h"

#include <dlfcn.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/auxv.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <vector>

#include "base/limits.h"
#include "inspector.h"
#include "inspector_roles.h"
#include "pipeline/scenario.h"
#include "support/host.h"
#include "support/sdp.h"
#include "system/capture.h"
#include "system/clock.h"
#include "system/error.h"

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
  std::vector<base::Interface> owners(const base::Address& address) override { return host.owners(address); }
  std::vector<base::Interface> ways_to(const base::Address& address, base::Interface arrival) override {
    return host.ways_to(address, arrival);
  }
  std::string name(base::Interface interface) override { return host.name(interface); }
  pinhole::Sources has_media(const pinhole::Senders& asked) override {
    return with_media.contains(asked.key) ? asked.sources : pinhole::Sources();
  }
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
  InspectorLauncher launcher;
  InspectorProcess there(launcher, CrashFolder({}), "an inspector");
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

const struct {
  const char* what;
  void (*work)(Channel&);
  const char* told;
  const char* on_a_slow_machine = told;
} misdeeds[] = {
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
    {"two frames", [](Channel& c) { write_frame(c, 0, Kind::findings, "01234567"); }, "an overlong answer, "},
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
    {"a question of the wrong form", [](Channel& c) { write_frame(c, 3, Kind::owners, "???"); },
     "a question of the wrong form, "},
    {"questions without end",
     [](Channel& c) {
       codec::Buffer question;
       codec::encode(base::Interface{2}, question);
       while (c.send(codec::number_of(Kind::name), question) && c.receive(1000)) continue;
     },
     "too many questions, ", "no answer in time, "},
};

/// The secrets that an exploit has to know.
struct Secrets {
  std::array<std::uint8_t, 16> at_random{};
  std::uintptr_t program = 0;
  std::uintptr_t libc = 0;
  std::uintptr_t stack = 0;
};

Secrets secrets_of_this_process() {
  Secrets secrets;
  std::memcpy(secrets.at_random.data(), reinterpret_cast<const void*>(getauxval(AT_RANDOM)), 16);
  secrets.program = getauxval(AT_PHDR);
  secrets.libc = reinterpret_cast<std::uintptr_t>(dlsym(RTLD_DEFAULT, "getppid"));
  secrets.stack = getauxval(AT_RANDOM);
  return secrets;
}

void tell_secrets(Channel& channel) {
  const Secrets secrets = secrets_of_this_process();
  const auto* const octets = reinterpret_cast<const std::uint8_t*>(&secrets);
  (void)channel.send(1, {octets, sizeof secrets});
}

/// The roles that the child may have in this file: the order says which.
void be(Channel& channel, const std::string& order) {
  if (order == "an inspector") return serve_as_inspector(channel, {});
  if (order == "one that hangs") sleep_for_ever();
  if (order.starts_with("length ")) {
    const std::string length = std::to_string(order.size() - 7);
    (void)channel.send(1, {reinterpret_cast<const std::uint8_t*>(length.data()), length.size()});
  }
  if (order == "one that tells its secrets") return tell_secrets(channel);
  for (const auto& misdeed : misdeeds) {
    if (order == misdeed.what && channel.receive(base::limits::inspection_octets)) misdeed.work(channel);
  }
}

TEST(InspectorProcess, WhateverItDoesWrongTheBatchFailsAndTheNextOneStarts) {
  KnownHost host;
  const auto packet = invite();
  const Batch batch = batch_of(packet);
  for (const auto& row : misdeeds) {
    SCOPED_TRACE(row.what);
    InspectorLauncher launcher;
    InspectorProcess inspector(launcher, CrashFolder({}), row.what);
    inspector.start(system::now());
    const int first = launcher.process();
    testing::internal::CaptureStderr();
    EXPECT_FALSE(inspector.inspect(batch, host));
    const std::string log = testing::internal::GetCapturedStderr();
    const auto tells = [&](const std::string& fault) {
      return log.find("the inspector failed: " + fault) != std::string::npos;
    };
    EXPECT_TRUE(tells(row.told) || tells(row.on_a_slow_machine)) << log;
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
  InspectorLauncher launcher;
  InspectorProcess inspector(launcher, CrashFolder({}), "one that hangs");
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
  InspectorLauncher launcher;
  InspectorProcess inspector(launcher, CrashFolder({}), "one that hangs");
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
  InspectorLauncher launcher;
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
  InspectorLauncher launcher;
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
  InspectorLauncher launcher;
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

TEST(InspectorLauncher, A33_NoInspectorHasTheLayoutOrTheCanaryOfAnother) {
  InspectorLauncher launcher;
  std::vector<Secrets> all{secrets_of_this_process()};
  for (int i = 0; i < 2; ++i) {
    Channel channel = launcher.launch("one that tells its secrets");
    channel.set_patience(std::chrono::seconds{10});
    const auto frame = channel.receive(sizeof(Secrets));
    ASSERT_TRUE(frame) << launcher.end();
    ASSERT_EQ(frame->content.size(), sizeof(Secrets));
    std::memcpy(&all.emplace_back(), frame->content.data(), sizeof(Secrets));
  }
  for (std::size_t a = 0; a < all.size(); ++a) {
    for (std::size_t b = 0; b < a; ++b) {
      EXPECT_NE(all[a].at_random, all[b].at_random);
      EXPECT_NE(all[a].program, all[b].program);
      EXPECT_NE(all[a].libc, all[b].libc);
      EXPECT_NE(all[a].stack, all[b].stack);
    }
  }
}

TEST(InspectorLauncher, A33_SettingsOfEveryLengthReachTheInspector) {
  InspectorLauncher launcher;
  for (const std::size_t length : {std::size_t{0}, std::size_t{1}, base::limits::configuration_octets - 7}) {
    Channel channel = launcher.launch("length " + std::string(length, 'x'));
    channel.set_patience(std::chrono::seconds{10});
    const auto frame = channel.receive(100);
    ASSERT_TRUE(frame) << length << launcher.end();
    EXPECT_EQ(std::string(frame->content.begin(), frame->content.end()), std::to_string(length));
  }
}

/// The launcher of this process, which is its only child.
pid_t launcher_process() {
  std::ifstream children("/proc/self/task/" + std::to_string(gettid()) + "/children");
  pid_t child = 0;
  children >> child;
  return child;
}

constexpr auto launcher_patience =
    std::chrono::milliseconds{base::limits::launcher_patience_milliseconds} + std::chrono::milliseconds{500};

// With a launcher that is stopped or killed, and its inspector with it or not.
TEST(InspectorProcess, A32_NoWaitForALauncherIsWithoutEnd) {
  const struct {
    int to_launcher;
    int to_inspector;
    const char* told;
  } rows[] = {
      {SIGSTOP, SIGKILL, "did not answer within 2000 ms"},
      {SIGSTOP, SIGSTOP, "did not answer within 2000 ms"},
      {SIGKILL, 0, "is gone, signal 9 (Killed)"},
      {SIGKILL, SIGSTOP, "is gone, signal 9 (Killed)"},
  };
  KnownHost host;
  const auto packet = invite();
  for (const auto& row : rows) {
    SCOPED_TRACE(std::to_string(row.to_launcher) + " and " + std::to_string(row.to_inspector));
    auto ended = system::now();
    {
      InspectorLauncher launcher;
      InspectorProcess inspector(launcher, CrashFolder({}), "an inspector");
      inspector.start(system::now());
      ASSERT_TRUE(inspector.inspect(batch_of(packet), host));
      ASSERT_EQ(kill(launcher_process(), row.to_launcher), 0);
      if (row.to_inspector != 0) {
        ASSERT_EQ(kill(inspector.process(), row.to_inspector), 0);
      }
      const auto began = system::now();
      testing::internal::CaptureStderr();
      while (inspector.inspect(batch_of(packet), host))  // it ends at once, but not sooner
        ASSERT_LT(system::now() - began, launcher_patience);
      EXPECT_LT(system::now() - began, std::chrono::milliseconds{2000} + launcher_patience);
      const std::string log = testing::internal::GetCapturedStderr();
      EXPECT_NE(log.find(std::string("what starts inspectors ") + row.told), std::string::npos) << log;
      ASSERT_TRUE(inspector.next_start());
      EXPECT_LE(*inspector.next_start(), system::now());
      try {
        inspector.start(system::now());
        FAIL() << "there is another one";
      } catch (const system::KernelError& error) {
        EXPECT_NE(std::string(error.what()).find(row.told), std::string::npos) << error.what();
        EXPECT_NE(std::string(error.what()).find("; start the daemon again"), std::string::npos);
      }
      ended = system::now();
    }
    EXPECT_LT(system::now() - ended, launcher_patience) << "its end";
  }
}

// The end of a launcher that was stopped, as a daemon that ends waits for it.
TEST(InspectorLauncher, A32_TheEndOfAStoppedOneIsWaitedForWithABound) {
  const auto began = system::now();
  {
    InspectorLauncher launcher;
    ASSERT_EQ(kill(launcher_process(), SIGSTOP), 0);
  }
  EXPECT_LT(system::now() - began, launcher_patience);
}

}  // namespace
}  // namespace dpinholer

int main(int argc, char** argv) {
  dpinholer::take_role(argc, argv, dpinholer::be);
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
