// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace dpinholer::test {

/// A session description with one m-line per element of `sections`, each "<c= address>|<m= line after m=>" and
/// further lines behind more bars: sdp({"192.0.2.10|audio 30000 RTP/AVP 0|a=rtcp-mux"}). Without an address
/// there is no c= line. `session_lines` stand before the first m=, each with its CRLF.
inline std::string sdp(const std::vector<std::string>& sections, std::string_view session_lines = "") {
  std::string text = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nt=0 0\r\n";
  text += session_lines;
  for (const std::string& section : sections) {
    std::vector<std::string> parts;
    std::size_t begin = 0;
    for (std::size_t bar = 0; bar != std::string::npos; begin = bar + 1) {
      bar = section.find('|', begin);
      parts.push_back(section.substr(begin, bar == std::string::npos ? bar : bar - begin));
    }
    text += "m=" + parts.at(1) + "\r\n";
    if (const std::string& address = parts[0]; !address.empty())
      text += (address.find(':') != std::string::npos ? "c=IN IP6 " : "c=IN IP4 ") + address + "\r\n";
    for (std::size_t i = 2; i < parts.size(); ++i) text += parts[i] + "\r\n";
  }
  return text;
}

}  // namespace dpinholer::test
