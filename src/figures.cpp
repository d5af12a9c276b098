// SPDX-License-Identifier: GPL-2.0-or-later
#include "figures.h"

#include <cstddef>
#include <string>

#include "system/log.h"

namespace dpinholer {

void log_figures(const Counters& seen, const Gatekeeper& gatekeeper, std::uint64_t dropped) {
  const SetKeeper::Counters& done = gatekeeper.counters();
  auto number = [](std::uint64_t value, const char* what) { return std::to_string(value) + " " + what; };
  system::log::info("stopped: " + number(seen.packets, "packets, ") +
                    number(seen.sip_messages, "SIP messages, ") + number(seen.malformed, "malformed, ") +
                    number(seen.not_sip, "not SIP, ") + number(seen.keep_alives, "keep-alives, ") +
                    number(seen.unreadable, "unreadable, ") + number(dropped, "dropped; ") +
                    number(seen.calls, "calls, ") + number(gatekeeper.refused(), "pinholes refused; ") +
                    number(done.transactions, "transactions, ") + number(done.elements, "element changes, ") +
                    number(done.failures, "failed, ") + number(done.rewritten, "pinholes written again, ") +
                    number(done.retried, "opened later, ") + number(done.swept, "elements swept"));
  auto given_up = [&](ip::GivenUp reason) { return seen.streams.given_up[static_cast<std::size_t>(reason)]; };
  system::log::info("TCP: " + number(seen.streams.opened, "connections read; given up: ") +
                    number(given_up(ip::GivenUp::foreign), "foreign, ") +
                    number(given_up(ip::GivenUp::encrypted), "encrypted, ") +
                    number(given_up(ip::GivenUp::conflict), "in conflict, ") +
                    number(given_up(ip::GivenUp::gap), "with a gap, ") +
                    number(given_up(ip::GivenUp::over_bound), "over the bound, ") +
                    number(given_up(ip::GivenUp::evicted), "evicted; ") +
                    number(seen.streams.unfollowed_segments, "segments not read"));
}

}  // namespace dpinholer
