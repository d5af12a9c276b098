// SPDX-License-Identifier: GPL-2.0-or-later
#include "control/client.h"

#include <sys/socket.h>
#include <sys/time.h>

#include <array>
#include <cerrno>
#include <optional>
#include <utility>

#include <nlohmann/json.hpp>

namespace dpinholer::control {

namespace {

using nlohmann::json;
using system::SystemError;

constexpr timeval patience{10, 0};
constexpr timeval forever{0, 0};

// The daemon writes it so that the key stands first.
bool is_end(std::string_view line) {
  return line.starts_with(R"({"end":)");
}

// What a last line says; nothing when it can't be read.
std::optional<Client::End> read_end(std::string_view line) {
  constexpr bool may_throw = false;
  const json object = json::parse(line, nullptr, may_throw);
  if (!object.is_object()) return std::nullopt;
  if (object["end"] == "ok") return Client::End{Client::End::Kind::ok, ""};
  if (object["end"] == "not-found") return Client::End{Client::End::Kind::not_found, ""};
  const std::string* text =
      object.contains("error") ? object["error"].get_ptr<const std::string*>() : nullptr;
  return Client::End{Client::End::Kind::error, text == nullptr ? "unknown" : *text};
}

}  // namespace

tl::expected<Client, SystemError> Client::connect(const std::filesystem::path& path) {
  auto socket = connect_to(path);
  if (!socket) return tl::unexpected(socket.error());
  return Client(std::move(*socket), path.native());
}

tl::expected<Client::End, SystemError> Client::ask(const Request& request, const Line& line) {
  const timeval& wait = request.follow ? forever : patience;
  setsockopt(fd(), SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
  const std::string text = to_line(request);
  if (send(fd(), text.data(), text.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(text.size())) {
    return tl::unexpected(SystemError{"send", errno, name_});
  }
  while (true) {
    const auto got = read_line();
    if (!got) return tl::unexpected(got.error());
    if (is_end(*got)) {
      if (auto end = read_end(*got)) return *end;
      return tl::unexpected(SystemError{"recv", EBADMSG, name_});
    }
    if (!line(*got)) return End{};
  }
}

tl::expected<std::string, SystemError> Client::read_line() {
  std::size_t searched = 0;
  while (true) {
    const std::size_t end = in_.find('\n', searched);
    if (end != std::string::npos) {
      std::string line = in_.substr(0, end);
      in_.erase(0, end + 1);
      return line;
    }
    searched = in_.size();
    std::array<char, 65536> block{};
    const ssize_t size = recv(fd(), block.data(), block.size(), 0);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return tl::unexpected(SystemError{"recv", errno == EAGAIN ? ETIMEDOUT : errno, name_});
    if (size == 0) return tl::unexpected(SystemError{"recv", ECONNRESET, name_});
    in_.append(block.data(), static_cast<std::size_t>(size));
  }
}

}  // namespace dpinholer::control
