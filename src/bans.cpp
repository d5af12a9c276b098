// SPDX-License-Identifier: GPL-2.0-or-later
#include "bans.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <iterator>

#include "base/limits.h"
#include "pinhole/element.h"
#include "system/escape.h"
#include "system/log.h"

// Comment of an element: "banned" SP cause SP text, escaped as the Call-IDs of pinholes are.

namespace dpinholer {

namespace {

using scanners::Offence;

// Messages that waited in the queue when their source was banned still come for so long. If one comes later,
// the ban is not in the kernel any more.
constexpr base::Duration on_the_way = std::chrono::seconds{1};

constexpr std::string_view comment_begin = "banned ";

// The kernel reports that there is no such ban after a grace period of RCU, some 20 ms.
constexpr base::Duration lift_wait = std::chrono::milliseconds{200};

constexpr std::string_view kernel_busy =
    "the kernel is busy, perhaps with a ruleset that another program loads";

std::string why(const Offence& offence) {
  return std::string(name(offence.cause)) + " " +
         pinhole::comment_text(offence.text, base::limits::offence_text);
}

std::string remedy(const system::SystemError& error) {
  if (error.code == ENOENT) return "include dpinholer/dpinholer.nft in that table";
  if (error.code == ENFILE || error.code == ENOSPC) return "the set is full: it needs a larger size";
  return "nft list ruleset shows whether it is as in dpinholer/dpinholer.nft";
}

}  // namespace

Bans::Bans(system::BanSets& sets, pinhole::Host& host, bool observe, scanners::Settings settings,
           base::HashKey hash_key, base::Duration wait)
    : sets_(sets),
      host_(host),
      observe_(observe),
      settings_(std::move(settings)),
      bans_told_(hash_key),
      failures_told_(hash_key),
      wait_(wait) {}

bool Bans::looks_for(scanners::Cause cause) const {
  switch (cause) {
    case scanners::Cause::user_agent:
      return settings_.well_known || !settings_.user_agents.empty();
    case scanners::Cause::from:
      return settings_.well_known || !settings_.from.empty();
    case scanners::Cause::request_uri:
      return !settings_.request_uris.empty();
    case scanners::Cause::failures:
      return settings_.failures > 0;
  }
  return false;
}

// Without the sets there is nothing to be known again; whoever needs them is told when they are needed.
void Bans::recover(base::TimePoint now) {
  (void)sets_.for_each([&](const system::Ban& ban) {
    if (!ban.comment.starts_with(comment_begin)) return;
    base::Network source = base::Network::source(ban.source, settings_.ipv6_prefix);
    if (source.first() != ban.source) source = ban.source;
    enter(source, {ban.comment.substr(comment_begin.size()), now - on_the_way, now + ban.expires});
  });
}

std::vector<Offence> Bans::ban(std::vector<Offence> offences, base::TimePoint now) {
  if (offences.empty()) return offences;
  end_some(now);
  std::erase_if(offences, [&](Offence& offence) { return !takes(offence, now); });
  std::vector<base::Network> sources;
  for (const Offence& offence : offences) sources.push_back(*offence.banned);
  if (!observe_ && !sources.empty() && !write(std::move(sources), now)) return {};
  if (observe_) counters_.bans += offences.size();
  for (const Offence& offence : offences) tell(offence, now);
  return offences;
}

// False when the kernel refused them. While it is busy, `settle` takes its answer later.
bool Bans::write(std::vector<base::Network> sources, base::TimePoint now) {
  if (worker_.busy()) {
    std::ranges::move(sources, std::back_inserter(behind_));
    return true;
  }
  std::vector<system::Ban> bans;
  for (const base::Network& source : sources) {
    if (const auto known = banned_.find(source); known != banned_.end())
      bans.push_back({source.first(), settings_.ban, std::string(comment_begin) + known->second.why});
  }
  writing_ = std::move(sources);
  worker_.start([this, bans = std::move(bans)] {
    const auto added = sets_.add(bans);
    error_.reset();
    if (!added) error_ = added.error();
  });
  return !worker_.wait(wait_) || conclude(now);
}

bool Bans::conclude(base::TimePoint now) {
  const std::vector<base::Network> written = std::exchange(writing_, {});
  if (!error_) {
    counters_.bans += written.size();
    return true;
  }
  for (const base::Network& source : written) erase(source);
  if (!written.empty()) tell_failure(error_->to_string() + "; " + remedy(*error_), written.size(), now);
  return false;
}

void Bans::settle(base::TimePoint now) {
  if (!worker_.busy() || !worker_.wait({})) return;
  conclude(now);
  if (!behind_.empty()) write(std::exchange(behind_, {}), now);
}

// And enters it, so that it takes nobody twice.
bool Bans::takes(Offence& offence, base::TimePoint now) {
  const base::Network source = network_of(offence.source);
  const auto known = banned_.find(source);
  if (known != banned_.end() && now - known->second.since < on_the_way) return false;
  if (scanners::is_spared(offence.source, settings_) || host_.is_own(offence.source)) return false;
  if (known == banned_.end() && banned_.size() >= base::limits::banned_sources) {
    tell_failure(std::to_string(banned_.size()) + " are banned already; a shorter scanners.ban makes room", 1,
                 now);
    return false;
  }
  enter(source, {why(offence), now, now + settings_.ban});
  offence.banned = source;
  return true;
}

base::Network Bans::network_of(const base::Address& source) {
  const base::Network network = base::Network::source(source, settings_.ipv6_prefix);
  const bool spared = scanners::is_spared_within(network, settings_) || host_.has_own_in(network);
  return spared ? base::Network(source) : network;
}

tl::expected<bool, std::string> Bans::lift(const base::Address& source) {
  if (worker_.busy()) return tl::unexpected(std::string(kernel_busy) + "; try again");
  std::set<base::Network> networks{source, base::Network::source(source, settings_.ipv6_prefix)};
  for (const auto& [network, banned] : banned_) {
    if (network.contains(source)) networks.insert(network);
  }
  for (const base::Network& network : networks) erase(network);
  lifted_.clear();
  error_.reset();
  worker_.start([this, networks = std::move(networks)] {
    for (const base::Network& network : networks) {
      const auto removed = sets_.remove(network.first());
      if (!removed) error_ = removed.error();
      if (!removed) return;
      if (*removed) lifted_.push_back(network);
    }
  });
  if (!worker_.wait(std::max(wait_, lift_wait)))
    return tl::unexpected(std::string(kernel_busy) + "; it lifts the ban after that");
  if (error_) return tl::unexpected(error_->to_string() + "; " + remedy(*error_));
  for (const base::Network& network : lifted_)
    system::log::info(network.text() + " is not banned any more: it was lifted",
                      {{"ADDRESS", network.text()}});
  return !lifted_.empty();
}

std::size_t Bans::count(base::TimePoint now) {
  end_some(now);
  return banned_.size();
}

void Bans::for_each(std::size_t most,
                    const std::function<void(const base::Network&, const Banned&)>& visit) const {
  auto end = ends_.rbegin();
  for (std::size_t i = 0; i < most && end != ends_.rend(); ++i, ++end) {
    visit(end->second, banned_.at(end->second));
  }
}

void Bans::enter(const base::Network& source, Banned banned) {
  erase(source);
  ends_.emplace(banned.until, source);
  banned_.emplace(source, std::move(banned));
}

void Bans::erase(const base::Network& source) {
  const auto known = banned_.find(source);
  if (known == banned_.end()) return;
  ends_.erase({known->second.until, source});
  banned_.erase(known);
}

void Bans::end_some(base::TimePoint now) {
  while (!ends_.empty() && ends_.begin()->first <= now) erase(base::Network(ends_.begin()->second));
}

void Bans::tell(const Offence& offence, base::TimePoint now) {
  const std::string source = offence.banned->text();
  const auto ending = bans_told_.tell(source, now);
  if (!ending) return;
  system::log::info(source + (observe_ ? " would be banned" : " banned") + " for " +
                        std::to_string(settings_.ban.count()) + " s: " + std::string(name(offence.cause)) +
                        " " + system::escape(offence.text) + *ending,
                    {{"ADDRESS", source}, {"CAUSE", std::string(name(offence.cause))}});
}

void Bans::tell_failure(const std::string& why, std::size_t bans, base::TimePoint now) {
  counters_.failed += bans;
  if (const auto ending = failures_told_.tell(why, now)) system::log::error("not banned: " + why + *ending);
}

}  // namespace dpinholer
