// SPDX-License-Identifier: GPL-2.0-or-later
#include "system/worker.h"

#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <utility>

namespace dpinholer::system {

Worker::Worker() : late_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd") {
  // A new thread inherits the mask: signals go to the thread that waits for them.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

Worker::~Worker() = default;

void Worker::start(std::function<void()> work) {
  {
    const std::lock_guard lock(mutex_);
    work_ = std::move(work);
    working_ = true;
  }
  busy_ = true;
  wake_.notify_one();
}

bool Worker::wait(std::chrono::nanoseconds most) {
  if (!busy_) return true;
  std::unique_lock lock(mutex_);
  busy_ = !done_.wait_for(lock, most, [&] { return !working_; });
  missed_ = busy_;
  std::uint64_t count = 0;
  if (!busy_) (void)!read(late_.get(), &count, sizeof count);
  return !busy_;
}

void Worker::run(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (wake_.wait(lock, stop, [&] { return working_; })) {
    const std::function<void()> work = std::exchange(work_, nullptr);
    lock.unlock();
    work();
    lock.lock();
    working_ = false;
    const std::uint64_t one = 1;
    if (std::exchange(missed_, false)) (void)!write(late_.get(), &one, sizeof one);
    done_.notify_one();
  }
}

}  // namespace dpinholer::system
