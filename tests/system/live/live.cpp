// SPDX-License-Identifier: GPL-2.0-or-later
#include "system/live/live.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <stdexcept>
#include <system_error>
#include <thread>

namespace dpinholer::live {

namespace {

int current_namespace() {
  const int fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
  if (fd < 0) throw std::system_error(errno, std::generic_category(), "/proc/thread-self/ns/net");
  return fd;
}

void enter(int fd) {
  if (setns(fd, CLONE_NEWNET) != 0) throw std::system_error(errno, std::generic_category(), "setns");
}

// Exit status and all that the command printed.
std::pair<int, std::string> shell(const std::string& command) {
  FILE* pipe = popen(("( " + command + " ) 2>&1").c_str(), "r");
  if (pipe == nullptr) throw std::system_error(errno, std::generic_category(), "popen");
  std::string text;
  std::array<char, 4096> piece{};
  while (std::size_t count = std::fread(piece.data(), 1, piece.size(), pipe))
    text.append(piece.data(), count);
  return {pclose(pipe), text};
}

}  // namespace

Namespace::Namespace() {
  const int outside = current_namespace();
  if (unshare(CLONE_NEWNET) != 0) throw std::system_error(errno, std::generic_category(), "unshare");
  fd_ = current_namespace();
  enter(outside);
  close(outside);
  run("ip link set lo up");
}

Namespace::~Namespace() {
  close(fd_);
}

void Namespace::inside(const std::function<void()>& work) const {
  struct Return {
    int outside = current_namespace();
    ~Return() {
      enter(outside);
      close(outside);
    }
  } back;
  enter(fd_);
  work();
}

std::string Namespace::run(const std::string& command) const {
  std::string text;
  inside([&] {
    auto [status, printed] = shell(command);
    if (status != 0) ADD_FAILURE() << command << ": " << printed;
    text = std::move(printed);
  });
  return text;
}

std::string Namespace::path() const {
  return "/proc/" + std::to_string(getpid()) + "/fd/" + std::to_string(fd_);
}

std::string sets_ruleset(const std::string& table) {
  std::string text = "table " + table + " {\n";
  for (const std::string protocol : {"rtp", "tcp"}) {
    for (const std::string family : {"4", "6"}) {
      const std::string address = "ipv" + family + "_addr";
      const std::string rest =
          " . inet_service; size 131072; flags dynamic,timeout; timeout 300s; counter; }\n";
      text += "set sip_" + protocol + family + " { type " + address + rest;
      text += "set sip_" + protocol + family + "_from { type " + address + " . " + address + rest;
    }
  }
  return text + "}\n";
}

void load(const Namespace& where, const std::string& ruleset) {
  where.run("nft -f - <<'RULESET'\n" + ruleset + "\nRULESET\n");
}

bool eventually(const std::function<bool()>& condition, std::chrono::milliseconds deadline) {
  const auto end = std::chrono::steady_clock::now() + deadline;
  for (;;) {
    if (condition()) return true;
    if (std::chrono::steady_clock::now() >= end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds{2});
  }
}

void LiveTest::SetUp() {
  if (geteuid() != 0) GTEST_SKIP() << "skipped: needs root";
}

}  // namespace dpinholer::live
