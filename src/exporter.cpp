// SPDX-License-Identifier: GPL-2.0-or-later
#include "exporter.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "base/address.h"
#include "configuration.h"
#include "control/client.h"
#include "control/metrics.h"
#include "exit_status.h"
#include "system/clock.h"
#include "system/config.h"
#include "system/escape.h"
#include "system/log.h"
#include "system/once.h"
#include "system/process.h"
#include "system/service_manager.h"

namespace dpinholer {

namespace {

using control::Request;

// Scrapes at once; one takes milliseconds. More: one of them gives way (see `Scrapes`).
constexpr std::size_t scrapes_at_once = 64;
// The library counts connections that gave way until it notices that they ended: between two looks it takes
// at most ten more.
constexpr unsigned connections_at_once = 2 * scrapes_at_once;
constexpr unsigned patience_seconds = 10;
constexpr std::size_t connection_octets = std::size_t{16} * 1024;

// The open connections, known to the one thread of the HTTP server. None waits for a place: the oldest
// connection of the host that has most of them gives way to it (attack A34).
class Scrapes {
 public:
  void begin(MHD_Connection* connection) {
    if (scrapes_.size() >= scrapes_at_once) make_room();
    scrapes_.push_back({connection, host_of(connection)});
  }
  void end(MHD_Connection* connection) {
    std::erase_if(scrapes_, [&](const Scrape& scrape) { return scrape.connection == connection; });
  }

 private:
  struct Scrape {
    MHD_Connection* connection;
    std::optional<base::Address> host;
  };

  static std::optional<base::Address> host_of(MHD_Connection* connection) {
    const auto* info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    if (info == nullptr || info->client_addr == nullptr) return std::nullopt;
    if (info->client_addr->sa_family == AF_INET) {
      const auto& ipv4 = *reinterpret_cast<const sockaddr_in*>(info->client_addr);
      return base::Address::from_bytes(base::Family::ipv4,
                                       reinterpret_cast<const std::uint8_t*>(&ipv4.sin_addr));
    }
    if (info->client_addr->sa_family != AF_INET6) return std::nullopt;
    const auto& ipv6 = *reinterpret_cast<const sockaddr_in6*>(info->client_addr);
    return base::Address::from_bytes(base::Family::ipv6,
                                     reinterpret_cast<const std::uint8_t*>(&ipv6.sin6_addr));
  }

