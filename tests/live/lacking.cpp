// SPDX-License-Identifier: GPL-2.0-or-later
// Loaded ahead of the libraries (LD_PRELOAD), it makes a system lack what $LACKS names. Kernel modules are
// lacked by asking for one that there is not, so that the answer is the kernel's own.
#include <dlfcn.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <nftables/libnftables.h>
#include <sched.h>
#include <seccomp.h>
#include <sodium/core.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string_view>

namespace {

bool lacks(std::string_view what) {
  const char* named = std::getenv("LACKS");
  return named != nullptr && named == what;
}

template <typename Function>
Function* real(const char* name, Function*) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

int fail(int code) {
  errno = code;
  return -1;
}

// As if the loader had not found what the launcher is linked against.
__attribute__((constructor)) void end_launcher() {
  if (!lacks("a library") || std::string_view(program_invocation_name) != "dpinholer-spawn") return;
  (void)!write(STDERR_FILENO, "no such library", 15);
  _exit(127);
}

}  // namespace

extern "C" {

int sodium_init() {
  return lacks("random numbers") ? -1 : real("sodium_init", &sodium_init)();
}

int seccomp_load(const scmp_filter_ctx context) {
  return lacks("seccomp") ? -EINVAL : real("seccomp_load", &seccomp_load)(context);
}

nft_ctx* nft_ctx_new(std::uint32_t flags) {
  return lacks("memory") ? nullptr : real("nft_ctx_new", &nft_ctx_new)(flags);
}

int nft_ctx_buffer_output(nft_ctx* context) {
  return lacks("memory for output") ? 1 : real("nft_ctx_buffer_output", &nft_ctx_buffer_output)(context);
}

const char* nft_ctx_get_output_buffer(nft_ctx* context) {
  return lacks("JSON") ? "table inet filter {"
                       : real("nft_ctx_get_output_buffer", &nft_ctx_get_output_buffer)(context);
}

pid_t fork() noexcept {
  static int forks = 0;
  if (lacks("processes") || (lacks("a second process") && ++forks == 2)) return fail(EAGAIN);
  return real("fork", &fork)();
}

int unshare(int flags) noexcept {
  if ((flags & CLONE_NEWUSER) != 0 && lacks("user namespaces")) return fail(EPERM);
  return real("unshare", &unshare)(flags);
}

int mount(const char* source, const char* target, const char* type, unsigned long flags,
          const void* data) noexcept {
  return lacks("mounts") ? fail(EPERM) : real("mount", &mount)(source, target, type, flags, data);
}

int socket(int domain, int type, int protocol) noexcept {
  if (domain == AF_NETLINK && protocol == NETLINK_NETFILTER && lacks("nfnetlink"))
    return fail(EPROTONOSUPPORT);
  return real("socket", &socket)(domain, type, protocol);
}

ssize_t sendto(int fd, const void* octets, size_t length, int flags, const sockaddr* to,
               socklen_t to_length) {
  const auto pass = [&](const void* what) {
    return real("sendto", &sendto)(fd, what, length, flags, to, to_length);
  };
  std::array<char, 4096> changed{};
  if (to == nullptr || to->sa_family != AF_NETLINK || length < sizeof(nlmsghdr) || length > changed.size())
    return pass(octets);
  nlmsghdr message{};
  std::memcpy(&message, octets, sizeof message);
  if (message.nlmsg_type == NFNL_MSG_BATCH_BEGIN && lacks("transactions"))
    return static_cast<ssize_t>(length);
  if (message.nlmsg_type == RTM_GETROUTE && lacks("routes")) return fail(ENOBUFS);
  const int subsystem = message.nlmsg_type >> 8;
  if (!(subsystem == NFNL_SUBSYS_NFTABLES && lacks("nf_tables")) &&
      !(subsystem == NFNL_SUBSYS_QUEUE && lacks("nfnetlink_queue")))
    return pass(octets);
  message.nlmsg_type = static_cast<std::uint16_t>(NFNL_SUBSYS_COUNT << 8 | (message.nlmsg_type & 0xff));
  std::memcpy(changed.data(), octets, length);
  std::memcpy(changed.data(), &message, sizeof message);
  return pass(changed.data());
}

}  // extern "C"
