// SPDX-License-Identifier: GPL-2.0-or-later
#include "lateness.h"

#include <string>
#include <utility>

#include "base/counted.h"
#include "system/log.h"

namespace dpinholer {

void Lateness::let_go(std::size_t messages, base::TimePoint now) {
  messages_ += messages;
  if (these_ == 0 && messages > 0) {
    const auto ending = told_.tell("late", now);
    telling_ = ending.has_value();
    if (ending) {
      system::log::warning(
          "the kernel carries out no change of rules, perhaps because another program loads a large ruleset: "
          "messages go on before their pinholes are written (kernel.patience = " +
          std::to_string(patience_.count()) + ")" + *ending);
    }
  }
  these_ += messages;
}

void Lateness::look(bool busy, base::TimePoint now) {
  if (busy == since_.has_value()) return;
  if (busy) {
    since_ = now;
    return;
  }
  const auto lasted = std::chrono::floor<std::chrono::milliseconds>(now - *since_);
  if (std::exchange(telling_, false)) {
    system::log::info("the kernel carries out changes of rules again after " +
                      std::to_string(lasted.count()) +
                      " ms: " + base::counted(these_, "message", "messages") +
                      " went on before the pinholes were written, which they are now");
  }
  since_.reset();
  these_ = 0;
}

}  // namespace dpinholer
