// SPDX-License-Identifier: GPL-2.0-or-later
// The messages of tests/data/torture: how an element on the path reads each, and why. RFC 4475 says what a
// user agent or a proxy answers; here the question is whether the message means the same to everybody.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>
#include <string>

#include "message/sip_message.h"
#include "support/content.h"

namespace dpinholer::message {
namespace {

namespace fs = std::filesystem;

const fs::path torture = fs::path(DPINHOLER_SOURCE_DIR) / "tests/data/torture";

std::set<std::string> names(const fs::path& folder) {
  std::set<std::string> found;
  for (const auto& entry : fs::directory_iterator(folder)) found.insert(entry.path().filename());
  return found;
}

// One line that says all that was read: "INVITE 8 from=tag to= branch=z [ambiguous] audio:49217@192.0.2.1".
std::string tell(const tl::expected<SipMessage, MessageError>& read) {
  constexpr const char* errors[] = {"empty", "keep-alive", "STUN", "not SIP", "malformed"};
  if (!read) return errors[static_cast<std::size_t>(read.error())];
  std::string text = read->is_request() ? "" : std::to_string(read->status) + " ";
  text += std::string(name(read->method)) + " " + std::to_string(read->cseq);
  text += " from=" + read->from_tag + " to=" + read->to_tag + " branch=" + read->branch;
  if (read->ambiguous) text += " ambiguous";
  if (!read->session) return text;
  for (const auto& media : read->session->media) {
    text += " " + media.media + ":" + std::to_string(media.port);
    if (media.connection.kind == Connection::Kind::address)
      text += "@" + media.connection.address.to_string();
  }
  return text;
}

struct Case {
  const char* file;
  const char* why;
  const char* read;
};

void check(const char* folder, const char* suffix, const std::vector<Case>& cases) {
  std::set<std::string> left = names(torture / folder);
  for (const auto& c : cases) {
    const std::string file = std::string(c.file) + suffix;
    EXPECT_EQ(left.erase(file), 1U) << file;
    const std::string octets = test::content_of(torture / folder / file);
    EXPECT_EQ(tell(read_datagram_message(base::as_bytes(octets), {})), c.read) << file << ": " << c.why;
  }
  EXPECT_TRUE(left.empty()) << "no row for " << *left.begin();
}

TEST(Torture, Rfc4475) {
  std::string long_tag = "1";
  for (int i = 0; i < 50; ++i) long_tag += "298";
  long_tag += "2424";
  const std::string longreq =
      "INVITE 3882340 from=" + long_tag + " to= branch= audio:49217@192.0.2.1 video:3227@192.0.2.1";
  const std::vector<Case> cases = {
      // 3.1.1 Valid messages
      {"wsinv", "3.1.1.1: folds, blanks and compact names mean nothing; the topmost Via counts",
       "INVITE 9 from=98asjd8 to=1918181833n branch=390skdjuw audio:49217@192.0.2.4 video:3227@192.0.2.4"},
      {"intmeth", "3.1.1.2: any token is a method, a quoted string may hold a NUL, parameters may hold UTF-8",
       "other 139122385 from=_token~1'+`*%!-. to= branch=z9hG4bK-.!%66*_+`'~"},
      {"esc01", "3.1.1.3: escapes are left as they are",
       "INVITE 234234 from=938 to= branch=z9hG4bKkdjuw audio:49217@192.0.2.1 video:3227@192.0.2.1"},
      {"escnull", "3.1.1.4: an escaped NUL in a URI is text",
       "REGISTER 14398234 from=839923423 to= branch=z9hG4bKkdjuw"},
      {"esc02", "3.1.1.5: % in a method or a field name is no escape: an unknown method",
       "other 29344 from=f232jadfj23 to= branch=z9hG4bK209%fzsnel234"},
      {"lwsdisp", "3.1.1.6: no blank before <", "OPTIONS 60 from=323 to= branch=z9hG4bKkdjuw"},
      {"longreq", "3.1.1.7: long fields; the first of 34 Vias has no branch", longreq.c_str()},
      {"dblreq", "3.1.1.8: what follows the length is ignored, the second request too",
       "REGISTER 8 from=43251j3j324 to= branch=z9hG4bKkdjuw23492"},
      {"semiuri", "3.1.1.9: a semicolon in a user part", "OPTIONS 8 from=33242 to= branch=z9hG4bKkdjuw"},
      {"transports", "3.1.1.10: any transport", "OPTIONS 60 from=323 to= branch=z9hG4bKkdjuw"},
      {"mpart01", "3.1.1.11: a body of no interest",
       "MESSAGE 1 from=2fb0dcc9 to= branch=z9hG4bK-d87543-4dade06d0bdb11ee-1--d87543-"},
      {"unreason", "3.1.1.12: any reason phrase",
       "200 INVITE 35 from=11141343 to=2229 branch=z9hG4bK1324923 audio:49217@192.0.2.198 "
       "video:3227@192.0.2.198"},
      {"noreason", "3.1.1.13: no reason phrase",
       "100 INVITE 35 from=39ansfi3 to=902jndnke3 branch=z9hG4bK2398ndaoe"},

      // 3.1.2 Invalid messages
      {"badinv01", "3.1.2.1: empty parameters in Via",
       "INVITE 8 from=134161461246 to= branch= ambiguous audio:49217@192.0.2.15 video:3227@192.0.2.15"},
      {"clerr", "3.1.2.2: the length is too large; over UDP the body is what is there",
       "INVITE 8 from=93942939o2 to= branch=z9hG4bK-39234-23523 audio:49217@192.0.2.155 "
       "video:3227@192.0.2.155"},
      {"ncl", "3.1.2.3: a negative length", "malformed"},
      {"scalar02", "3.1.2.4: a CSeq beyond 2^31; an Expires too, which is of no interest", "malformed"},
      {"scalarlg", "3.1.2.5: a CSeq beyond 2^31 in a response", "malformed"},
      {"quotbal", "3.1.2.6: a quoted string in To that does not end", "malformed"},
      {"ltgtruri", "3.1.2.7: <> around the Request-URI may be ignored, and it is of no interest",
       "INVITE 1 from=39291 to= branch= audio:49217@192.0.2.5 video:3227@192.0.2.5"},
      {"lwsruri", "3.1.2.8: a blank in the Request-URI", "malformed"},
      {"lwsstart", "3.1.2.9: several blanks in the start line may be ignored",
       "INVITE 1893884 from=8814 to= branch=z9hG4bKkdjuw3923 audio:49217@192.0.2.1 video:3227@192.0.2.1"},
      {"trws", "3.1.2.10: so may those at its end",
       "OPTIONS 238923 from=329429089 to= branch=z9hG4bK299342093"},
      {"escruri", "3.1.2.11: header fields in the Request-URI may be ignored",
       "INVITE 149209342 from=341518 to= branch=z9hG4bKkdjuw audio:49217@192.0.2.1 video:3227@192.0.2.1"},
      {"baddate", "3.1.2.12: a Date that is none may be ignored",
       "INVITE 1392934 from=2234923 to= branch=z9hG4bKkdjuw audio:49217@192.0.2.5 video:3227@192.0.2.5"},
      {"regbadct", "3.1.2.13: a Contact of no interest", "REGISTER 1 from=998332 to= branch=z9hG4bKkdjuw"},
      {"badaspec", "3.1.2.14: blanks in <> may be ignored",
       "OPTIONS 3923239 from=433423 to= branch=z9hG4bKkdju43234"},
      {"baddn", "3.1.2.15: a display name that wants quotes; the tag is beyond doubt",
       "OPTIONS 3923239 from=43 to= branch=z9hG4bKkdjuw"},
      {"badvers", "3.1.2.16: another version", "malformed"},
      {"mismatch01", "3.1.2.17: the CSeq names another method", "malformed"},
      {"mismatch02", "3.1.2.18: the same with an unknown method", "malformed"},
      {"bigcode", "3.1.2.19: a status code that is none", "malformed"},

      // 3.2 Transaction layer
      {"badbranch", "3.2.1: the branch is the cookie alone; transactions are told apart by more than that",
       "OPTIONS 8 from=33242 to= branch=z9hG4bK"},

      // 3.3 Application layer
      {"insuf", "3.3.1: no From, To and Call-ID", "malformed"},
      {"unkscm", "3.3.2: an unknown scheme", "OPTIONS 3923423 from=384 to= branch=z9hG4bKkdjuw39234"},
      {"novelsc", "3.3.3: a scheme unusual here", "OPTIONS 3923423 from=384 to= branch=z9hG4bKkdjuw39234"},
      {"unksm2", "3.3.4: unknown schemes in From and To",
       "REGISTER 234902 from=3234233 to= branch=z9hG4bKkdjuw"},
      {"bext01", "3.3.5: Require with unknown extensions", "OPTIONS 8 from=242etr to= branch=z9hG4bKkdjuw"},
      {"invut", "3.3.6: a body of unknown type", "INVITE 235448 from=8392034 to= branch=z9hG4bKkdjuw"},
      {"regaut01", "3.3.7: an unknown authorization scheme",
       "REGISTER 9338 from=87321hj23128 to= branch=z9hG4bKkdjuw"},
      {"multi01", "3.3.8: two values of Call-ID, CSeq, From and To",
       "INVITE 5 from=3413415 to= branch=z9hG4bKkdjuw ambiguous audio:49217@192.0.2.25 "
       "video:3227@192.0.2.25"},
      {"mcl01", "3.3.9: two values of Content-Length",
       "OPTIONS 15932 from=3923942 to= branch=z9hG4bK293423 ambiguous"},
      {"bcast", "3.3.10: a Via with a broadcast address below ours",
       "200 INVITE 35 from=11141343 to=2229 branch=z9hG4bK1324923 audio:49217@192.0.2.198 "
       "video:3227@192.0.2.198"},
      {"zeromf", "3.3.11: Max-Forwards is a proxy's business",
       "OPTIONS 39234321 from=3ghsd41 to= branch=z9hG4bKkdjuw2349i"},
      {"cparam01", "3.3.12: an unknown Contact parameter",
       "REGISTER 2 from=DkfVgjkrtMwaerKKpe to= branch=z9hG4bKkdjuw"},
      {"cparam02", "3.3.13: in its URI", "REGISTER 3 from=838293 to= branch=z9hG4bKkdjuw"},
      {"regescrt", "3.3.14: a header field in its URI", "REGISTER 14398234 from=8 to= branch=z9hG4bKkdjuw"},
      {"sdp01", "3.3.15: Accept names an unknown type",
       "INVITE 8 from=234 to= branch=z9hG4bKkdjuw audio:49217@192.0.2.5 video:3227@192.0.2.5"},

      // 3.4 Backward compatibility
      {"inv2543", "3.4.1: neither tag nor branch nor length",
       "INVITE 56 from= to= branch= audio:49217@192.0.2.5"},

      {"test", "in the archive, in no section: no version in the first line", "not SIP"},
  };
  check("rfc4475", ".dat", cases);
}

// The published files end their lines with LF; the second folder has them with CRLF, as they would be sent.
TEST(Torture, Rfc5118) {
  const std::vector<Case> cases = {
      {"ipv6-good", "4.1", "REGISTER 98176 from=81x2 to= branch=z9hG4bKas3-111"},
      {"ipv6-bad", "4.2: no brackets in the Request-URI, which is of no interest",
       "REGISTER 98176 from=81x2 to= branch=z9hG4bKas3-111"},
      {"port-ambiguous", "4.3", "REGISTER 98176 from=81x2 to= branch=z9hG4bKas3-111"},
      {"port-unambiguous", "4.4", "REGISTER 98176 from=81x2 to= branch=z9hG4bKas3-111"},
      {"via-received-param-with-delim", "4.5: both forms of received are to be accepted",
       "BYE 321 from=81x2 to=bd76ya branch=z9hG4bKas3-111"},
      {"via-received-param-no-delim", "4.5", "OPTIONS 921 from=81x2 to= branch=z9hG4bKas3"},
      {"ipv6-in-sdp", "4.6",
       "INVITE 8612 from=81x2 to= branch=z9hG4bKas3-111 audio:6000@2001:db8::20 video:6024@2001:db8::20"},
      {"mult-ip-in-header", "4.7", "BYE 89187 from=81x2 to=9817--94 branch=z9hG4bKas3-111"},
      {"mult-ip-in-sdp", "4.8: a family for each section",
       "INVITE 8912 from=81x2 to= branch=z9hG4bKas3-111 audio:22334@192.0.2.1 video:6024@2001:db8::1"},
      {"ipv4-mapped-ipv6", "4.9: read; the policy refuses the address",
       "INVITE 612 from=81x2 to= branch=z9hG4bKbh19 audio:6000@::ffff:192.0.2.2 video:6024@::ffff:192.0.2.2"},
      {"ipv6-bug-abnf-3-colons", "4.10: the URI in To is of no interest",
       "OPTIONS 689 from=810x2 to= branch=z9hG4bKas3-111"},
      {"ipv6-correct-abnf-2-colons", "4.10", "OPTIONS 689 from=810x2 to= branch=z9hG4bKas3-111"},
  };
  check("rfc5118", "", cases);
  // A Content-Length that cuts the last line of a body with CRLF does no harm here.
  check("rfc5118-crlf", "", cases);
}

// The index of the source says which its strict parser objects to. Those it takes must be understood.
TEST(Torture, NistJsip) {
  // Its parser is stricter than need be, or objects to fields that are of no interest.
  const std::map<std::string, std::string> refused = {
      {"torture_024.sip", "the source takes it without To, From and Call-ID"},
      {"torture_055.sip", "a line without a colon"},
      {"torture_368.sip", "RFC 4475 3.1.2.5"},
      {"torture_371.sip", "RFC 4475 3.1.2.8"},
      {"torture_380.sip", "RFC 4475 3.1.2.17"},
  };
  std::ifstream index(torture / "nist-jsip/INDEX.tsv");
  std::string line;
  std::getline(index, line);  // its heading
  std::size_t messages = 0;
  while (std::getline(index, line)) {
    ++messages;
    const std::string file = line.substr(0, line.find('\t'));
    const std::string octets = test::content_of(torture / "nist-jsip" / file);
    const auto message = read_datagram_message(base::as_bytes(octets), {});
    EXPECT_EQ(message.has_value(), !refused.contains(file)) << line;
    if (!message) continue;
    EXPECT_EQ(message->ambiguous, file == "torture_392.sip") << line;  // RFC 4475 3.3.9
    const bool has_sdp = octets.find("\r\n\r\nv=0") != std::string::npos;
    const bool carries = message->method == Method::invite || message->method == Method::ack;
    EXPECT_EQ(message->session.has_value(), has_sdp && carries) << line;
    EXPECT_TRUE(!message->session || !message->session->media.empty()) << line;
  }
  EXPECT_EQ(messages, names(torture / "nist-jsip").size() - 1);
}

// Several messages one behind the other: over UDP the first stands.
TEST(Torture, Profuzzbench) {
  const std::string octets = test::content_of(torture / "profuzzbench/sip-1.raw");
  EXPECT_EQ(tell(read_datagram_message(base::as_bytes(octets), {})),
            "REGISTER 1 from=1 to= branch=z9hG4bK-670-1-0");
}

// No cut or changed octet may do harm; the sanitizers are the judges.
TEST(Torture, CutAndChangedMessagesDoNoHarm) {
  for (const char* folder : {"rfc4475", "rfc5118-crlf"}) {
    for (const auto& file : names(torture / folder)) {
      const std::string octets = test::content_of(torture / folder / file);
      std::size_t read = 0;
      for (std::size_t length = 0; length < octets.size(); length += 7) {
        read +=
            read_datagram_message(base::as_bytes(std::string_view(octets).substr(0, length)), {}).has_value();
      }
      for (std::size_t at = 0; at < octets.size(); at += 11) {
        std::string changed = octets;
        changed[at] = static_cast<char>(changed[at] ^ (1 << at % 8));
        read += read_datagram_message(base::as_bytes(changed), {}).has_value();
      }
      EXPECT_LE(read, octets.size());
    }
  }
}

}  // namespace
}  // namespace dpinholer::message
