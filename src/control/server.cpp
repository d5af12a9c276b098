// SPDX-License-Identifier: GPL-2.0-or-later
#include "control/server.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>

#include "base/limits.h"
#include "control/lines.h"
#include "control/request.h"
#include "control/socket.h"
#include "system/escape.h"

namespace dpinholer::control {

namespace limits = base::limits;

namespace {

using Command = Request::Command;

Times times_at(base::TimePoint now) {
  const auto since_1970 = std::chrono::system_clock::now().time_since_epoch();
  return {now, std::chrono::duration_cast<base::Duration>(since_1970)};
}

// The rest of an answer, still to be told.
struct Answer {
  Request request;
  std::string last_call;         // calls, pinholes: told already
  std::uint64_t next_event = 0;  // events: not told yet
};

struct Client {
  Descriptor socket;
  std::string in;   // at most limits::request_length and what one read brings
  std::string out;  // at most one piece
  std::optional<Answer> answer;
  base::TimePoint last_progress;
  std::uint32_t waits_for = 0;  // epoll
  bool up_to_date = false;      // follows events, and knows all of them
  bool no_more_requests = false;
  bool gone = false;
};

// As messages have it, or as the other commands print it.
Closing close_call(const std::string& call_id, const Source& source) {
  const Closing closing = source.close(call_id);
  const auto unescaped = system::unescape(call_id);
  if (closing != Closing::not_found || !unescaped || *unescaped == call_id) return closing;
  return source.close(*unescaped);
}

std::string closing_line(Closing closing) {
  switch (closing) {
    case Closing::done:
      return end_line("ok");
    case Closing::not_found:
      return end_line("not-found");
    case Closing::not_now:
      break;
  }
  return error_line("SIP is not read just now; try again");
}

std::string unban_line(const tl::expected<bool, std::string>& lifted) {
  if (!lifted) return error_line(lifted.error());
  return end_line(*lifted ? "ok" : "not-found");
}

struct FileId {
  dev_t device = 0;
  ino_t inode = 0;
  friend bool operator==(const FileId&, const FileId&) = default;
};

std::optional<FileId> id_of(const std::filesystem::path& path) {
  struct stat found {};
  if (lstat(path.c_str(), &found) != 0) return std::nullopt;
  return FileId{found.st_dev, found.st_ino};
}

std::string why(const system::SystemError& error) {
  if (error.code == EADDRINUSE) return "another daemon answers there; name another one with --socket";
  if (error.code == EEXIST) return "something else is there; remove it, or name another place with --socket";
  return std::generic_category().message(error.code) + "; name a place that can be written with --socket";
}

}  // namespace

struct Server::State {
  void accept_client(base::TimePoint now);
  void make_room();
  bool may_follow() const;
  void serve(Client& client, std::uint32_t ready, const Source& source, base::TimePoint now);
  void read(Client& client, base::TimePoint now);
  void take_request(Client& client, const Source& source, base::TimePoint now);
  void begin(Client& client, const Request& request, const Source& source, base::TimePoint now);
  void go_on(Client& client, const Source& source, base::TimePoint now);
  void list(Client& client, const Source& source, base::TimePoint now);
  void tell_events(Client& client, const Events& events, base::TimePoint now);
  void write(Client& client, base::TimePoint now);
  void watch(Client& client);
  bool waits_for_events(const Client& client) const;
  void forget(int fd) { clients.erase(fd); }

