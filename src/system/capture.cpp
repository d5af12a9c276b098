// SPDX-License-Identifier: GPL-2.0-or-later
#include "system/capture.h"

#include <pcap/pcap.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <system_error>
#include <utility>

#include "system/escape.h"

namespace dpinholer::system {

namespace {

// Time stamps are 64 bits that somebody wrote into a file: this many seconds fit a TimePoint, with room for
// every timer on top, and are more than any capture needs (34,000 years).
constexpr std::int64_t longest_capture = std::int64_t{1} << 40;

std::string reason(int error) {
  return std::generic_category().message(error);
}

tl::unexpected<std::string> failure(const std::string& file, const std::string& text) {
  return tl::unexpected(escape(file) + ": " + escape(text));
}

std::string name_of(int data_link) {
  const char* name = pcap_datalink_val_to_name(data_link);
  return std::to_string(data_link) + (name != nullptr ? " (" + std::string(name) + ")" : "");
}

}  // namespace

void Capture::Close::operator()(pcap* handle) const {
  pcap_close(handle);
}

Capture::Capture(std::string file, std::unique_ptr<pcap, Close> handle, LinkType type)
    : file_(std::move(file)), handle_(std::move(handle)), type_(type) {}

tl::expected<Capture, std::string> Capture::open(const std::string& file) {
  std::FILE* stream = file == "-" ? stdin : std::fopen(file.c_str(), "rbe");
  if (stream == nullptr)
    return failure(file, reason(errno) + "; name a pcap or pcapng file that can be read");
  std::array<char, PCAP_ERRBUF_SIZE> error{};
  // Owns the stream from here on, but not when it fails.
  std::unique_ptr<pcap, Close> handle(pcap_fopen_offline(stream, error.data()));
  if (!handle) {
    if (stream != stdin) static_cast<void>(std::fclose(stream));
    return failure(file, std::string(error.data()) + "; name a pcap or pcapng file");
  }
  const int data_link = pcap_datalink(handle.get());
  const auto type = link_type(data_link);
  if (!type) {
    return failure(file, "link type " + name_of(data_link) +
                             " is not read; capture on Ethernet, Linux cooked, raw IP or loopback");
  }
  return Capture(file, std::move(handle), *type);
}

tl::expected<std::optional<Frame>, std::string> Capture::next() {
  pcap_pkthdr* header = nullptr;
  const u_char* octets = nullptr;
  const int result = pcap_next_ex(handle_.get(), &header, &octets);
  if (result == PCAP_ERROR_BREAK) return std::nullopt;  // the end of the file
  if (result != 1) {
    return failure(file_, "damaged after frame " + std::to_string(frames_) + ": " +
                              pcap_geterr(handle_.get()) +
                              "; what was found covers the frames before it, capture again for the rest");
  }
  const std::int64_t second = header->ts.tv_sec;
  const std::int64_t microsecond = header->ts.tv_usec;
  if (frames_++ == 0) {
    first_second_ = second;
    first_microsecond_ = microsecond;
  }
  std::int64_t elapsed = 0;
  if (__builtin_sub_overflow(second, first_second_, &elapsed)) elapsed = second > 0 ? longest_capture : -1;
  elapsed = std::clamp(elapsed, std::int64_t{-1}, longest_capture);
  const base::TimePoint time(base::seconds(elapsed) + base::Duration(microsecond - first_microsecond_));
  last_ = std::max(last_, time);
  return Frame{last_, ip_packet(type_, base::Bytes(octets, header->caplen))};
}

}  // namespace dpinholer::system
