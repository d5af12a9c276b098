// SPDX-License-Identifier: GPL-2.0-or-later
#include "system/sandbox.h"

#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/capability.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <system_error>
#include <vector>

#include "system/error.h"

namespace dpinholer::system::sandbox {

namespace {

[[noreturn]] void fail(const char* call, int code = errno) {
  throw std::system_error(code, std::generic_category(), call);
}

void limit(__rlimit_resource_t resource, rlim_t most, rlim_t beyond = 0) {
  const rlimit soft_and_hard{most, most + beyond};
  if (setrlimit(resource, &soft_and_hard) != 0) fail("setrlimit");
}

bool write_file(const char* path, const std::string& text) {
  const int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return false;
  const bool done = write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  close(fd);
  return done;
}

enum class Entered { none, without_user, all };

// In a user namespace of its own a process may do what follows without being root; its user stays the same.
Entered enter_namespaces() {
  constexpr int others = CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS;
  const std::string user = std::to_string(geteuid());
  const std::string group = std::to_string(getegid());
  if (unshare(CLONE_NEWUSER | others) == 0) {
    const bool mapped = write_file("/proc/self/setgroups", "deny") &&
                        write_file("/proc/self/uid_map", user + " " + user + " 1") &&
                        write_file("/proc/self/gid_map", group + " " + group + " 1");
    return mapped ? Entered::all : Entered::none;
  }
  return unshare(others) == 0 ? Entered::without_user : Entered::none;
}

// A program that is executed keeps `capability`, in spite of no_new_privs.
void pass_on(cap_value_t capability) {
  const std::unique_ptr<std::remove_pointer_t<cap_t>, int (*)(void*)> set(cap_get_proc(), cap_free);
  if (set == nullptr || cap_set_flag(set.get(), CAP_INHERITABLE, 1, &capability, CAP_SET) != 0 ||
      cap_set_proc(set.get()) != 0 || cap_set_ambient(capability, CAP_SET) != 0)
    fail("cap_set_ambient");
}

bool has(cap_value_t capability) {
  const std::unique_ptr<std::remove_pointer_t<cap_t>, int (*)(void*)> set(cap_get_proc(), cap_free);
  cap_flag_value_t value = CAP_CLEAR;
  return set != nullptr && cap_get_flag(set.get(), capability, CAP_EFFECTIVE, &value) == 0 &&
         value == CAP_SET;
}

// pivot_root(2), "pivot_root(".", ".")": the old root lies over the new one until it is taken off.
bool empty_root() {
  constexpr const char* place = "/tmp";  // is everywhere, and nothing in it is changed
  return unshare(CLONE_NEWNS) == 0 && mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
         mount("none", place, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "size=4k,mode=0555") == 0 &&
         chdir(place) == 0 && syscall(SYS_pivot_root, ".", ".") == 0 && umount2(".", MNT_DETACH) == 0 &&
         chdir("/") == 0 &&
         mount(nullptr, "/", nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC,
               nullptr) == 0;
}

// Tried by a child, so that this process keeps its root; an errno, 0 when there is none.
int obstacle_to_leave_root() {
  const pid_t child = fork();
  if (child < 0) return errno;
  if (child == 0) _exit(empty_root() ? 0 : errno);
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
  return WIFEXITED(status) ? WEXITSTATUS(status) : EPERM;
}

[[noreturn]] void no_filter(const char* call, int code) {
  throw KernelError(SystemError{call, code, ""}.to_string() + "; the kernel must have CONFIG_SECCOMP_FILTER");
}

class Filter {
 public:
  explicit Filter(std::uint32_t otherwise) : context_(seccomp_init(otherwise), seccomp_release) {
    if (context_ == nullptr) no_filter("seccomp_init", ENOMEM);
  }

  void allow(int call) { add(call, {}); }
  void allow(int call, std::initializer_list<scmp_arg_cmp> arguments) { add(call, arguments); }
  void set(scmp_filter_attr attribute, std::uint32_t value) {
    if (const int code = seccomp_attr_set(context_.get(), attribute, value); code < 0)
      no_filter("seccomp_attr_set", -code);
  }
  void load() {
    if (const int code = seccomp_load(context_.get()); code < 0) no_filter("seccomp_load", -code);
  }

 private:
  void add(int call, std::initializer_list<scmp_arg_cmp> arguments) {
    const std::vector<scmp_arg_cmp> list(arguments);
    const int code = seccomp_rule_add_array(context_.get(), SCMP_ACT_ALLOW, call,
                                            static_cast<unsigned>(list.size()), list.data());
    if (code < 0 && code != -EEXIST) no_filter("seccomp_rule_add", -code);
  }

