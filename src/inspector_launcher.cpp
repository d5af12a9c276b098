// SPDX-License-Identifier: GPL-2.0-or-later
#include "inspector_launcher.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <system_error>
#include <utility>

#include "base/limits.h"
#include "inspection.h"
#include "system/error.h"
#include "system/escape.h"
#include "system/sandbox.h"
#include "system/wait.h"

namespace dpinholer {

namespace {

namespace limits = base::limits;
using roles::longest_words;
using roles::Request;
using std::chrono::milliseconds;
using std::chrono::steady_clock;
using system::Channel;
using system::Descriptor;
using system::KernelError;
using system::SystemError;

constexpr milliseconds launcher_patience{limits::launcher_patience_milliseconds};

bool send_request(int control, Request request, const std::string& order, int descriptor) {
  std::array<iovec, 2> parts{iovec{&request, sizeof request},
                             iovec{const_cast<char*>(order.data()), order.size()}};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> room{};
  msghdr message{};
  message.msg_iov = parts.data();
  message.msg_iovlen = parts.size();
  if (descriptor >= 0) {
    message.msg_control = room.data();
    message.msg_controllen = room.size();
    cmsghdr* head = CMSG_FIRSTHDR(&message);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(sizeof(int));
    std::memcpy(CMSG_DATA(head), &descriptor, sizeof(int));
  }
  // There is room, for nothing is asked before the last answer has come.
  return sendmsg(control, &message, MSG_NOSIGNAL | MSG_DONTWAIT) ==
         static_cast<ssize_t>(sizeof request + order.size());
}

// In the child.
[[noreturn]] void become_launcher(int control, int words, int program, pid_t parent) {
  std::array<char, longest_words> text{};
  text.back() = 1;
  try {
    dup2(words, STDERR_FILENO);
    const std::array descriptors{control, program};
    system::sandbox::close_all_but(descriptors);
    const int code = roles::execute(program, roles::launcher, parent, descriptors);
    (std::string("fexecve: ") + std::strerror(code)).copy(text.data(), text.size() - 2);
  } catch (const std::exception& error) {
    std::string_view(error.what()).copy(text.data(), text.size() - 2);
  }
  (void)!send(control, text.data(), text.size(), MSG_NOSIGNAL);
  _exit(1);
}

std::string how(std::int32_t status) {
  if (WIFSIGNALED(status)) {
    const int signal = WTERMSIG(status);
    const std::string number = "signal " + std::to_string(signal);
    if (signal == SIGSYS) return number + " (a system call that it may not make)";
    if (signal == SIGXCPU) return number + " (an hour of processor time is over)";
    return number + " (" + strsignal(signal) + ")";
  }
  return "exit status " + std::to_string(WEXITSTATUS(status));
}

}  // namespace

InspectorLauncher::InspectorLauncher() {
  std::array<int, 2> ends{};
  std::array<int, 2> words{};
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0)
    throw std::system_error(errno, std::generic_category(), "socketpair");
  control_ = Descriptor(ends[0]);
  Descriptor theirs(ends[1]);
  if (pipe2(words.data(), O_CLOEXEC | O_NONBLOCK) != 0)
    throw std::system_error(errno, std::generic_category(), "pipe2");
  words_ = Descriptor(words[0]);
  const Descriptor their_words(words[1]);
  const Descriptor program(open("/proc/self/exe", O_PATH | O_CLOEXEC), "open /proc/self/exe");
  const pid_t parent = getpid();
  launcher_ = fork();
  if (launcher_ < 0) throw std::system_error(errno, std::generic_category(), "fork");
  if (launcher_ == 0) become_launcher(theirs.get(), their_words.get(), program.get(), parent);
  theirs = Descriptor();  // or its end would not be seen
  greet();
}

void InspectorLauncher::greet() {
  constexpr std::chrono::seconds start_patience{limits::launcher_start_seconds};
  std::array<char, longest_words> text{};
  const bool ready = system::wait_for(control_.get(), POLLIN, steady_clock::now() + start_patience);
  const ssize_t length = ready ? recv(control_.get(), text.data(), text.size(), MSG_DONTWAIT) : -1;
  if (length == static_cast<ssize_t>(text.size()) && text.back() == 0) {
    shortcomings_ = text.data();
    return;
  }
  std::string why = length == static_cast<ssize_t>(text.size()) ? text.data() : loss();
  if (launcher_ > 0) {
    kill(launcher_, SIGKILL);
    system::wait_for_end(launcher_, steady_clock::now() + launcher_patience);
  }
  throw KernelError("the process that starts those that read SIP does not start: " + why + last_words() +
                    "; if its program or a library is not there, install it again");
}

InspectorLauncher::~InspectorLauncher() {
  control_ = Descriptor();  // upon which it ends
  if (launcher_ == 0) return;
  if (!lost() && system::wait_for_end(launcher_, steady_clock::now() + launcher_patience)) return;
  // Where the gatekeeper may not kill it, the kernel does when the gatekeeper ends.
  if (kill(launcher_, SIGKILL) == 0) system::wait_for_end(launcher_, steady_clock::now() + launcher_patience);
}

// Without an answer the launcher is lost: a late one would be taken for that to another request.
std::optional<std::int32_t> InspectorLauncher::ask(Request request, const std::string& order,
                                                   int descriptor) {
  std::int32_t answer = 0;
  if (lost()) return std::nullopt;
  if (send_request(control_.get(), request, order, descriptor) &&
      system::wait_for(control_.get(), POLLIN, steady_clock::now() + launcher_patience) &&
      recv(control_.get(), &answer, sizeof answer, MSG_DONTWAIT) == sizeof answer)
    return answer;
  loss_ = loss();
  return std::nullopt;
}

// Tells why the launcher does not answer: it has ended, or it is late.
std::string InspectorLauncher::loss() {
  char octet = 0;
  const bool ended = recv(control_.get(), &octet, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
  const auto until = steady_clock::now() + (ended ? launcher_patience : milliseconds{0});
  const auto status = system::wait_for_end(launcher_, until);
  if (!status) return "did not answer within " + std::to_string(launcher_patience.count()) + " ms";
  launcher_ = 0;
  return "is gone, " + how(*status);
}

Channel InspectorLauncher::launch(const std::string& order) {
  const pid_t before = launcher_;
  auto [ours, theirs] = Channel::pair();
  const auto answer = ask(Request::launch, order, theirs.fd());
  if (!answer)
    throw NoInspection("the process that starts those that read SIP (" + std::string(roles::launcher) +
                       (before > 0 ? ", " + std::to_string(before) : "") + ") " + loss_ +
                       "; start the daemon again, which systemd does by itself");
  if (*answer < 0) throw NoInspection(SystemError{"fork", -*answer, "of an inspector"});
  inspector_ = *answer;
  return std::move(ours);
}

std::string InspectorLauncher::end() {
  inspector_ = 0;
  const auto status = ask(Request::end, {}, -1);
  if (!status) return "and what starts inspectors " + loss_;
  return how(*status) + last_words();
}

std::string InspectorLauncher::last_words() const {
  std::array<char, longest_words> text{};
  const ssize_t length = read(words_.get(), text.data(), text.size());
  if (length <= 0) return "";
  std::array<char, 4096> rest{};
  while (read(words_.get(), rest.data(), rest.size()) > 0) continue;
  return ", saying: " + system::escape({text.data(), static_cast<std::size_t>(length)});
}

}  // namespace dpinholer
