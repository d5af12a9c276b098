// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <vector>

#include "negotiation/agreement.h"
#include "support/sdp.h"

namespace dpinholer::negotiation::test {

/// The parties of every row; an address that is one of these two is not printed.
inline constexpr std::string_view offerer_address = "192.0.2.10";
inline constexpr std::string_view answerer_address = "203.0.113.5";

/// An offer and an answer, and what they open. Sections are written as for `sdp`; those without an address of
/// their own get the party's on session level, unless `*_session` says something else.
///
/// What opens is written as one part per m-line, "audio: rtp 30000, rtcp 30001 | video: ...", each transport
/// with its address when it is not the party's own, "tcp" before TCP, "(held)" behind what is on hold,
/// "(off)" behind what would need media.tcp. m-lines that open nothing are left out.
struct Row {
  std::string name;  ///< of the test: letters, digits, underscores
  std::string rfc;   ///< where it is specified
  std::vector<std::string> offer;
  std::vector<std::string> answer;
  std::string offered = {};      ///< toward the offerer, before the answer
  std::string to_offerer = {};   ///< after it
  std::string to_answerer = {};  ///< after it
  std::string offer_session = "c=IN IP4 192.0.2.10\r\n";
  std::string answer_session = "c=IN IP4 203.0.113.5\r\n";
  Settings settings = {};
};

inline std::ostream& operator<<(std::ostream& out, const Row& row) {
  return out << row.name << " (" << row.rfc << ")";
}

inline base::Address address(std::string_view text) {
  return base::Address::parse(text).value();
}

inline Announcement announcement(const std::string& body, std::string_view signalled_from) {
  Announcement announced{message::read_session_description(body, {}), {}};
  announced.origin.address = address(signalled_from);
  return announced;
}

std::string to_text(const Transport& transport);
/// As the rows are written.
std::string to_text(const Grants& grants);
/// Who may send to the first m-line: "203.0.113.5, 203.0.113.9", signalling last; "any" when it is not bound.
std::string senders_text(const Grants& grants);

/// Runs each row as a test: TEST_ROWS(RtpRow, rows) with a table of rows.
class RowTest : public testing::TestWithParam<Row> {
 protected:
  static void run(const Row& row);
};

std::string row_name(const testing::TestParamInfo<Row>& info);

}  // namespace dpinholer::negotiation::test

#define TEST_ROWS(suite, table)    \
  class suite : public RowTest {}; \
  TEST_P(suite, OpensWhatItSays) { \
    run(GetParam());               \
  }                                \
  INSTANTIATE_TEST_SUITE_P(Section4, suite, testing::ValuesIn(table), row_name)
