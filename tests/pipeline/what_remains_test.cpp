// SPDX-License-Identifier: GPL-2.0-or-later
// The rows of "What remains" in docs/security.md: each tells who can open which pinhole, from whom, how long.
#include <gtest/gtest.h>

#include "pipeline/flow.h"

namespace dpinholer::test {
namespace {

FlowOptions one_inside() {
  PipelineSettings settings;
  settings.policy.inside_networks = {base::Network::parse("192.0.2.0/24").value()};
  return {.settings = settings, .check_stranger = false};
}

TEST(WhatRemains, AnOutsiderWhoseInviteIsRefused) {
  EXPECT_TRUE(plays(R"(
    mallory > alice  INVITE m [audio 40000]
        open mallory:40000-40001 any 180 offer
    alice > mallory  404 INVITE a
        close mallory:40000-40001 rejected
    mallory > alice  INVITE m call=2 [audio 30000@carol]
        refuse carol:30000-30001 other-side
  )",
                    one_inside()));
}

TEST(WhatRemains, AnOutsiderWhoIsNotAnswered) {
  EXPECT_TRUE(plays(R"(
    mallory > alice  INVITE m [audio 40000@relay]
        open relay:40000-40001 any 180 offer
    wait 180
        @180 close relay:40000-40001 early-timeout
  )",
                    one_inside()));
}

TEST(WhatRemains, AnOutsiderWhoIsAnswered) {
  EXPECT_TRUE(plays(R"(
    mallory > alice  INVITE m [audio 40000@relay]
        open relay:40000-40001 any 180 offer
    alice > mallory  200 INVITE a [audio 30000]
        bind relay:40000-40001 alice 300 answer
        open alice:30000-30001 relay,mallory 300 answer
    mallory ~> alice:30000
        passes
    relay ~> alice:30000
        passes
    dave ~> alice:30000
        dropped
    wait 300
        @300 close relay:40000-40001 idle
        @300 close alice:30000-30001 idle
  )",
                    one_inside()));
}

TEST(WhatRemains, AnInsidePhoneThatWasTakenOver) {
  EXPECT_TRUE(plays(R"(
    alice > mallory  INVITE a [audio 30000@carol]
        open carol:30000-30001 any 180 offer
    mallory > alice  200 INVITE m [audio 40000]
        bind carol:30000-30001 mallory 300 answer
        open mallory:40000-40001 alice,carol 300 answer
    mallory ~> carol:30000
        passes
    dave ~> carol:30000
        dropped
    alice > mallory  INVITE a call=2 [audio 30000@bob]
        refuse bob:30000-30001 other-side
  )",
                    one_inside()));
}

TEST(WhatRemains, AServerThatMakesTwoCallsOfOneAndCopiesTheDescription) {
  EXPECT_TRUE(plays(R"(
    mallory > pbx  INVITE m call=1 [audio 30000@carol]
        refuse carol:30000-30001 other-side
    pbx > dave     INVITE p call=2 [audio 30000@carol]
        open carol:30000-30001 any 180 offer
    dave > pbx     200 INVITE d call=2 [audio 41000]
        bind carol:30000-30001 dave 300 answer
        open dave:41000-41001 pbx,carol 300 answer
  )",
                    one_inside()));
}

// Without the chain `forged` of gateway.nft, where sides come from the source addresses alone.
TEST(WhatRemains, AForgedInsideSource) {
  EXPECT_TRUE(plays(R"(
    alice > mallory  INVITE a [audio 30000@carol]
        open carol:30000-30001 any 180 offer
    mallory ~> carol:30000
        passes
    wait 180
        @180 close carol:30000-30001 early-timeout
  )",
                    one_inside()));
}

}  // namespace
}  // namespace dpinholer::test