  std::unique_ptr<void, decltype(&seccomp_release)> context_;
};

scmp_arg_cmp equals(unsigned argument, std::uint64_t value) {
  return {argument, SCMP_CMP_EQ, value, 0};
}
scmp_arg_cmp lacks(unsigned argument, std::uint64_t bits) {
  return {argument, SCMP_CMP_MASKED_EQ, bits, 0};
}

// Memory that can be written or executed, but not both.
void allow_memory(Filter& filter) {
  for (const int call : {SCMP_SYS(brk), SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise)})
    filter.allow(call);
  filter.allow(SCMP_SYS(mprotect), {lacks(2, PROT_EXEC)});
}

// abort(3): that it was called, and for what, is worth knowing.
void allow_abort(Filter& filter) {
  for (const int call :
       {SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigaction), SCMP_SYS(getpid), SCMP_SYS(gettid)})
    filter.allow(call);
  filter.allow(SCMP_SYS(tgkill), {equals(0, static_cast<std::uint64_t>(getpid())), equals(2, SIGABRT)});
}

}  // namespace

void keep_capabilities(std::span<const int> capabilities) {
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) fail("prctl");
  cap_reset_ambient();
  for (cap_value_t each = 0; each < cap_max_bits(); ++each) {
    const bool kept = std::find(capabilities.begin(), capabilities.end(), each) != capabilities.end();
    if (!kept) cap_drop_bound(each);  // not without CAP_SETPCAP, and then it makes no difference
  }
  using Set = std::unique_ptr<std::remove_pointer_t<cap_t>, int (*)(void*)>;
  const Set before(cap_get_proc(), cap_free);
  const Set set(cap_init(), cap_free);
  if (before == nullptr || set == nullptr) fail("cap_init");
  for (const cap_value_t each : capabilities) {
    cap_flag_value_t had = CAP_CLEAR;
    cap_get_flag(before.get(), each, CAP_PERMITTED, &had);
    cap_set_flag(set.get(), CAP_PERMITTED, 1, &each, had);
    cap_set_flag(set.get(), CAP_EFFECTIVE, 1, &each, had);
  }
  if (cap_set_proc(set.get()) != 0) fail("cap_set_proc");
}

// The root stays for now: a program can't be executed where its libraries are not. CAP_SYS_ADMIN, with which
// it is left, is passed on only where a user namespace makes it harmless for the host.
std::string leave_host() {
  const Entered entered = enter_namespaces();
  const int code = errno;
  const int obstacle = entered == Entered::all ? obstacle_to_leave_root() : EPERM;
  if (obstacle == 0) {
    keep_capabilities(std::array{CAP_SYS_ADMIN});
    pass_on(CAP_SYS_ADMIN);
    return "";
  }
  keep_capabilities({});
  if (entered == Entered::none) return std::string("no namespaces of its own (") + std::strerror(code) + ")";
  if (entered == Entered::without_user) return "no root of its own (there are no user namespaces)";
  return std::string("no root of its own (") + std::strerror(obstacle) + ")";
}

void leave_root() {
  if (has(CAP_SYS_ADMIN) && !empty_root()) fail("pivot_root");
  keep_capabilities({});
}

void close_all_but(std::span<const int> descriptors) {
  std::vector<int> kept(descriptors.begin(), descriptors.end());
  kept.push_back(STDERR_FILENO);
  std::sort(kept.begin(), kept.end());
  unsigned next = 0;
  for (const int fd : kept) {
    const auto number = static_cast<unsigned>(fd);
    if (number > next) close_range(next, number - 1, 0);
    next = number + 1;
  }
  close_range(next, ~0U, 0);
}

