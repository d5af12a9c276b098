// SPDX-License-Identifier: GPL-2.0-or-later
#include "crash_folder.h"

#include <pcap/pcap.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <set>
#include <system_error>

#include "base/limits.h"
#include "system/error.h"

namespace dpinholer {

namespace {

namespace fs = std::filesystem;

constexpr const char* suffix = ".pcap";

// "000017": the number after that of the last file.
std::string next_name(const std::set<fs::path>& files) {
  unsigned long last = 0;
  if (!files.empty()) last = std::strtoul(files.rbegin()->stem().c_str(), nullptr, 10);
  const std::string digits = std::to_string(last + 1);
  return std::string(digits.size() < 6 ? 6 - digits.size() : 0, '0') + digits + suffix;
}

// An errno.
int write_capture(const fs::path& file, const Batch& batch) {
  constexpr int longest_packet = 65535;
  const std::unique_ptr<pcap_t, decltype(&pcap_close)> capture(pcap_open_dead(DLT_RAW, longest_packet),
                                                               pcap_close);
  if (capture == nullptr) return ENOMEM;
  const std::unique_ptr<pcap_dumper_t, decltype(&pcap_dump_close)> out(
      pcap_dump_open(capture.get(), file.c_str()), pcap_dump_close);
  if (out == nullptr) return errno;
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const auto seconds = std::chrono::floor<std::chrono::seconds>(now);
  const auto rest = std::chrono::duration_cast<std::chrono::microseconds>(now - seconds);
  for (const Batch::Packet& packet : batch.packets) {
    pcap_pkthdr header{};
    header.ts.tv_sec = seconds.count();
    header.ts.tv_usec = rest.count();
    header.caplen = header.len = static_cast<bpf_u_int32>(packet.octets.size());
    pcap_dump(reinterpret_cast<u_char*>(out.get()), &header, packet.octets.data());
  }
  return pcap_dump_flush(out.get()) == 0 ? 0 : errno;
}

}  // namespace

std::string CrashFolder::save(const Batch& batch) {
  if (folder_.empty()) return "not saved: systemd gave no StateDirectory";
  std::error_code error;
  fs::create_directories(folder_, error);
  std::set<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder_, error)) {
    if (entry.path().extension() == suffix) files.insert(entry.path());
  }
  const fs::path file = folder_ / next_name(files);
  if (const int code = error ? error.value() : write_capture(file, batch); code != 0)
    return "not saved: " + system::SystemError{"write", code, file.string()}.to_string();
  while (files.size() >= base::limits::crash_files) {
    fs::remove(*files.begin(), error);
    files.erase(files.begin());
  }
  return "saved in " + file.string();
}

fs::path CrashFolder::default_folder() {
  const char* folder = std::getenv("STATE_DIRECTORY");
  return folder == nullptr || *folder == '\0' ? fs::path() : fs::path(folder) / "crashes";
}

}  // namespace dpinholer
