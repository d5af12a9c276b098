// SPDX-License-Identifier: GPL-2.0-or-later
// Sends many UDP datagrams over IPv4, from whatever sources it is told:
//
//   flood SOURCE SOURCES DESTINATION PORT COUNT RATE <PAYLOAD
//
// From SOURCE and the SOURCES - 1 addresses after it in turn, each datagram from port PORT to port PORT; RATE
// a second, 0 for as fast as it goes. In PAYLOAD "########" becomes the number of the datagram. Prints how
// many it sent, and in how many seconds. Needs CAP_NET_RAW.
#include <arpa/inet.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t batch = 64;
constexpr std::string_view number_mark = "########";
constexpr std::string_view port_mark = "$$$$$";

std::vector<std::size_t> places_of(std::string_view mark, std::string_view text) {
  std::vector<std::size_t> places;
  for (auto at = text.find(mark); at != text.npos; at = text.find(mark, at + mark.size()))
    places.push_back(at);
  return places;
}

void write(std::string& text, std::size_t place, std::size_t digits, std::size_t value) {
  for (; digits-- > 0; value /= 10) text[place + digits] = static_cast<char>('0' + value % 10);
}

class Flood {
 public:
  Flood(in_addr source, std::uint32_t sources, in_addr destination, std::uint16_t port,
        const std::string& payload)
      : first_source_(ntohl(source.s_addr)), sources_(sources) {
    to_.sin_family = AF_INET;
    to_.sin_addr = destination;
    iphdr ip{};
    ip.version = 4;
    ip.ihl = 5;
    ip.ttl = 64;
    ip.protocol = IPPROTO_UDP;
    ip.daddr = destination.s_addr;
    udphdr udp{};
    udp.source = udp.dest = htons(port);
    udp.len = htons(static_cast<std::uint16_t>(sizeof udp + payload.size()));  // checksum 0: none (RFC 768)
    std::string packet(sizeof ip + sizeof udp, '\0');
    std::memcpy(packet.data(), &ip, sizeof ip);
    std::memcpy(packet.data() + sizeof ip, &udp, sizeof udp);
    packet += payload;
    packets_.fill(packet);
    numbers_ = places_of(number_mark, packet);
    ports_ = places_of(port_mark, packet);
    for (std::size_t i = 0; i < batch; ++i) {
      parts_[i] = {packets_[i].data(), packets_[i].size()};
      messages_[i].msg_hdr.msg_name = &to_;
      messages_[i].msg_hdr.msg_namelen = sizeof to_;
      messages_[i].msg_hdr.msg_iov = &parts_[i];
      messages_[i].msg_hdr.msg_iovlen = 1;
    }
  }

  // Sends up to `count` of the next packets; how many.
  std::size_t send(int socket, std::size_t count) {
    count = std::min(count, batch);
    for (std::size_t i = 0; i < count; ++i) number(packets_[i], next_ + i);
    const int sent = sendmmsg(socket, messages_.data(), static_cast<unsigned>(count), 0);
    if (sent < 0 && errno != ENOBUFS && errno != EPERM) throw std::runtime_error(std::strerror(errno));
    // What the sender's own queue had no room for was sent as far as it knows.
    const std::size_t done = sent < 0 ? 1 : static_cast<std::size_t>(sent);
    next_ += done;
    return done;
  }

 private:
  void number(std::string& packet, std::size_t n) const {
    const std::uint32_t source = htonl(first_source_ + static_cast<std::uint32_t>(n % sources_));
    std::memcpy(packet.data() + offsetof(iphdr, saddr), &source, sizeof source);
    for (const std::size_t place : numbers_) write(packet, place, number_mark.size(), n);
    for (const std::size_t place : ports_) write(packet, place, port_mark.size(), 20000 + 2 * (n % 20000));
  }

  sockaddr_in to_{};
  std::uint32_t first_source_;
  std::uint32_t sources_;
  std::vector<std::size_t> numbers_;
  std::vector<std::size_t> ports_;
  std::size_t next_ = 0;
  std::array<std::string, batch> packets_;
  std::array<iovec, batch> parts_{};
  std::array<mmsghdr, batch> messages_{};
};

in_addr address(const char* text) {
  in_addr read{};
  if (inet_pton(AF_INET, text, &read) != 1) throw std::invalid_argument(text);
  return read;
}

void run(char** words) {
  const std::string payload(std::istreambuf_iterator<char>(std::cin), {});
  Flood flood(address(words[0]), static_cast<std::uint32_t>(std::stoul(words[1])), address(words[2]),
              static_cast<std::uint16_t>(std::stoul(words[3])), payload);
  const std::size_t count = std::stoul(words[4]);
  const double rate = std::stod(words[5]);
  const int socket = ::socket(AF_INET, SOCK_RAW, IPPROTO_RAW);
  if (socket < 0) throw std::runtime_error(std::strerror(errno));

  const auto began = Clock::now();
  std::size_t sent = 0;
  while (sent < count) {
    if (rate > 0) {
      const std::chrono::duration<double> due(static_cast<double>(sent) / rate);
      std::this_thread::sleep_until(began + std::chrono::duration_cast<Clock::duration>(due));
    }
    sent += flood.send(socket, count - sent);
  }
  std::printf("%zu %.3f\n", sent, std::chrono::duration<double>(Clock::now() - began).count());
}

}  // namespace

int main(int count, char** words) {
  if (count != 7) {
    std::fprintf(stderr, "usage: flood SOURCE SOURCES DESTINATION PORT COUNT RATE <PAYLOAD\n");
    return 2;
  }
  try {
    run(words + 1);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "flood: %s\n", error.what());
    return 1;
  }
  return 0;
}