void confine_inspector(int channel, std::size_t memory) {
  constexpr rlim_t an_hour = 3600;
  limit(RLIMIT_CORE, 0);
  limit(RLIMIT_NOFILE, 0);
  limit(RLIMIT_NPROC, 0);
  limit(RLIMIT_DATA, memory);
  limit(RLIMIT_CPU, an_hour, 1);  // at the hard limit it would be SIGKILL, which does not say why
  if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) fail("prctl");
  Filter filter(SCMP_ACT_KILL_PROCESS);
  const auto socket = static_cast<std::uint64_t>(channel);
  filter.allow(SCMP_SYS(recvfrom), {equals(0, socket)});
  filter.allow(SCMP_SYS(sendmsg), {equals(0, socket)});
  filter.allow(SCMP_SYS(write), {equals(0, STDERR_FILENO)});
  filter.allow(SCMP_SYS(writev), {equals(0, STDERR_FILENO)});
  allow_memory(filter);
  filter.allow(SCMP_SYS(mmap), {lacks(2, PROT_EXEC), equals(4, 0xffff'ffff)});
  allow_abort(filter);
  for (const int call :
       {SCMP_SYS(exit), SCMP_SYS(exit_group), SCMP_SYS(rt_sigreturn), SCMP_SYS(clock_gettime)})
    filter.allow(call);
  filter.load();
}

void confine_gatekeeper() {
  Filter filter(SCMP_ACT_ERRNO(EPERM));
  filter.set(SCMP_FLTATR_CTL_TSYNC, 1);
  for (const int call :
       {// netlink, the journal, systemd, the control socket, the inspector
        SCMP_SYS(socketpair), SCMP_SYS(bind), SCMP_SYS(connect), SCMP_SYS(listen), SCMP_SYS(accept4),
        SCMP_SYS(sendto), SCMP_SYS(sendmsg), SCMP_SYS(sendmmsg), SCMP_SYS(recvfrom), SCMP_SYS(recvmsg),
        SCMP_SYS(recvmmsg), SCMP_SYS(setsockopt), SCMP_SYS(getsockopt), SCMP_SYS(getsockname),
        SCMP_SYS(getpeername), SCMP_SYS(shutdown),
        // descriptors
        SCMP_SYS(read), SCMP_SYS(readv), SCMP_SYS(write), SCMP_SYS(writev), SCMP_SYS(close), SCMP_SYS(dup),
        SCMP_SYS(fcntl), SCMP_SYS(lseek), SCMP_SYS(ioctl), SCMP_SYS(poll), SCMP_SYS(ppoll), SCMP_SYS(select),
        SCMP_SYS(pselect6), SCMP_SYS(epoll_create1), SCMP_SYS(epoll_ctl), SCMP_SYS(epoll_wait),
        SCMP_SYS(epoll_pwait), SCMP_SYS(signalfd4), SCMP_SYS(eventfd2), SCMP_SYS(pipe2),
        // files: what it leaves to the next daemon, packets of crashes, the configuration, /proc
        SCMP_SYS(open), SCMP_SYS(openat), SCMP_SYS(stat), SCMP_SYS(fstat), SCMP_SYS(lstat),
        SCMP_SYS(newfstatat), SCMP_SYS(statx), SCMP_SYS(access), SCMP_SYS(faccessat), SCMP_SYS(faccessat2),
        SCMP_SYS(getdents64), SCMP_SYS(unlink), SCMP_SYS(unlinkat), SCMP_SYS(mkdir), SCMP_SYS(mkdirat),
        SCMP_SYS(rename), SCMP_SYS(renameat), SCMP_SYS(renameat2), SCMP_SYS(readlink), SCMP_SYS(readlinkat),
        SCMP_SYS(getcwd), SCMP_SYS(umask), SCMP_SYS(chmod), SCMP_SYS(fchmod), SCMP_SYS(ftruncate),
        SCMP_SYS(memfd_create),
        // itself
        SCMP_SYS(futex), SCMP_SYS(getrandom), SCMP_SYS(clock_gettime), SCMP_SYS(clock_nanosleep),
        SCMP_SYS(nanosleep), SCMP_SYS(gettimeofday), SCMP_SYS(getpid), SCMP_SYS(gettid), SCMP_SYS(getppid),
        SCMP_SYS(getuid), SCMP_SYS(geteuid), SCMP_SYS(getgid), SCMP_SYS(getegid), SCMP_SYS(sched_yield),
        SCMP_SYS(sched_getaffinity), SCMP_SYS(set_robust_list), SCMP_SYS(rseq), SCMP_SYS(rt_sigprocmask),
        SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigreturn), SCMP_SYS(sigaltstack), SCMP_SYS(getrlimit),
        SCMP_SYS(prlimit64), SCMP_SYS(sysinfo), SCMP_SYS(uname), SCMP_SYS(restart_syscall), SCMP_SYS(exit),
        SCMP_SYS(exit_group), SCMP_SYS(prctl), SCMP_SYS(wait4)}) {
    filter.allow(call);
  }
  for (const int family : {AF_UNIX, AF_NETLINK})
    filter.allow(SCMP_SYS(socket), {equals(0, static_cast<std::uint64_t>(family))});
  allow_memory(filter);
  filter.allow(SCMP_SYS(mmap), {lacks(2, PROT_EXEC)});
  allow_abort(filter);
  filter.load();
}

}  // namespace dpinholer::system::sandbox
