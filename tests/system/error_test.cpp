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

TEST(KernelError, SaysWhatHelpsAgainstItsErrno) {
  EXPECT_STREQ(KernelError(SystemError{"socket", EMFILE, "NETLINK_ROUTE"}).what(),
               "socket NETLINK_ROUTE: Too many open files; is there a limit on its memory, processes or "
               "descriptors? systemctl show dpinholer tells");
  EXPECT_STREQ(KernelError(SystemError{"bind", EPERM, ""}).what(),
               "bind: Operation not permitted; run as root or with CAP_NET_ADMIN");
  EXPECT_STREQ(KernelError(SystemError{"poll", EINVAL, ""}).what(), "poll: Invalid argument");
}

}  // namespace
}  // namespace dpinholer::system
