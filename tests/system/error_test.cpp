// SPDX-License-Identifier: GPL-2.0-or-later
#include "system/error.h"

#include <gtest/gtest.h>

#include <cerrno>

namespace dpinholer::system {
namespace {

TEST(SystemError, NamesTheCallTheObjectAndTheReason) {
  EXPECT_EQ((SystemError{"NFT_MSG_NEWSETELEM", ENOENT, "sip_rtp4"}).to_string(),
            "NFT_MSG_NEWSETELEM sip_rtp4: No such file or directory");
  EXPECT_EQ((SystemError{"sendmsg", EPERM, ""}).to_string(), "sendmsg: Operation not permitted");
  EXPECT_EQ((SystemError{"short reply", 0, "sip_rtp4"}).to_string(), "short reply sip_rtp4");
}

}  // namespace
}  // namespace dpinholer::system
