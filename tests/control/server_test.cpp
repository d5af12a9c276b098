// SPDX-License-Identifier: GPL-2.0-or-later
// The control socket as its clients see it: well-behaved ones, slow ones, hostile ones.
#include "control/server.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/limits.h"
#include "control/client.h"
#include "control/office.h"
#include "control/request.h"
#include "control/socket.h"
#include "system/escape.h"

namespace dpinholer::control {
namespace {

namespace fs = std::filesystem;
namespace limits = base::limits;
using nlohmann::json;

bool is_ready(int fd) {
  pollfd one{fd, POLLIN, 0};
  return poll(&one, 1, 0) == 1;
}

class ServerTest : public testing::Test {
 protected:
  ServerTest() : folder_(make_folder()), path_(folder_ / "control") {
    server_ = std::make_unique<Server>(path_);
  }
  ~ServerTest() override {
    server_.reset();
    fs::remove_all(folder_);
  }

  static fs::path make_folder() {
    std::string name = (fs::temp_directory_path() / "control-XXXXXX").string();
    return mkdtemp(name.data());
  }

  /// A client that this test moves by hand.
  class Raw {
   public:
    explicit Raw(const fs::path& path) : socket_(std::move(connect_to(path).value())) {}
    void say(const std::string& text) {
      EXPECT_EQ(send(fd(), text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
    }
    void say_no_more() { shutdown(fd(), SHUT_WR); }
    /// What has come until now; sets `ended` when the other side has closed.
    std::string hear() {
      std::string text;
      std::array<char, 4096> block{};
      for (;;) {
        const ssize_t size = recv(fd(), block.data(), block.size(), MSG_DONTWAIT);
        if (size == 0) ended = true;
        if (size <= 0) return text;
        text.append(block.data(), static_cast<std::size_t>(size));
      }
    }
    int fd() const { return socket_.get(); }
    bool ended = false;

   private:
    Descriptor socket_;
  };

  /// Serves until nothing is left to do; how often.
  int work() {
    int times = 0;
    for (; is_ready(server_->fd()); ++times) {
      if (times > 100'000) throw std::logic_error("the server turns in a circle");
      server_->serve(source_, office_.now);
    }
    return times;
  }
  std::string ask(Raw& raw, const std::string& text) {
    raw.say(text);
    std::string answer;
    for (int i = 0; i < 10'000; ++i) {
      server_->serve(source_, office_.now);
      answer += raw.hear();
      if (answer.ends_with("\"}\n") && answer.find("\"end\":") != std::string::npos) return answer;
    }
    return answer + "(no end)";
  }

  test::Office office_;
  Source source_ = office_.source();
  fs::path folder_;
  fs::path path_;
  std::unique_ptr<Server> server_;
};

std::vector<json> read(const std::string& answer) {
  std::vector<json> lines;
  std::istringstream in(answer);
  for (std::string line; std::getline(in, line);) lines.push_back(json::parse(line));
  return lines;
}

TEST_F(ServerTest, AnswersOneRequestAfterTheOther) {
  office_.offer("a@b", "192.0.2.10", 30000);
  Raw raw(path_);
  auto lines = read(ask(raw, "{\"command\":\"status\"}\n"));
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(lines[0]["version"], "1.2.3");
  EXPECT_EQ(lines[1], json({{"end", "ok"}}));
  lines = read(ask(raw, "{\"command\":\"calls\"}\n"));
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(lines[0]["call_id"], "a@b");
  EXPECT_EQ(lines[0]["state"], "offered");
  lines = read(ask(raw, "{\"command\":\"pinholes\"}\n"));
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_EQ(lines[0]["set"], "sip_rtp4");
  EXPECT_EQ(lines[1]["component"], "rtcp");
  EXPECT_EQ(work(), 0) << "nothing is left to do";
}

TEST_F(ServerTest, AnswersSeveralRequestsSentAtOnceAndWhoSaysNoMore) {
  Raw raw(path_);
  raw.say("{\"command\":\"status\"}\n{\"command\":\"calls\"}\n{\"command\":\"status\"}\n");
  raw.say_no_more();
  work();
  const std::string answer = raw.hear();
  EXPECT_EQ(read(answer).size(), 5U) << answer;
  raw.hear();
  EXPECT_TRUE(raw.ended);
}

TEST_F(ServerTest, ClosesACallOnce) {
  office_.offer("a@b", "192.0.2.10", 30000);
  Raw raw(path_);
  const std::string request = to_line({Request::Command::close, false, "a@b"});
  EXPECT_EQ(ask(raw, request), "{\"end\":\"ok\"}\n");
  EXPECT_EQ(ask(raw, request), "{\"end\":\"not-found\"}\n");
  EXPECT_EQ(office_.installed.size(), 0U);
}

TEST_F(ServerTest, ClosesACallByWhatTheCommandsPrint) {
  const std::string hostile = "\\x41\x1b\xff";
  office_.offer(hostile, "192.0.2.10", 30000);
  Raw raw(path_);
  EXPECT_EQ(ask(raw, to_line({Request::Command::close, false, system::escape(hostile)})),
            "{\"end\":\"ok\"}\n");
  EXPECT_EQ(office_.installed.size(), 0U);
}

TEST_F(ServerTest, LiftsABanOnce) {
  Request request{Request::Command::unban};
  request.address = test::address("203.0.113.5");
  office_.banned = {request.address};
  Raw raw(path_);
  EXPECT_EQ(ask(raw, to_line(request)), "{\"end\":\"ok\"}\n");
  EXPECT_EQ(ask(raw, to_line(request)), "{\"end\":\"not-found\"}\n");
  request.address = office_.unreachable = test::address("203.0.113.6");
  EXPECT_EQ(ask(raw, to_line(request)), "{\"end\":\"error\",\"error\":\"the kernel refuses\"}\n");
}

TEST_F(ServerTest, WhatIsNoRequestIsAnsweredAndTheNextOneCounts) {
  Raw raw(path_);
  const std::string octets("\0\xff\x1b\n", 4);
  for (const std::string& nonsense : {std::string("\n"), std::string("hello\n"), octets}) {
    const auto lines = read(ask(raw, nonsense));
    ASSERT_EQ(lines.size(), 1U) << nonsense;
    EXPECT_EQ(lines[0]["end"], "error");
  }
  EXPECT_EQ(read(ask(raw, "{\"command\":\"status\"}\n")).size(), 2U);
  EXPECT_EQ(server_->counters().refused, 3U);
}

TEST_F(ServerTest, ARequestWithoutEndIsCutOff) {
  Raw raw(path_);
  std::string heard;
  for (std::size_t sent = 0; sent <= limits::request_length; sent += 1024) {
    raw.say(std::string(1024, 'x'));
    work();
    heard += raw.hear();
  }
  EXPECT_EQ(read(heard).at(0)["end"], "error");
  EXPECT_TRUE(raw.ended);
}

TEST_F(ServerTest, AListOfAnyLengthTakesASmallBuffer) {
  constexpr std::size_t calls = 800;
  for (std::size_t i = 0; i < calls; ++i)
    office_.offer("call " + std::to_string(i), "192.0.2.10", static_cast<std::uint16_t>(2 * i + 2));
  Raw raw(path_);
  raw.say("{\"command\":\"pinholes\"}\n");
  const std::size_t looked_up = office_.sets.lookups();
  work();  // nobody reads: what the socket takes is made, and no more
  EXPECT_LT(office_.sets.lookups() - looked_up, 2 * calls);
  std::string answer = raw.hear();
  for (int i = 0; i < 10'000 && answer.find("\"end\"") == std::string::npos; ++i) {
    work();
    answer += raw.hear();
  }
  EXPECT_EQ(read(answer).size(), 2 * calls + 1);
}

TEST_F(ServerTest, OneTurnIsOnePieceForOneClient) {
  for (int i = 0; i < 300; ++i)
    office_.offer("call " + std::to_string(i), "192.0.2.10", static_cast<std::uint16_t>(2 * i + 2));
  Raw slow(path_);
  Raw quick(path_);
  slow.say("{\"command\":\"pinholes\"}\n");
  work();
  quick.say("{\"command\":\"status\"}\n");
  // Whoever has much to be told does not keep the other waiting.
  for (int i = 0; i < 6; ++i) {
    const std::size_t before = office_.sets.lookups();
    slow.hear();
    server_->serve(source_, office_.now);
    EXPECT_LE(office_.sets.lookups() - before, limits::listed_pinholes);
  }
  EXPECT_EQ(read(quick.hear()).size(), 2U);
}

TEST_F(ServerTest, TellsTheLastEventsAndThoseToCome) {
  office_.offer("a@b", "192.0.2.10", 30000);
  office_.refuse("a@b", "10.0.0.1", 53);
  Raw raw(path_);
  auto lines = read(ask(raw, "{\"command\":\"events\"}\n"));
  ASSERT_EQ(lines.size(), 4U);
  EXPECT_EQ(lines[0]["event"], "open");
  EXPECT_EQ(lines[2]["event"], "refuse");
  const double now = static_cast<double>(time(nullptr));
  EXPECT_NEAR(lines[0]["time"].get<double>(), now, 5);

  raw.say("{\"command\":\"events\",\"follow\":true}\n");
  work();
  EXPECT_EQ(read(raw.hear()).size(), 3U);
  EXPECT_EQ(work(), 0);
  office_.hang_up("a@b");
  EXPECT_EQ(work(), 0) << "not before it is told to";
  server_->notify(office_.now);
  work();
  lines = read(raw.hear());
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(lines[0]["event"], "close");
  EXPECT_EQ(lines[0]["cause"], "bye");
}

TEST_F(ServerTest, WhoFollowsTooSlowlyLearnsHowManyHeMissed) {
  Raw raw(path_);
  raw.say("{\"command\":\"events\",\"follow\":true}\n");
  work();
  std::size_t made = 0;
  for (int i = 0; i < 20'000; ++i, ++made) {
    office_.refuse("call", "10.0.0.1", 53);
    server_->notify(office_.now);
    work();
  }
  std::size_t told = 0;
  std::size_t missed = 0;
  std::string answer;
  for (int i = 0; i < 1000 && told + missed < made; ++i) {
    answer += raw.hear();
    work();
    const std::size_t whole = answer.rfind('\n');
    for (const json& line : read(answer.substr(0, whole + 1))) {
      if (line.contains("missed")) {
        missed += line["missed"].get<std::size_t>();
      } else {
        ++told;
      }
    }
    answer.erase(0, whole + 1);
  }
  EXPECT_EQ(told + missed, made);
  EXPECT_GT(missed, 0U);
}

TEST_F(ServerTest, AClientThatGoesAwayIsForgotten) {
  for (int i = 0; i < 300; ++i)
    office_.offer("call " + std::to_string(i), "192.0.2.10", static_cast<std::uint16_t>(2 * i + 2));
  for (const std::string request :
       {"", "{\"comm", "{\"command\":\"pinholes\"}\n", "{\"command\":\"events\",\"follow\":true}\n"}) {
    for (std::size_t i = 0; i < 2 * limits::control_clients; ++i) {
      Raw raw(path_);
      if (!request.empty()) raw.say(request);
      work();
    }
    work();
  }
  EXPECT_EQ(server_->counters().turned_away, 0U);
}

// Asks for more than a socket holds, and takes nothing of it.
class ServerAttackTest : public ServerTest {
 protected:
  ServerAttackTest() {
    for (int i = 0; i < 1000; ++i)
      office_.offer("call " + std::to_string(i), "192.0.2.10", static_cast<std::uint16_t>(2 * i + 2));
  }
  std::unique_ptr<Raw> client(const std::string& request) {
    auto raw = std::make_unique<Raw>(path_);
    if (!request.empty()) raw->say(request);
    work();
    office_.now += std::chrono::milliseconds{1};
    return raw;
  }
  bool is_answered() {
    Raw raw(path_);
    return read(ask(raw, "{\"command\":\"status\"}\n")).size() == 2;
  }
};

TEST_F(ServerAttackTest, A34SlowReadersGiveWayToTheNextClientAtOnce) {
  for (const std::string request : {"{\"command\":\"pinholes\"}\n", "", "{\"comm"}) {
    std::vector<std::unique_ptr<Raw>> slow;
    while (slow.size() < limits::control_clients) slow.push_back(client(request));
    const std::uint64_t dropped = server_->counters().dropped;
    EXPECT_TRUE(is_answered()) << request;
    EXPECT_EQ(server_->counters().dropped, dropped + 1);
    slow.front()->hear();
    EXPECT_TRUE(slow.front()->ended) << "it has waited for longest";
    slow.clear();
    work();
  }
  EXPECT_EQ(server_->counters().turned_away, 0U);
}

TEST_F(ServerAttackTest, A34FollowersOfEventsKeepTheirPlacesAndLeaveSome) {
  const std::string follow = "{\"command\":\"events\",\"follow\":true}\n";
  std::vector<std::unique_ptr<Raw>> followers;
  while (followers.size() < limits::control_followers) {
    followers.push_back(client(follow));
    while (!followers.back()->hear().empty()) work();
  }
  const auto too_many = client(follow);
  EXPECT_EQ(too_many->hear(),
            "{\"end\":\"error\",\"error\":\"too many programs follow the events; end one of them\"}\n");
  EXPECT_EQ(server_->counters().turned_away, 1U);

  office_.now += std::chrono::hours{1};
  std::vector<std::unique_ptr<Raw>> slow;
  while (slow.size() < limits::control_clients) slow.push_back(client("{\"command\":\"pinholes\"}\n"));
  // An event: they were not slow before there was something to take.
  office_.refuse("a@b", "10.0.0.1", 53);
  server_->notify(office_.now);
  EXPECT_TRUE(is_answered());
  work();
  for (auto& follower : followers) {
    EXPECT_EQ(read(follower->hear()).size(), 1U);
    EXPECT_FALSE(follower->ended);
  }
}

TEST_F(ServerTest, ForOwnerAndGroupOnly) {
  struct stat found {};
  ASSERT_EQ(stat(path_.c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777U, 0660U);
}

std::string fault_of(const fs::path& path) {
  try {
    Server server(path);
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return "";
}

TEST_F(ServerTest, SaysWhyNobodyCanAskIt) {
  const std::string something_else =
      "something else is there; remove it, or name another place with --socket";
  std::ofstream(folder_ / "file");
  const std::pair<fs::path, std::string> cases[] = {
      {folder_, something_else},
      {folder_ / "file", something_else},
      {folder_ / "file" / "control", "Not a directory; name a place that can be written with --socket"},
      {folder_ / std::string(108, 'a'), "File name too long; name a place that can be written with --socket"},
  };
  for (const auto& [path, why] : cases)
    EXPECT_EQ(fault_of(path), "control socket " + path.string() + ": " + why);
}

TEST_F(ServerTest, ALiveSocketIsNotStolen) {
  EXPECT_EQ(fault_of(path_), "control socket " + path_.string() +
                                 ": another daemon answers there; name another one with --socket");
  work();
  Raw raw(path_);
  EXPECT_EQ(read(ask(raw, "{\"command\":\"status\"}\n")).size(), 2U);
}

TEST_F(ServerTest, ADeadSocketIsReplacedAndALivingOneGoesWithItsServer) {
  server_.reset();
  EXPECT_FALSE(fs::exists(path_));
  {
    // As a daemon leaves it that was killed.
    const auto dead = listen_at(path_);
    ASSERT_TRUE(dead);
  }
  ASSERT_TRUE(fs::exists(path_));
  server_ = std::make_unique<Server>(path_);
  Raw raw(path_);
  EXPECT_EQ(read(ask(raw, "{\"command\":\"status\"}\n")).size(), 2U);
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_), fs::directory_iterator()), 1);
}

TEST_F(ServerTest, AFileThatIsNoSocketStays) {
  const fs::path file = folder_ / "precious";
  std::ofstream(file) << "data";
  EXPECT_THROW(Server second(file), std::runtime_error);
  EXPECT_EQ(fs::file_size(file), 4U);
}

TEST_F(ServerTest, TheFileOfAnotherServerStays) {
  fs::remove(path_);
  Server second(path_);
  server_.reset();
  EXPECT_TRUE(fs::exists(path_));
}

// Call-IDs are chosen by strangers.
TEST_F(ServerTest, AHostileCallIdStaysInItsLine) {
  const std::string hostile = "\x1b[2J\n{\"end\":\"ok\"}\r\n\"\\\x80\xff\u2028</script>";
  office_.offer(hostile, "192.0.2.10", 30000);
  office_.refuse(hostile, hostile, 53);
  for (const std::string command : {"calls", "pinholes", "events"}) {
    Raw raw(path_);
    const std::string answer = ask(raw, "{\"command\":\"" + command + "\"}\n");
    const auto lines = read(answer);
    ASSERT_GE(lines.size(), 2U) << answer;
    EXPECT_EQ(lines.back()["end"], "ok");
    for (std::size_t i = 0; i + 1 < lines.size(); ++i) {
      EXPECT_FALSE(lines[i].contains("end"));
      EXPECT_TRUE(lines[i]["call_id"].get<std::string>().starts_with("\x1b[2J\n{\"end\"")) << answer;
    }
    for (const char c : answer) EXPECT_TRUE(c == '\n' || (c >= ' ' && c <= '~')) << answer;
  }
}

}  // namespace
}  // namespace dpinholer::control