  std::filesystem::path path;
  Descriptor poll;
  Descriptor socket;
  std::optional<FileId> file;
  std::map<int, Client> clients;  // by descriptor
  const Events* events = nullptr;
  Counters counters;
};

Server::Server(std::filesystem::path path) : state_(std::make_unique<State>()) {
  std::error_code exists;
  std::filesystem::create_directories(path.parent_path(), exists);
  auto socket = listen_at(path);
  if (!socket) {
    const auto& error = socket.error();
    throw std::runtime_error("control socket " + system::escape(path.native()) + ": " + why(error));
  }
  state_->socket = std::move(*socket);
  state_->poll = Descriptor(epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = state_->socket.get();
  if (epoll_ctl(state_->poll.get(), EPOLL_CTL_ADD, state_->socket.get(), &event) != 0) {
    throw std::system_error(errno, std::generic_category(), "epoll_ctl");
  }
  state_->file = id_of(path);
  state_->path = std::move(path);
}

Server::~Server() {
  if (state_->file && id_of(state_->path) == state_->file) unlink(state_->path.c_str());
}

int Server::fd() const {
  return state_->poll.get();
}

const Server::Counters& Server::counters() const {
  return state_->counters;
}

// One of those that are ready: epoll puts it behind the others then.
void Server::serve(const Source& source, base::TimePoint now) {
  State& state = *state_;
  state.events = source.events;
  epoll_event event{};
  if (epoll_wait(state.poll.get(), &event, 1, 0) != 1) return;
  if (event.data.fd == state.socket.get()) return state.accept_client(now);
  const auto known = state.clients.find(event.data.fd);
  if (known == state.clients.end()) return;
  Client& client = known->second;
  state.serve(client, event.events, source, now);
  if (client.gone) return state.forget(known->first);
  state.watch(client);
}

void Server::notify(base::TimePoint now) {
  for (auto& [fd, client] : state_->clients) {
    if (!client.answer || client.answer->request.command != Command::events) continue;
    if (client.up_to_date) client.last_progress = now;  // it had nothing to take before
    state_->watch(client);
  }
}

void Server::State::accept_client(base::TimePoint now) {
  Descriptor accepted(accept4(socket.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (accepted.get() < 0) return;
  ++counters.clients;
  if (clients.size() >= limits::control_clients) make_room();
  const int fd = accepted.get();
  Client& client = clients[fd];
  client.socket = std::move(accepted);
  client.last_progress = now;
  epoll_event event{};
  event.data.fd = fd;
  if (epoll_ctl(poll.get(), EPOLL_CTL_ADD, fd, &event) != 0) return forget(fd);
  watch(client);
}

// The client that has taken and sent nothing for longest gives way, at once: an answer takes milliseconds.
// Followers that know all events are not slow; limits::control_followers leaves places to others.
void Server::State::make_room() {
  const auto slowest = std::ranges::min_element(clients, {}, [&](const auto& entry) {
    return std::pair(waits_for_events(entry.second), entry.second.last_progress);
  });
  ++counters.dropped;
  forget(slowest->first);
}

bool Server::State::may_follow() const {
  return static_cast<std::size_t>(std::ranges::count_if(clients, [](const auto& entry) {
           return entry.second.answer && entry.second.answer->request.follow;
         })) < limits::control_followers;
}

bool Server::State::waits_for_events(const Client& client) const {
  return client.out.empty() && client.answer && client.answer->request.command == Command::events &&
         events != nullptr && client.answer->next_event == events->next();
}

void Server::State::serve(Client& client, std::uint32_t ready, const Source& source, base::TimePoint now) {
  if ((ready & (EPOLLHUP | EPOLLERR)) != 0) {
    client.gone = true;
    return;
  }
  if ((ready & EPOLLIN) != 0) read(client, now);
  if (!client.answer && client.out.empty()) take_request(client, source, now);
  if (client.answer && client.out.empty()) go_on(client, source, now);
  if (!client.out.empty()) write(client, now);
  const bool done = !client.answer && client.out.empty() && client.in.find('\n') == std::string::npos;
  client.gone = client.gone || (done && client.no_more_requests);
}

void Server::State::read(Client& client, base::TimePoint now) {
  std::array<char, 4096> block{};
  const ssize_t size = recv(client.socket.get(), block.data(), block.size(), 0);
  if (size > 0) {
    client.in.append(block.data(), static_cast<std::size_t>(size));
    client.last_progress = now;
  } else if (size == 0) {
    client.no_more_requests = true;
  } else if (errno != EAGAIN && errno != EINTR) {
    client.gone = true;
  }
}

void Server::State::take_request(Client& client, const Source& source, base::TimePoint now) {
  const std::size_t end = client.in.find('\n');
  if (end == std::string::npos && client.in.size() <= limits::request_length) return;
  const auto request = parse_request(std::string_view(client.in).substr(0, end));
  client.in.erase(0, end == std::string::npos ? end : end + 1);
  if (request) return begin(client, *request, source, now);
  ++counters.refused;
  client.out = error_line(request.error());
  // Where the next one begins can't be told.
  if (end == std::string::npos) client.no_more_requests = true;
}

void Server::State::begin(Client& client, const Request& request, const Source& source, base::TimePoint now) {
  switch (request.command) {
    case Command::status:
      client.out = status_line(source.status()) + end_line("ok");
      return;
    case Command::close:
      client.out = closing_line(close_call(request.call_id, source));
      return;
    case Command::unban:
      client.out = unban_line(source.unban(request.address));
      return;
    case Command::calls:
    case Command::pinholes:
      client.answer = Answer{request, {}, 0};
      break;
    case Command::events:
      if (request.follow && !may_follow()) {
        ++counters.turned_away;
        client.out = error_line("too many programs follow the events; end one of them");
        return;
      }
      client.answer = Answer{request, {}, source.events->first()};
      break;
  }
  go_on(client, source, now);
}

void Server::State::go_on(Client& client, const Source& source, base::TimePoint now) {
  if (client.answer->request.command == Command::events) return tell_events(client, *source.events, now);
  list(client, source, now);
}

void Server::State::list(Client& client, const Source& source, base::TimePoint now) {
  const std::vector<CallRow> rows = source.calls(client.answer->last_call);
  const Times times = times_at(now);
  for (const CallRow& call : rows) {
    if (client.answer->request.command == Command::calls) {
      client.out += call_line(call, times);
      continue;
    }
    for (const PinholeRow& pinhole : call.pinholes) client.out += pinhole_line(pinhole, times);
  }
  if (!rows.empty()) {
    client.answer->last_call = rows.back().call_id;
    return;
  }
  client.out = end_line("ok");
  client.answer.reset();
}

void Server::State::tell_events(Client& client, const Events& told, base::TimePoint now) {
  std::uint64_t& next = client.answer->next_event;
  if (next < told.first()) {
    client.out += missed_line(told.first() - next);
    next = told.first();
  }
  const Times times = times_at(now);
  for (std::size_t i = 0; i < limits::told_events && next < told.next(); ++i) {
    client.out += event_line(told.at(next++), times);
  }
  if (client.answer->request.follow || next < told.next()) return;
  client.out += end_line("ok");
  client.answer.reset();
}

void Server::State::write(Client& client, base::TimePoint now) {
  const ssize_t size =
      send(client.socket.get(), client.out.data(), client.out.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (size >= 0) {
    client.out.erase(0, static_cast<std::size_t>(size));
    client.last_progress = now;
  } else if (errno != EAGAIN && errno != EINTR) {
    client.gone = true;
  }
}

// For room to write while there is something to tell; else for a request. Nothing of the kind: the kernel
// still says when he has gone.
void Server::State::watch(Client& client) {
  const bool telling = !client.out.empty() || (client.answer && !waits_for_events(client)) ||
                       (!client.answer && client.in.find('\n') != std::string::npos);
  std::uint32_t wanted = 0;
  if (telling) {
    wanted = EPOLLOUT;
  } else if (!client.answer && !client.no_more_requests) {
    wanted = EPOLLIN;
  }
  client.up_to_date = waits_for_events(client);
  if (wanted == client.waits_for) return;
  epoll_event event{};
  event.events = wanted;
  event.data.fd = client.socket.get();
  if (epoll_ctl(poll.get(), EPOLL_CTL_MOD, client.socket.get(), &event) == 0) client.waits_for = wanted;
}

}  // namespace dpinholer::control