  void make_room() {
    std::map<std::optional<base::Address>, std::size_t> of_host;
    for (const Scrape& scrape : scrapes_) ++of_host[scrape.host];
    const auto slowest =
        std::ranges::max_element(scrapes_, {}, [&](const Scrape& scrape) { return of_host[scrape.host]; });
    const std::string host = slowest->host ? slowest->host->to_string() : "nobody";
    if (const auto ending = told_.tell(host, system::now())) {
      system::log::warning("a slow scrape from " + host +
                           " gave way to another: " + std::to_string(scrapes_at_once) + " wait" + *ending);
    }
    // The library sees that it has ended, and closes it.
    const auto* info = MHD_get_connection_info(slowest->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    if (info != nullptr) shutdown(info->connect_fd, SHUT_RDWR);
    scrapes_.erase(slowest);
  }

  std::vector<Scrape> scrapes_;  // the oldest first
  system::OncePerHour told_{{}};
};

void note(void* scrapes, MHD_Connection* connection, void** /*context*/,
          MHD_ConnectionNotificationCode what) {
  auto& all = *static_cast<Scrapes*>(scrapes);
  what == MHD_CONNECTION_NOTIFY_STARTED ? all.begin(connection) : all.end(connection);
}

// The daemon's status line; empty when none answers.
std::string ask_status(const std::string& socket) {
  std::string status;
  auto client = control::Client::connect(socket);
  if (!client) return status;
  const auto end = client->ask({Request::Command::status}, [&](std::string_view line) {
    status = line;
    return true;
  });
  return end && end->kind == control::Client::End::Kind::ok ? status : std::string();
}

MHD_Result respond(MHD_Connection* connection, unsigned code, const std::string& body,
                   std::string_view type = "text/plain; charset=utf-8") {
  MHD_Response* response =
      MHD_create_response_from_buffer(body.size(), const_cast<char*>(body.data()), MHD_RESPMEM_MUST_COPY);
  if (response == nullptr) return MHD_NO;
  MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, std::string(type).c_str());
  MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");  // a place for each scrape
  const MHD_Result queued = MHD_queue_response(connection, code, response);
  MHD_destroy_response(response);
  return queued;
}

MHD_Result answer(void* options, MHD_Connection* connection, const char* url, const char* method,
                  const char* /*version*/, const char* /*upload*/, size_t* upload_size, void** /*request*/) {
  const std::string_view asked(method);
  if (*upload_size != 0) return MHD_NO;
  if (asked != "GET" && asked != "HEAD")
    return respond(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "only GET\n");
  if (std::string_view(url) != "/metrics")
    return respond(connection, MHD_HTTP_NOT_FOUND, "the metrics are at /metrics\n");
  const char* accept = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_ACCEPT);
  const auto format = control::metrics_format(accept == nullptr ? "" : accept);
  const auto& socket = static_cast<const ExporterOptions*>(options)->socket;
  return respond(connection, MHD_HTTP_OK, control::metrics_text(ask_status(socket), format),
                 control::content_type(format));
}

// Takes the socket away from it first: it would shut that down, and a unit's socket is not ours to shut down.
struct StopHttp {
  void operator()(MHD_Daemon* daemon) const {
    MHD_quiesce_daemon(daemon);
    MHD_stop_daemon(daemon);
  }
};
using Http = std::unique_ptr<MHD_Daemon, StopHttp>;

constexpr unsigned base_flags = MHD_USE_AUTO | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_ITC;

template <typename... More>
Http start(unsigned flags, const ExporterOptions& options, More... more) {
  static Scrapes scrapes;  // of the one server in this process
  return Http(MHD_start_daemon(base_flags | flags, 0, nullptr, nullptr, &answer,
                               const_cast<ExporterOptions*>(&options), MHD_OPTION_CONNECTION_LIMIT,
                               connections_at_once, MHD_OPTION_CONNECTION_TIMEOUT, patience_seconds,
                               MHD_OPTION_CONNECTION_MEMORY_LIMIT, connection_octets,
                               MHD_OPTION_NOTIFY_CONNECTION, &note, &scrapes, more..., MHD_OPTION_END));
}

Http listen_at(const base::Endpoint& endpoint, const ExporterOptions& options) {
  const base::Bytes octets = endpoint.address.bytes();
  if (endpoint.address.family() == base::Family::ipv4) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(endpoint.port);
    std::copy(octets.begin(), octets.end(), reinterpret_cast<std::uint8_t*>(&address.sin_addr));
    return start(MHD_NO_FLAG, options, MHD_OPTION_SOCK_ADDR, &address);
  }
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_port = htons(endpoint.port);
  std::copy(octets.begin(), octets.end(), reinterpret_cast<std::uint8_t*>(&address.sin6_addr));
  return start(MHD_USE_IPv6, options, MHD_OPTION_SOCK_ADDR, &address);
}

int serve(const Http& http, const std::string& where, const sigset_t& signals) {
  if (!http) {
    return failed(ExitStatus::usage, "can't listen at " + where + ": " +
                                         std::generic_category().message(errno) +
                                         "; name another place with --listen");
  }
  system::log::info("metrics at http://" + where + "/metrics");
  system::service_manager::ready();
  int signal = 0;
  sigwait(&signals, &signal);
  return static_cast<int>(ExitStatus::fine);
}

}  // namespace

int run_exporter(const ExporterOptions& options) {
  const sigset_t signals = system::block_signals({SIGTERM, SIGINT});  // before there are other threads
  if (const auto socket = system::service_manager::listening_socket()) {
    return serve(start(MHD_NO_FLAG, options, MHD_OPTION_LISTEN_SOCKET, *socket), "the unit's socket",
                 signals);
  }
  std::optional<base::Endpoint> endpoint;
  if (options.listen.empty()) {
    const auto configuration = read_configuration(options.config);
    if (!configuration) return failed(ExitStatus::usage, configuration.error());
    endpoint = configuration->config.metrics;
    if (!endpoint) {
      return failed(ExitStatus::usage,
                    "nowhere to listen; say --listen 127.0.0.1:9260, or set listen in [metrics]");
    }
  } else {
    endpoint = system::parse_listen_address(options.listen);
    if (!endpoint) {
      return failed(ExitStatus::usage, "--listen " + system::escape(options.listen) +
                                           " is no address and port; right would be 127.0.0.1:9260");
    }
  }
  return serve(listen_at(*endpoint, options), to_string(*endpoint), signals);
}

}  // namespace dpinholer
