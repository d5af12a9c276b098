// SPDX-License-Identifier: GPL-2.0-or-later
#include "scanners/failures.h"

#include <chrono>
#include <string>
#include <utility>

#include "base/limits.h"

namespace dpinholer::scanners {

using message::Method;

namespace {

constexpr base::Duration window = std::chrono::minutes{1};
// From a challenge to the answer for the request that meets it: time for one retransmission on the way.
constexpr base::Duration patience = std::chrono::seconds{2};

bool is_challenge(const message::SipMessage& response) {
  return response.status == 401 || response.status == 407;
}

bool is_refusal(const message::SipMessage& response) {
  return is_challenge(response) || response.status == 403 || response.status == 404;
}

}  // namespace

Failures::Failures(std::uint32_t most, base::HashKey hash_key, std::uint8_t ipv6_prefix)
    : most_(most),
      hash_key_(hash_key),
      ipv6_prefix_(ipv6_prefix),
      records_(base::limits::failing_sources, hash_key) {}

void Failures::note(const message::SipMessage& response, const base::Address& source, base::TimePoint now,
                    std::vector<Offence>& offences) {
  if (most_ == 0 || (response.method != Method::invite && response.method != Method::register_)) return;
  if (response.is_success()) return forgive_one(source);
  if (!is_refusal(response)) return;
  const std::uint64_t transaction =
      base::keyed_hash(hash_key_, base::as_bytes(response.branch + " " + std::to_string(response.cseq)));
  Record& record = records_.get(key_of(source));
  if (record.refused > 0 && record.last == transaction) return;
  if (record.refused == 0 || now - record.began >= window) {
    record.began = now;
    record.refused = 0;
    record.over_since.reset();
  }
  ++record.refused;
  record.last = transaction;
  if (record.refused <= most_) return;
  if (!is_challenge(response)) return convict(source, record, now, offences);
  if (!record.over_since) record.over_since = now;
  if (!std::exchange(record.awaits_judgement, true)) judgements_.emplace_back(now + patience, source);
}

void Failures::forgive_one(const base::Address& source) {
  Record* record = records_.find(key_of(source));
  if (record == nullptr || record->refused == 0) return;
  --record->refused;
  if (record->refused <= most_) record->over_since.reset();
}

void Failures::run_timers(base::TimePoint now, std::vector<Offence>& offences) {
  while (!judgements_.empty() && judgements_.front().first <= now) {
    const auto [due, source] = judgements_.front();
    judgements_.pop_front();
    Record* record = records_.find(key_of(source));
    if (record == nullptr) continue;
    record->awaits_judgement = false;
    if (!record->over_since) continue;
    if (due - *record->over_since >= patience) {
      convict(source, *record, due, offences);
    } else {
      record->awaits_judgement = true;
      judgements_.emplace_back(due + patience, source);
    }
  }
}

std::optional<base::TimePoint> Failures::next_deadline() const {
  if (judgements_.empty()) return std::nullopt;
  return judgements_.front().first;
}

void Failures::convict(const base::Address& source, Record& record, base::TimePoint now,
                       std::vector<Offence>& offences) {
  offences.push_back({source, Cause::failures, std::to_string(record.refused) + "/min", now});
  record.refused = 0;
  record.over_since.reset();
}

}  // namespace dpinholer::scanners
