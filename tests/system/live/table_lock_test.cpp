// SPDX-License-Identifier: GPL-2.0-or-later
#include "system/table_lock.h"

#include <linux/netlink.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <optional>
#include <string>

#include "base/limits.h"
#include "system/error.h"
#include "system/live/live.h"

namespace dpinholer::system {
namespace {

using TableLockTest = live::LiveTest;

KernelSettings table(const std::string& name, std::uint16_t first = 0, std::uint16_t last = 0) {
  KernelSettings settings;
  settings.table.name = name;
  settings.queues = {first, last};
  return settings;
}

std::string refusal(const KernelSettings& settings) {
  try {
    const TableLock lock(settings);
    return "";
  } catch (const KernelError& error) {
    return error.what();
  }
}

/// A port that somebody holds who may not join the group, or does not.
Descriptor squat(std::uint32_t port) {
  Descriptor socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER));
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  address.nl_pid = port;
  EXPECT_EQ(bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  return socket;
}

TEST_F(TableLockTest, A32_TheSecondOfATableIsToldTheFirst) {
  const live::Namespace home;
  home.inside([] {
    std::optional<TableLock> first(std::in_place, table("filter", 4, 5));
    EXPECT_EQ(refusal(table("filter")),
              "another daemon looks after table inet filter already: process " + std::to_string(getpid()) +
                  ", which reads queue 4-5; stop that one, or give this one another table or kernel.observe");
    EXPECT_EQ(refusal(table("other")), "");
    first.reset();
    EXPECT_EQ(refusal(table("filter")), "");
  });
}

TEST_F(TableLockTest, A32_EveryNetworkNamespaceHasItsOwn) {
  const live::Namespace here;
  const live::Namespace there;
  here.inside([&] {
    const TableLock first(table("filter"));
    there.inside([] { EXPECT_EQ(refusal(table("filter")), ""); });
  });
}

// A port needs no privilege, the group does.
TEST_F(TableLockTest, A32_AStrangerKeepsNobodyFromStartingAndHidesNobody) {
  const live::Namespace home;
  home.inside([] {
    const std::uint32_t port = first_lock_port({"inet", "filter"});
    std::optional<Descriptor> stranger(squat(port));
    const TableLock first(table("filter", 7, 7));
    EXPECT_NE(refusal(table("filter")).find(", which reads queue 7;"), std::string::npos);
    stranger.reset();
    EXPECT_NE(refusal(table("filter")).find(", which reads queue 7;"), std::string::npos);
  });
  home.inside([] {
    std::vector<Descriptor> strangers;
    const std::uint32_t port = first_lock_port({"inet", "filter"});
    for (std::uint32_t i = 0; i < base::limits::table_lock_ports; ++i) strangers.push_back(squat(port + i));
    testing::internal::CaptureStderr();
    EXPECT_EQ(refusal(table("filter")), "");
    EXPECT_NE(testing::internal::GetCapturedStderr().find("somebody has taken all netlink ports"),
              std::string::npos);
  });
}

}  // namespace
}  // namespace dpinholer::system
