// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/scenario.h"

namespace dpinholer::test {

/// What a TCP segment says beside its bytes.
struct Flags {
  bool syn = false;
  bool ack = true;
  bool fin = false;
  bool rst = false;
};

/// An IPv4 or IPv6 packet with one TCP segment.
std::vector<std::uint8_t> tcp_packet(const Host& source, const Host& destination, std::uint32_t sequence,
                                     std::uint32_t acknowledgement, Flags flags, std::string_view payload);

/// Two ends of a TCP connection that know their sequence numbers: makes the packets of a conversation.
class TcpPair {
 public:
  TcpPair(Host client, Host server, std::uint32_t client_isn = 1000, std::uint32_t server_isn = 9000)
      : client_(std::move(client)),
        server_(std::move(server)),
        client_next_(client_isn),
        server_next_(server_isn) {}

  /// SYN, SYN-ACK, ACK.
  std::vector<std::vector<std::uint8_t>> handshake();
  /// The next bytes of one end in one segment, or in several of at most `piece` bytes.
  std::vector<std::vector<std::uint8_t>> from_client(std::string_view bytes, std::size_t piece = 65000);
  std::vector<std::vector<std::uint8_t>> from_server(std::string_view bytes, std::size_t piece = 65000);
  /// A segment without bytes that acknowledges all that the other end sent.
  std::vector<std::uint8_t> client_ack();
  std::vector<std::uint8_t> server_ack();

  const Host& client() const { return client_; }
  const Host& server() const { return server_; }
  std::uint32_t client_next() const { return client_next_; }
  std::uint32_t server_next() const { return server_next_; }

 private:
  Host client_;
  Host server_;
  std::uint32_t client_next_;
  std::uint32_t server_next_;
};

}  // namespace dpinholer::test
