// SPDX-License-Identifier: GPL-2.0-or-later
// Session timers (RFC 4028; calls.md section 3; attack A15).
#include <gtest/gtest.h>

#include "pipeline/flow.h"

namespace dpinholer::test {
namespace {

std::string call(const std::string& expires) {
  return R"(
    alice > bob    INVITE a expires=1800 [audio 30000]
        open alice:30000-30001 any 180 offer
    bob > alice    200 INVITE b )" +
         expires + R"( [audio 40000]
        bind alice:30000-30001 bob 300 answer
        open bob:40000-40001 alice 300 answer
    alice > bob    ACK a b
)";
}

// Media every 100 s, so that the call is not idle.
std::string talk(int seconds) {
  std::string flow;
  for (int past = 0; past < seconds; past += 100) {
    flow += "bob ~> alice:30000\n passes\n wait " + std::to_string(std::min(100, seconds - past)) + "\n";
  }
  return flow;
}

TEST(Rfc4028, WithoutARefreshTheDialogCloses) {
  EXPECT_TRUE(plays(call("expires=600") + talk(599) + R"(
    wait 1
        @600 close alice:30000-30001 session-expired
        @600 close bob:40000-40001 session-expired
  )"));
}

TEST(Rfc4028, Section7_4_RefreshedByReInviteOrUpdate) {
  for (const std::string refresh : {
           "alice > bob  INVITE a b expires=600 [audio 30000]\n bob > alice  200 INVITE expires=600 [audio "
           "40000]\n",
           "alice > bob  UPDATE a b expires=600\n bob > alice  200 UPDATE expires=600\n",
           "bob > alice  UPDATE b a expires=600\n alice > bob  200 UPDATE expires=600\n",
       }) {
    SCOPED_TRACE(refresh);
    EXPECT_TRUE(plays(call("expires=600") + talk(590) + refresh + talk(599) + R"(
    wait 1
        @1190 close alice:30000-30001 session-expired
        @1190 close bob:40000-40001 session-expired
    )"));
  }
}

TEST(Rfc4028, Section9_A2xxWithoutTheHeaderEndsTheTimer) {
  EXPECT_TRUE(plays(call("expires=600") + talk(500) + R"(
    alice > bob    UPDATE a b
    bob > alice    200 UPDATE
  )" + talk(2000) + "bob ~> alice:30000\n passes\n"));
}

TEST(Rfc4028, ACopyOfThe2xxRefreshesNothing) {
  EXPECT_TRUE(plays(R"(
    alice > bob    INVITE a [audio 30000]
        open alice:30000-30001 any 180 offer
    bob > alice    200 INVITE b expires=100 [audio 40000]
        bind alice:30000-30001 bob 300 answer
        open bob:40000-40001 alice 300 answer
    wait 30
    bob > alice    200 INVITE b expires=100 [audio 40000]
    alice > bob    ACK a b
    wait 70
        @100 close alice:30000-30001 session-expired
        @100 close bob:40000-40001 session-expired
  )"));
}

TEST(Rfc4028, OnlyA2xxSetsTheTimer) {
  // The request alone asks; without the header in the 2xx there is no session timer.
  EXPECT_TRUE(plays(call("") + talk(2000) + "bob ~> alice:30000\n passes\n"));
  EXPECT_TRUE(plays(call("expires=600") + talk(500) + R"(
    alice > bob    UPDATE a b expires=3600
    bob > alice    422 UPDATE
  )" + talk(99) + R"(
    wait 1
        @600 close alice:30000-30001 session-expired
        @600 close bob:40000-40001 session-expired
  )"));
}

TEST(Rfc4028, Section4_NeverBelow90Seconds) {
  for (const std::string expires : {"0", "1", "89", "90"}) {
    SCOPED_TRACE(expires);
    EXPECT_TRUE(plays(call("expires=" + expires) + R"(
    wait 89
    wait 1
        @90 close alice:30000-30001 session-expired
        @90 close bob:40000-40001 session-expired
    )"));
  }
}

TEST(Rfc4028, A15_AYearMeansNoMoreThanMaxCall) {
  EXPECT_TRUE(plays(call("expires=31536000") + talk(43199) + R"(
    wait 1
        @43200 close alice:30000-30001 session-expired
        @43200 close bob:40000-40001 session-expired
  )"));
}

TEST(Rfc4028, EachLegHasItsOwn) {
  EXPECT_TRUE(plays(R"(
    alice > proxy > carol  INVITE a [audio 30000] [audio 50000@relay]
        open alice:30000-30001 any 180 offer
        open relay:50000-50001 any 180 offer
    carol > proxy          200 INVITE b expires=100 [audio 31000]
        bind relay:50000-50001 carol 300 answer
        open carol:31000-31001 proxy,relay 300 answer
    proxy > alice          200 INVITE b expires=200 [audio 50010@relay]
        bind alice:30000-30001 proxy,relay 300 answer
        open relay:50010-50011 alice 300 answer
    wait 100
        @100 close relay:50000-50001 session-expired
        @100 close carol:31000-31001 session-expired
    wait 100
        @200 close alice:30000-30001 session-expired
        @200 close relay:50010-50011 session-expired
  )"));
}

TEST(Rfc4028, OfTwoForksOnlyTheOneThatExpires) {
  EXPECT_TRUE(plays(R"(
    alice > proxy  INVITE a [audio 30000]
        open alice:30000-30001 any 180 offer
    proxy > alice  200 INVITE b1 expires=100 [audio 40000@bob]
        bind alice:30000-30001 proxy,bob 300 answer
        open bob:40000-40001 alice 300 answer
    proxy > alice  200 INVITE b2 [audio 41000@bob2]
        bind alice:30000-30001 proxy,bob,bob2 300 answer
        open bob2:41000-41001 alice 300 answer
    wait 100
        @100 bind alice:30000-30001 proxy,bob2 300 session-expired
        @100 close bob:40000-40001 session-expired
  )"));
}

}  // namespace
}  // namespace dpinholer::test
