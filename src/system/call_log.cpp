// SPDX-License-Identifier: GPL-2.0-or-later
#include "system/call_log.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "system/escape.h"

namespace dpinholer::system {

namespace {

using pinhole::Cause;
using pinhole::Component;

constexpr std::size_t endpoints_told = 4;
constexpr std::size_t addresses_told = 4;

std::string more(std::size_t all, std::size_t told) {
  return all > told ? " and " + std::to_string(all - told) + " more" : "";
}

// Those ends that say that both parties were talking, or should have been.
bool ends_a_talk(Cause cause) {
  return cause == Cause::bye || cause == Cause::idle || cause == Cause::session_expired ||
         cause == Cause::requested;
}

// "2999 packets to 192.0.2.10, 2990 to 203.0.113.5"
std::string media_text(const std::map<base::Address, std::uint64_t>& media) {
  std::string text;
  std::size_t told = 0;
  for (const auto& [address, packets] : media) {
    if (told == addresses_told) break;
    if (told > 0) text += ", ";
    text += std::to_string(packets) + (told == 0 ? " packets to " : " to ") + address.to_string();
    ++told;
  }
  return text + more(media.size(), told);
}

std::string seconds_text(base::Duration duration) {
  return std::to_string(std::chrono::duration_cast<std::chrono::seconds>(duration).count()) + " s";
}

}  // namespace

void CallLog::opened(const pinhole::Change& change) {
  const auto [place, is_new] = calls_.try_emplace(change.label.call_id);
  Call& call = place->second;
  if (is_new) {
    call.began = change.time;
    call.opened_by = change.cause;
  }
  ++call.open;
  if (!call.told) {
    touched_.push_back(place->first);
    call.first.push_back(change.key);
  }
  if (change.label.component != Component::rtcp) call.media.try_emplace(change.key.destination.address);
}

void CallLog::closed(const pinhole::Change& change, const pinhole::Label& label, std::uint64_t packets) {
  const auto place = calls_.find(label.call_id);
  if (place == calls_.end()) return;
  Call& call = place->second;
  if (call.open > 0) --call.open;
  if (label.component != Component::rtcp) call.media[change.key.destination.address] += packets;
  call.ended = change.time;
  call.closed_by = change.cause;
  if (call.open == 0) touched_.push_back(place->first);
}

void CallLog::flush() {
  for (const std::string& call_id : touched_) {
    const auto place = calls_.find(call_id);
    if (place == calls_.end()) continue;
    if (!std::exchange(place->second.told, true)) write_opened(call_id, place->second);
    if (place->second.open > 0) continue;
    write_closed(call_id, place->second);
    calls_.erase(place);
  }
  touched_.clear();
}

void CallLog::write_opened(const std::string& call_id, const Call& call) const {
  std::string text =
      "call " + escape(call_id) + " opened (" + std::string(name(call.opened_by)) + "): media to";
  const std::size_t told = std::min(call.first.size(), endpoints_told);
  for (std::size_t i = 0; i < told; ++i) text += (i > 0 ? ", " : " ") + to_string(call.first[i].destination);
  const base::Endpoint& first = call.first.front().destination;
  sink_(text + more(call.first.size(), told), {{"CALL_ID", call_id},
                                               {"CAUSE", std::string(name(call.opened_by))},
                                               {"ADDRESS", first.address.to_string()},
                                               {"PORT", std::to_string(first.port)}});
}

void CallLog::write_closed(const std::string& call_id, const Call& call) const {
  std::uint64_t packets = 0;
  std::size_t reached = 0;
  for (const auto& [address, count] : call.media) {
    packets += count;
    if (count > 0) ++reached;
  }
  const bool one_way = reached == 1 && call.media.size() > 1 && ends_a_talk(call.closed_by);
  std::string text = "call " + escape(call_id) + " closed (" + std::string(name(call.closed_by)) +
                     ") after " + seconds_text(call.ended - call.began);
  if (packets == 0 && counts_) text += ", no media";
  if (packets > 0) text += std::string(one_way ? ", one way only: " : ": ") + media_text(call.media);
  std::vector<log::Field> fields{{"CALL_ID", call_id}, {"CAUSE", std::string(name(call.closed_by))}};
  if (counts_) fields.push_back({"PACKETS", std::to_string(packets)});
  if (one_way) fields.push_back({"ONE_WAY", "yes"});
  sink_(text, fields);
}

}  // namespace dpinholer::system
