// SPDX-License-Identifier: GPL-2.0-or-later
#include "system/service_manager.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <string>

namespace dpinholer::system {
namespace {

using namespace std::chrono_literals;

// The manager's end: a datagram socket with an abstract name, which the daemon finds in the environment.
class ServiceManager : public testing::Test {
 protected:
  void SetUp() override {
    socket_ = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    ASSERT_GE(socket_, 0);
    const std::string name = "@dpinholer-test-" + std::to_string(getpid());
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path + 1, name.data() + 1, name.size() - 1);  // the @ stands for a zero octet
    const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
    ASSERT_EQ(bind(socket_, reinterpret_cast<const sockaddr*>(&address), length), 0);
    setenv("NOTIFY_SOCKET", name.c_str(), 1);
  }

  void TearDown() override {
    for (const char* name : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"}) unsetenv(name);
    close(socket_);
  }

  std::string heard() const {
    std::array<char, 4096> text = {};
    const ssize_t length = recv(socket_, text.data(), text.size(), 0);
    return length < 0 ? "" : std::string(text.data(), static_cast<std::size_t>(length));
  }

 private:
  int socket_ = -1;
};

TEST_F(ServiceManager, HearsTheLifeOfTheDaemon) {
  service_manager::ready();
  EXPECT_EQ(heard(), "READY=1");
  service_manager::alive();
  EXPECT_EQ(heard(), "WATCHDOG=1");
  service_manager::stopping();
  EXPECT_EQ(heard(), "STOPPING=1");
}

TEST_F(ServiceManager, HearsOneLineOfStatus) {
  service_manager::status("3 calls, 12 pinholes");
  EXPECT_EQ(heard(), "STATUS=3 calls, 12 pinholes");
  service_manager::status("3 calls\nMAINPID=1");
  EXPECT_EQ(heard(), "STATUS=3 calls");
}

TEST_F(ServiceManager, AsksForSignsOfLifeOrNot) {
  EXPECT_EQ(service_manager::watchdog(), std::nullopt);
  setenv("WATCHDOG_USEC", "30000000", 1);
  EXPECT_EQ(service_manager::watchdog(), 30s);
  setenv("WATCHDOG_PID", "1", 1);  // meant for another process
  EXPECT_EQ(service_manager::watchdog(), std::nullopt);
  setenv("WATCHDOG_USEC", "soon", 1);
  EXPECT_EQ(service_manager::watchdog(), std::nullopt);
}

TEST_F(ServiceManager, IsNotMissedWhenItIsNotThere) {
  unsetenv("NOTIFY_SOCKET");
  service_manager::ready();
  EXPECT_EQ(heard(), "");
}

}  // namespace
}  // namespace dpinholer::system
