// SPDX-License-Identifier: GPL-2.0-or-later
#include "system/table_lock.h"

#include <gtest/gtest.h>

#include <string>

namespace dpinholer::system {
namespace {

TEST(TableLock, A32_OnlyWhoJoinedTheGroupHasLocked) {
  const std::string list =
      "sk               Eth Pid        Groups   Rmem     Wmem     Dump  Locks    Drops    Inode\n"
      "000000007c49a729 12  1000       00000040 0        0        0     2        0        485\n"
      "000000007c49a72a 12  1001       00000000 0        0        0     2        0        486\n"
      "000000007c49a72b 0   1002       00000040 0        0        0     2        0        487\n"
      "000000007c49a72c 12  1003       00000240 0        0        0     2        0        488\n"
      "garbage\n\n";
  EXPECT_EQ(locked_by(list, 1000, 1003), 1000U);
  EXPECT_EQ(locked_by(list, 1000, 1000), 1003U);
  EXPECT_EQ(locked_by(list, 1001, 1003), std::nullopt);
  EXPECT_EQ(locked_by(list, 985, 0), 1000U) << "the last of sixteen";
  EXPECT_EQ(locked_by(list, 984, 0), std::nullopt);
  EXPECT_EQ(locked_by("", 1000, 0), std::nullopt);
}

TEST(TableLock, A32_ANameThatAStrangerChoseIsNotRepeated) {
  const std::string before = "Num RefCount Protocol Flags Type St Inode Path\n0000: 2 0 0 2 1 9 @dpinholer/";
  EXPECT_EQ(name_of_daemon(before + "1000/42/0-3\n", 1000), "process 42, which reads queue 0-3");
  for (const char* name : {"1001/42/0", "1000/", "1000//0", "1000/42", "1000/4\x1b[2J/0", "1000/42/0; flush",
                           "1000/42/000000000000000000000000000000000000000000000000"})
    EXPECT_EQ(name_of_daemon(before + name + "\n", 1000), std::nullopt) << name;
}

// A daemon of another version has to find it.
TEST(TableLock, A32_ThePortOfATableStaysWhatItIs) {
  EXPECT_EQ(first_lock_port({"inet", "filter"}), 2090114800U);
  EXPECT_NE(first_lock_port({"inet", "filter"}), first_lock_port({"ip", "filter"}));
}

}  // namespace
}  // namespace dpinholer::system
