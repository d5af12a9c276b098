// SPDX-License-Identifier: GPL-2.0-or-later
#include "handover.h"

#include <array>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <sstream>
#include <string_view>
#include <system_error>

// file = *line
// line = ("sip" / "websocket") 2(SP address SP port SP next) LF     initiator first; next: a sequence number

namespace dpinholer::handover {

namespace {

constexpr std::string_view sip_word = "sip";
constexpr std::string_view websocket_word = "websocket";
constexpr std::size_t longest_line = 256;

std::string line_of(const Connection& connection) {
  const ip::StreamPosition& position = connection.position;
  std::ostringstream line;
  line << (connection.websocket ? websocket_word : sip_word);
  line << ' ' << position.initiator.address.to_string() << ' ' << position.initiator.port << ' '
       << position.initiator_next;
  line << ' ' << position.responder.address.to_string() << ' ' << position.responder.port << ' '
       << position.responder_next << '\n';
  return line.str();
}

template <typename Number>
bool read_number(std::istream& words, Number& number) {
  std::string word;
  if (!(words >> word)) return false;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
  return error == std::errc{} && end == word.data() + word.size();
}

bool read_end(std::istream& words, base::Endpoint& endpoint, std::uint32_t& next) {
  std::string word;
  if (!(words >> word)) return false;
  const auto address = base::Address::parse(word);
  if (!address) return false;
  endpoint.address = *address;
  return read_number(words, endpoint.port) && read_number(words, next);
}

std::optional<Connection> read_line(const std::string& line) {
  std::istringstream words(line);
  std::string kind;
  Connection connection;
  words >> kind;
  if (kind != sip_word && kind != websocket_word) return std::nullopt;
  connection.websocket = kind == websocket_word;
  ip::StreamPosition& position = connection.position;
  if (!read_end(words, position.initiator, position.initiator_next)) return std::nullopt;
  if (!read_end(words, position.responder, position.responder_next)) return std::nullopt;
  if (words >> kind) return std::nullopt;  // more than there should be
  return connection;
}

// The line behind those that were read.
std::string place(const std::filesystem::path& file, std::size_t read) {
  return file.string() + ":" + std::to_string(read + 1);
}

tl::unexpected<std::string> unusable(const std::string& fault) {
  return tl::unexpected(fault + "; it is not used, and TCP trunks have to connect again");
}

}  // namespace

tl::expected<void, system::SystemError> leave(const std::filesystem::path& file,
                                              const std::vector<Connection>& connections) {
  std::ofstream out(file, std::ios::trunc);
  for (const Connection& connection : connections) out << line_of(connection);
  out.close();
  if (!out) return tl::unexpected(system::SystemError{"write", errno, file.string()});
  return {};
}

tl::expected<std::vector<Connection>, std::string> take(const std::filesystem::path& file, std::size_t most) {
  std::vector<Connection> connections;
  {
    std::ifstream in(file);
    if (!in.is_open()) {
      if (errno == ENOENT) return connections;
      return unusable(file.string() + ": " + std::generic_category().message(errno));
    }
    std::array<char, longest_line> line{};
    while (connections.size() < most && in.getline(line.data(), line.size())) {
      const auto connection = read_line(line.data());
      if (!connection) return unusable(place(file, connections.size()) + ": not a connection");
      connections.push_back(*connection);
    }
    if (in.fail() && !in.eof()) return unusable(place(file, connections.size()) + ": can't be read");
  }
  std::error_code ignored;  // a file that can't be removed is taken again, and its positions have passed
  std::filesystem::remove(file, ignored);
  return connections;
}

std::filesystem::path default_file() {
  const char* folder = std::getenv("RUNTIME_DIRECTORY");
  return folder == nullptr || *folder == '\0' ? std::filesystem::path()
                                              : std::filesystem::path(folder) / "connections";
}

}  // namespace dpinholer::handover
