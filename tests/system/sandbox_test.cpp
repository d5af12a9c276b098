// SPDX-License-Identifier: GPL-2.0-or-later
// In processes of their own: nothing of it can be taken back.
#include "system/sandbox.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/capability.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <functional>
#include <string>

namespace dpinholer::system::sandbox {
namespace {

constexpr std::size_t memory = std::size_t{1} << 30;

using Meanwhile = std::function<void(pid_t child)>;

/// What became of a child that does this: "0", or the name of the signal that ended it. `meanwhile`: here.
std::string fate(const std::function<int()>& work, const Meanwhile& meanwhile = {}) {
  const pid_t child = fork();
  if (child == 0) {
    try {
      syscall(SYS_exit_group, work());
    } catch (const std::exception& error) {
      (void)!write(STDERR_FILENO, error.what(), std::strlen(error.what()));
      _exit(99);
    }
  }
  if (meanwhile) meanwhile(child);
  int status = 0;
  waitpid(child, &status, 0);
  if (WIFSIGNALED(status)) return std::string("SIG") + sigabbrev_np(WTERMSIG(status));
  return std::to_string(WEXITSTATUS(status));
}

/// The same within the confinement of an inspector, with a channel.
std::string confined_fate(const std::function<int(int channel)>& work, const Meanwhile& meanwhile = {}) {
  int ends[2];
  EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
  const std::string result = fate(
      [&] {
        keep_capabilities({});
        confine_inspector(ends[0], memory);
        return work(ends[0]);
      },
      meanwhile);
  close(ends[0]);
  close(ends[1]);
  return result;
}

// Issue: each of them dies by seccomp.
TEST(Sandbox, WhatAnInspectorDoesNotNeedKillsIt) {
  const struct {
    const char* what;
    std::function<int(int)> work;
  } rows[] = {
      {"open", [](int) { return static_cast<int>(syscall(SYS_open, "/etc/passwd", O_RDONLY)); }},
      {"openat",
       [](int) { return static_cast<int>(syscall(SYS_openat, AT_FDCWD, "/etc/passwd", O_RDONLY)); }},
      {"socket", [](int) { return static_cast<int>(syscall(SYS_socket, AF_INET, SOCK_DGRAM, 0)); }},
      {"netlink", [](int) { return static_cast<int>(syscall(SYS_socket, AF_NETLINK, SOCK_RAW, 12)); }},
      {"execve",
       [](int) {
         char path[] = "/bin/true";
         char* arguments[] = {path, nullptr};
         return static_cast<int>(syscall(SYS_execve, path, arguments, nullptr));
       }},
      {"ptrace", [](int) { return static_cast<int>(syscall(SYS_ptrace, PTRACE_ATTACH, getppid(), 0, 0)); }},
      {"kill", [](int) { return static_cast<int>(syscall(SYS_kill, 1, 0)); }},
      {"tgkill of another", [](int) { return static_cast<int>(syscall(SYS_tgkill, 1, 1, SIGABRT)); }},
      {"fork", [](int) { return static_cast<int>(syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0)); }},
      {"unshare", [](int) { return static_cast<int>(syscall(SYS_unshare, CLONE_NEWUSER)); }},
      {"setrlimit", [](int) { return static_cast<int>(syscall(SYS_prlimit64, 0, 7, nullptr, nullptr)); }},
      {"memory to execute",
       [](int) {
         return static_cast<int>(
             syscall(SYS_mmap, nullptr, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
       }},
      {"a file to execute",
       [](int channel) {
         return static_cast<int>(syscall(SYS_mmap, nullptr, 4096, PROT_READ, MAP_PRIVATE, channel, 0));
       }},
      {"another descriptor",
       [](int channel) {
         char octet = 0;
         return static_cast<int>(syscall(SYS_recvfrom, channel + 1, &octet, 1, 0, nullptr, nullptr));
       }},
      {"x32 and other ways in", [](int) { return static_cast<int>(syscall(0x40000000 + SYS_openat)); }},
  };
  for (const auto& row : rows) EXPECT_EQ(confined_fate(row.work), "SIGSYS") << row.what;
}

TEST(Sandbox, WhatAnInspectorNeedsItMayDo) {
  EXPECT_EQ(confined_fate([](int channel) {
              iovec part{const_cast<char*>("x"), 1};
              msghdr message{};
              message.msg_iov = &part;
              message.msg_iovlen = 1;
              if (syscall(SYS_sendmsg, channel, &message, MSG_NOSIGNAL) != 1) return 1;
              char octet = 0;
              if (syscall(SYS_recvfrom, channel, &octet, 1, MSG_DONTWAIT, nullptr, nullptr) != -1) return 2;
              void* const large =
                  mmap(nullptr, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
              if (large == MAP_FAILED) return 3;
              return munmap(large, 1 << 20);
            }),
            "0");
  EXPECT_EQ(confined_fate([](int) -> int { std::abort(); }), "SIGABRT");
}

TEST(Sandbox, MemoryIsBounded) {
  EXPECT_EQ(confined_fate([](int) {
              const void* more =
                  mmap(nullptr, 2 * memory, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
              return more == MAP_FAILED ? 0 : 1;
            }),
            "0");
}

// SIGXCPU says why, where SIGKILL would not. What is left of the hour is a second here.
TEST(Sandbox, ProcessorTimeIsBounded) {
  auto leave_a_second = [](pid_t child) {
    rlimit time{};
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{10};
    while (time.rlim_cur != 3600 && std::chrono::steady_clock::now() < deadline)
      ASSERT_EQ(prlimit(child, RLIMIT_CPU, nullptr, &time), 0);
    EXPECT_EQ(time.rlim_cur, 3600U);
    time.rlim_max -= time.rlim_cur - 1;
    time.rlim_cur = 1;
    if (prlimit(child, RLIMIT_CPU, &time, nullptr) == 0) return;
    kill(child, SIGKILL);
    FAIL() << std::strerror(errno);
  };
  auto spin = [](int) -> int {
    for (const volatile bool busy = true; busy;) continue;
    return 0;
  };
  EXPECT_EQ(confined_fate(spin, leave_a_second), "SIGXCPU");
}

TEST(Sandbox, TheGatekeeperMayNotBecomeSomethingElse) {
  EXPECT_EQ(fate([] {
              keep_capabilities({});
              confine_gatekeeper();
              int allowed = 0;
              auto tried = [&](long result) { allowed += result >= 0 || errno != EPERM ? 1 : 0; };
              char path[] = "/bin/true";
              char* arguments[] = {path, nullptr};
              tried(syscall(SYS_execve, path, arguments, nullptr));
              tried(syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0));
              tried(syscall(SYS_ptrace, PTRACE_ATTACH, getppid(), 0, 0));
              tried(syscall(SYS_kill, getppid(), 0));
              tried(syscall(SYS_unshare, CLONE_NEWUSER));
              tried(syscall(SYS_mount, "none", "/tmp", "tmpfs", 0, nullptr));
              tried(syscall(SYS_socket, AF_INET, SOCK_DGRAM, 0));
              tried(syscall(SYS_socket, AF_PACKET, SOCK_RAW, 0));
              tried(syscall(SYS_bpf, 0, nullptr, 0));
              tried(syscall(SYS_init_module, nullptr, 0, ""));
              tried(reinterpret_cast<long>(
                        mmap(nullptr, 4096, PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)) == -1
                        ? -1
                        : 0);
              return allowed;
            }),
            "0");
}

TEST(Sandbox, CapabilitiesAreGoneForGood) {
  EXPECT_EQ(fate([] {
              keep_capabilities({});
              const cap_t now = cap_get_proc();
              const cap_t none = cap_init();
              const int different = cap_compare(now, none);
              const cap_value_t wanted = CAP_NET_ADMIN;
              cap_set_flag(now, CAP_EFFECTIVE, 1, &wanted, CAP_SET);
              cap_set_flag(now, CAP_PERMITTED, 1, &wanted, CAP_SET);
              const bool back = cap_set_proc(now) == 0;
              cap_free(none);
              cap_free(now);
              return different != 0 || back ? 1 : 0;
            }),
            "0");
}

TEST(Sandbox, OnlyWhatIsNamedStaysOpen) {
  EXPECT_EQ(fate([] {
              const int kept = open("/dev/null", O_RDONLY);
              const int closed = open("/dev/null", O_RDONLY);
              close_all_but({&kept, 1});
              return fcntl(kept, F_GETFD) >= 0 && fcntl(closed, F_GETFD) < 0 && fcntl(0, F_GETFD) < 0 &&
                             fcntl(STDERR_FILENO, F_GETFD) >= 0
                         ? 0
                         : 1;
            }),
            "0");
}

}  // namespace
}  // namespace dpinholer::system::sandbox
