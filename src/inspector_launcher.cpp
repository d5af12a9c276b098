// SPDX-License-Identifier: GPL-2.0-or-later
//
// Between the two, one datagram each way:
//
//   launch order, with the descriptor of a channel -> process number, or an errno as a negative number
//   end                                            -> wait status of the last one
#include "inspector_launcher.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <exception>
#include <optional>
#include <system_error>

#include "base/limits.h"
#include "system/escape.h"
#include "system/sandbox.h"

namespace dpinholer {

namespace {

using system::Channel;
using system::SystemError;

enum class Request : std::uint8_t { launch, end };

constexpr std::size_t longest_words = 256;

// `descriptor` comes with a request; -1: none.
std::optional<Request> receive_request(int control, int& descriptor, std::string& order) {
  Request request{};
  order.resize(base::limits::configuration_octets);
  std::array<iovec, 2> parts{iovec{&request, sizeof request}, iovec{order.data(), order.size()}};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> room{};
  msghdr message{};
  message.msg_iov = parts.data();
  message.msg_iovlen = parts.size();
  message.msg_control = room.data();
  message.msg_controllen = room.size();
  ssize_t got = 0;
  do {
    got = recvmsg(control, &message, MSG_CMSG_CLOEXEC);
  } while (got < 0 && errno == EINTR);
  descriptor = -1;
  const cmsghdr* head = CMSG_FIRSTHDR(&message);
  if (head != nullptr && head->cmsg_type == SCM_RIGHTS)
    std::memcpy(&descriptor, CMSG_DATA(head), sizeof(int));
  if (got < static_cast<ssize_t>(sizeof request)) return std::nullopt;
  order.resize(static_cast<std::size_t>(got) - sizeof request);
  return request;
}

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
  return sendmsg(control, &message, MSG_NOSIGNAL) == static_cast<ssize_t>(sizeof request + order.size());
}

// Ends with its parent, and not by what a terminal or a service manager sends to all.
void follow_parent(pid_t parent) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(0);
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) ::signal(number, SIG_IGN);
}

[[noreturn]] void be_inspector(int channel, pid_t launcher, const InspectorLauncher::Work& work,
                               const std::string& order) {
  int status = 0;
  try {
    follow_parent(launcher);
    prctl(PR_SET_NAME, "dpinholer-read");
    system::sandbox::close_all_but({&channel, 1});
    work(Channel(channel), order);
  } catch (const std::exception& error) {
    const std::string text = error.what();
    (void)!write(STDERR_FILENO, text.data(), text.size());
    status = 1;
  }
  _exit(status);
}

// The wait status of `inspector` once it is gone.
std::int32_t end_of(pid_t inspector) {
  if (inspector == 0) return 0;
  int status = 0;
  if (waitpid(inspector, &status, WNOHANG) == inspector) return status;
  kill(inspector, SIGKILL);
  waitpid(inspector, &status, 0);
  return status;
}

[[noreturn]] void be_launcher(int control, const InspectorLauncher::Work& work) {
  const pid_t self = getpid();
  pid_t inspector = 0;
  int channel = -1;
  std::string order;
  while (const auto request = receive_request(control, channel, order)) {
    std::int32_t answer = end_of(inspector);
    inspector = 0;
    if (*request == Request::launch) {
      inspector = fork();
      if (inspector == 0) be_inspector(channel, self, work, order);
      answer = inspector > 0 ? inspector : -errno;
      if (inspector < 0) inspector = 0;
      close(channel);
    }
    if (send(control, &answer, sizeof answer, MSG_NOSIGNAL) != sizeof answer) break;
  }
  end_of(inspector);
  _exit(0);
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

InspectorLauncher::InspectorLauncher(const Work& work) {
  std::array<int, 2> ends{};
  std::array<int, 2> words{};
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0 ||
      pipe2(words.data(), O_CLOEXEC | O_NONBLOCK) != 0)
    throw std::system_error(errno, std::generic_category(), "socketpair");
  const pid_t parent = getpid();
  launcher_ = fork();
  if (launcher_ < 0) throw std::system_error(errno, std::generic_category(), "fork");
  if (launcher_ == 0) {
    std::array<char, longest_words> text{};
    try {
      follow_parent(parent);
      prctl(PR_SET_NAME, "dpinholer-spawn");
      dup2(words[1], STDERR_FILENO);
      system::sandbox::close_all_but({&ends[1], 1});
      const std::string lacking = system::sandbox::leave_host();
      system::sandbox::keep_capabilities({});
      lacking.copy(text.data(), text.size() - 1);
    } catch (const std::exception& error) {
      text.back() = 1;
      std::string(error.what()).copy(text.data(), text.size() - 2);
    }
    if (send(ends[1], text.data(), text.size(), MSG_NOSIGNAL) < 0 || text.back() != 0) _exit(1);
    be_launcher(ends[1], work);
  }
  close(ends[1]);
  close(words[1]);
  control_ = ends[0];
  words_ = words[0];
  std::array<char, longest_words> text{};
  if (recv(control_, text.data(), text.size(), 0) != text.size() || text.back() != 0)
    throw system::KernelError(std::string("who starts inspectors can't be confined: ") + text.data());
  shortcomings_ = text.data();
}

InspectorLauncher::~InspectorLauncher() {
  close(control_);  // upon which it ends
  waitpid(launcher_, nullptr, 0);
  close(words_);
}

tl::expected<Channel, SystemError> InspectorLauncher::launch(const std::string& order) {
  auto [ours, theirs] = Channel::pair();
  std::int32_t answer = -ECHILD;
  if (!send_request(control_, Request::launch, order, theirs.fd()) ||
      recv(control_, &answer, sizeof answer, 0) != sizeof answer || answer < 0)
    return tl::unexpected(SystemError{"fork", -answer, "of an inspector"});
  inspector_ = answer;
  return std::move(ours);
}

std::string InspectorLauncher::end() {
  std::int32_t status = 0;
  inspector_ = 0;
  if (!send_request(control_, Request::end, {}, -1) ||
      recv(control_, &status, sizeof status, 0) != sizeof status)
    return "its launcher is gone";
  return how(status) + last_words();
}

std::string InspectorLauncher::last_words() const {
  std::array<char, longest_words> text{};
  const ssize_t length = read(words_, text.data(), text.size());
  if (length <= 0) return "";
  std::array<char, 4096> rest{};
  while (read(words_, rest.data(), rest.size()) > 0) continue;
  return ", saying: " + system::escape({text.data(), static_cast<std::size_t>(length)});
}

}  // namespace dpinholer
