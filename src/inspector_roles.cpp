// SPDX-License-Identifier: GPL-2.0-or-later
//
// launcher  = "dpinholer-spawn" parent control program     the last two are descriptors
// inspector = "dpinholer-read" parent channel order        and so are these
#include "inspector_roles.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "base/limits.h"
#include "exit_status.h"
#include "system/descriptor.h"
#include "system/sandbox.h"

namespace dpinholer {

namespace {

using roles::longest_words;
using roles::Request;
using system::Channel;
using system::Descriptor;

// The words behind the name of a role, as numbers.
struct Place {
  pid_t parent = 0;
  int first = -1;
  int second = -1;
};

std::optional<Place> place_in(int argc, char** argv) {
  std::array<int, 3> numbers{};
  if (argc != 1 + static_cast<int>(numbers.size())) return std::nullopt;
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    const std::string_view word = argv[1 + i];
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), numbers[i]);
    if (error != std::errc{} || end != word.data() + word.size() || numbers[i] < 0) return std::nullopt;
  }
  return Place{numbers[0], numbers[1], numbers[2]};
}

// Ends with its parent, and ignores the signals that a terminal or a service manager sends to all.
void follow(pid_t parent, const char* role) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(0);
  prctl(PR_SET_NAME, role);
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) ::signal(number, SIG_IGN);
}

void say(std::string_view text) {
  (void)!write(STDERR_FILENO, text.data(), text.size());
}

// The settings are in one datagram: they have been sent before this process was executed.
std::string read_order(int socket) {
  std::string order(base::limits::configuration_octets, '\0');
  const ssize_t length = recv(socket, order.data(), order.size(), MSG_DONTWAIT);
  order.resize(length > 0 ? static_cast<std::size_t>(length) : 0);
  return order;
}

[[noreturn]] void be_inspector(const Place& place, InspectorWork work) {
  int status = 0;
  Channel channel(place.first);  // open until the last word: when it ends, the gatekeeper ends us
  try {
    follow(place.parent, roles::inspector);
    const std::string order = read_order(place.second);
    system::sandbox::close_all_but(std::array{place.first});
    system::sandbox::leave_root();
    work(channel, order);
  } catch (const std::exception& error) {
    say(error.what());
    status = 1;
  }
  _exit(status);
}

// `descriptor` comes with a request; -1: none.
std::optional<Request> receive_request(int control, Descriptor& descriptor, std::string& order) {
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
  int received = -1;
  const cmsghdr* head = CMSG_FIRSTHDR(&message);
  if (head != nullptr && head->cmsg_type == SCM_RIGHTS) std::memcpy(&received, CMSG_DATA(head), sizeof(int));
  descriptor = Descriptor(received);
  if (got < static_cast<ssize_t>(sizeof request)) return std::nullopt;
  order.resize(static_cast<std::size_t>(got) - sizeof request);
  return request;
}

// The process number of a new inspector, or an errno as a negative number.
std::int32_t launch(int program, int channel, const std::string& order) {
  std::array<int, 2> ends{};
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) return -errno;
  const Descriptor ours(ends[0]);
  const Descriptor theirs(ends[1]);
  if (send(ours.get(), order.data(), order.size(), MSG_NOSIGNAL | MSG_DONTWAIT) < 0) return -errno;
  const pid_t self = getpid();
  const pid_t inspector = fork();
  if (inspector < 0) return -errno;
  if (inspector > 0) return inspector;
  const std::array descriptors{channel, theirs.get()};
  say(std::string("fexecve: ") + std::strerror(roles::execute(program, roles::inspector, self, descriptors)));
  _exit(1);
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

void serve(int control, int program) {
  pid_t inspector = 0;
  Descriptor channel;
  std::string order;
  while (const auto request = receive_request(control, channel, order)) {
    std::int32_t answer = end_of(std::exchange(inspector, 0));
    if (*request == Request::launch) {
      answer = launch(program, channel.get(), order);
      if (answer > 0) inspector = answer;
      channel = Descriptor();
    }
    if (send(control, &answer, sizeof answer, MSG_NOSIGNAL) != sizeof answer) break;
  }
  end_of(inspector);
}

[[noreturn]] void be_launcher(const Place& place) {
  const std::array kept{place.first, place.second};
  std::array<char, longest_words> text{};
  try {
    follow(place.parent, roles::launcher);
    system::sandbox::close_all_but(kept);
    for (const int fd : kept) fcntl(fd, F_SETFD, FD_CLOEXEC);
    system::sandbox::leave_host().copy(text.data(), text.size() - 2);
  } catch (const std::exception& error) {
    text.back() = 1;
    std::string_view(error.what()).copy(text.data(), text.size() - 2);
  }
  if (send(place.first, text.data(), text.size(), MSG_NOSIGNAL) < 0 || text.back() != 0) _exit(1);
  serve(place.first, place.second);
  _exit(0);
}

}  // namespace

namespace roles {

int execute(int program, const char* role, pid_t parent, std::span<const int> descriptors) {
  std::vector<std::string> words{role, std::to_string(parent)};
  for (const int fd : descriptors) {
    if (fcntl(fd, F_SETFD, 0) != 0) return errno;
    words.push_back(std::to_string(fd));
  }
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  fexecve(program, arguments.data(), environ);
  return errno;
}

}  // namespace roles

void take_role(int argc, char** argv, InspectorWork work) {
  const std::string_view role = argc > 0 ? argv[0] : "";
  if (role != roles::launcher && role != roles::inspector) return;
  const auto place = place_in(argc, argv);
  if (!place) {
    say(std::string(role) + ": this is for dpinholer run only; see dpinholer --help\n");
    _exit(static_cast<int>(ExitStatus::usage));
  }
  if (role == roles::launcher) be_launcher(*place);
  be_inspector(*place, work);
}

}  // namespace dpinholer
