// SPDX-License-Identifier: GPL-2.0-or-later
#include "pipeline/tcp.h"

#include "base/address.h"

namespace dpinholer::test {

namespace {

void put(std::vector<std::uint8_t>& out, std::uint64_t value, int octets) {
  for (int shift = 8 * (octets - 1); shift >= 0; shift -= 8)
    out.push_back(static_cast<std::uint8_t>(value >> shift & 0xff));
}

}  // namespace

std::vector<std::uint8_t> tcp_packet(const Host& source, const Host& destination, std::uint32_t sequence,
                                     std::uint32_t acknowledgement, Flags flags, std::string_view payload) {
  const base::Address from = base::Address::parse(source.address).value();
  const base::Address to = base::Address::parse(destination.address).value();
  const std::size_t length = 20 + payload.size();
  std::vector<std::uint8_t> packet;
  if (from.family() == base::Family::ipv4) {
    packet = {0x45, 0};
    put(packet, 20 + length, 2);
    packet.insert(packet.end(), {0, 0, 0, 0, 64, 6, 0, 0});
  } else {
    packet = {0x60, 0, 0, 0};
    put(packet, length, 2);
    packet.insert(packet.end(), {6, 64});
  }
  for (const base::Address& end : {from, to})
    packet.insert(packet.end(), end.bytes().begin(), end.bytes().end());
  put(packet, source.port, 2);
  put(packet, destination.port, 2);
  put(packet, sequence, 4);
  put(packet, acknowledgement, 4);
  packet.push_back(0x50);
  packet.push_back(static_cast<std::uint8_t>((flags.fin ? 1 : 0) | (flags.syn ? 2 : 0) | (flags.rst ? 4 : 0) |
                                             (flags.ack ? 16 : 0)));
  put(packet, 0xffff, 2);
  put(packet, 0, 4);
  packet.insert(packet.end(), payload.begin(), payload.end());
  return packet;
}

std::vector<std::vector<std::uint8_t>> TcpPair::handshake() {
  std::vector<std::vector<std::uint8_t>> packets;
  packets.push_back(tcp_packet(client_, server_, client_next_++, 0, {.syn = true, .ack = false}, ""));
  packets.push_back(tcp_packet(server_, client_, server_next_++, client_next_, {.syn = true}, ""));
  packets.push_back(client_ack());
  return packets;
}

std::vector<std::vector<std::uint8_t>> TcpPair::from_client(std::string_view bytes, std::size_t piece) {
  std::vector<std::vector<std::uint8_t>> packets;
  for (; !bytes.empty(); bytes.remove_prefix(std::min(piece, bytes.size()))) {
    const std::string_view part = bytes.substr(0, piece);
    packets.push_back(tcp_packet(client_, server_, client_next_, server_next_, {}, part));
    client_next_ += static_cast<std::uint32_t>(part.size());
  }
  return packets;
}

std::vector<std::vector<std::uint8_t>> TcpPair::from_server(std::string_view bytes, std::size_t piece) {
  std::vector<std::vector<std::uint8_t>> packets;
  for (; !bytes.empty(); bytes.remove_prefix(std::min(piece, bytes.size()))) {
    const std::string_view part = bytes.substr(0, piece);
    packets.push_back(tcp_packet(server_, client_, server_next_, client_next_, {}, part));
    server_next_ += static_cast<std::uint32_t>(part.size());
  }
  return packets;
}

std::vector<std::uint8_t> TcpPair::client_ack() {
  return tcp_packet(client_, server_, client_next_, server_next_, {}, "");
}

std::vector<std::uint8_t> TcpPair::server_ack() {
  return tcp_packet(server_, client_, server_next_, client_next_, {}, "");
}

}  // namespace dpinholer::test
