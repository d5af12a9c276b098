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

// "203.0.113.5", "203.0.113.5 or 198.51.100.7"
std::string any_of(const std::vector<base::Address>& addresses) {
  std::string text;
  const std::size_t told = std::min(addresses.size(), addresses_told);
  for (std::size_t i = 0; i < told; ++i) text += (i > 0 ? " or " : "") + addresses[i].to_string();
  return text + more(addresses.size(), told);
}

// What comes from an address that may not send is dropped without being counted, so of a bound pinhole nobody
// can tell more.
std::string silence_text(const CallLog::Way& way) {
  const std::string place = way.silent.address.to_string() + " port " + std::to_string(way.silent.port);
  if (way.from.empty()) return "nobody sent to " + place;
  return "nothing came to " + place + " from " + any_of(way.from) +
         "; anything sent there from another address was dropped";
}

// Where the party that was reached should have sent to, or else any address that nothing came to.
const CallLog::Way* silent_way(const CallLog& log, const CallLog::Call& call, const base::Address& reached) {
  const CallLog::Way* silent = nullptr;
  for (const auto& [address, way] : call.ways) {
    if (way.packets > 0 || log.is_uncounted(call, address)) continue;
    if (silent == nullptr || std::ranges::find(way.from, reached) != way.from.end()) silent = &way;
  }
  return silent;
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
  call.pinholes.push_back({change.key, change.cause});
  if (!call.told) {
    touched_.push_back(place->first);
    first_[place->first].push_back(change.key);
  }
  if (change.label.component != Component::rtcp) {
    const base::Address& to = change.key.destination.address;
    const auto [way, is_first] = call.ways.try_emplace(to);
    if (is_first) way->second.ends_here = own_media_ != nullptr && own_media_->sends(to);
    note_senders(way->second, change.from);
  }
  note_answer(call, change);
}

void CallLog::changed(const pinhole::Change& change, const pinhole::Label& label) {
  const auto place = calls_.find(label.call_id);
  if (place == calls_.end()) return;
  note_answer(place->second, change);
  const bool bound = change.kind == pinhole::Change::Kind::bind && label.component != Component::rtcp;
  if (bound) note_senders(place->second.ways[change.key.destination.address], change.from);
}

void CallLog::note_senders(Way& way, const std::vector<base::Address>& from) const {
  if (own_media_ == nullptr) return;
  for (const base::Address& source : from) {
    const bool own = own_media_->sends(source);
    way.others_send = way.others_send || !own;
    if (own && std::ranges::find(way.own_senders, source) == way.own_senders.end())
      way.own_senders.push_back(source);
  }
}

// Of media that anybody may send (media.source = "any") the sender is known where the call has but one.
void CallLog::note_counted(const Call& call) const {
  if (own_media_ == nullptr || call.ways.size() != 2) return;
  const auto& [one, way] = *call.ways.begin();
  const auto& [other, back] = *std::next(call.ways.begin());
  auto note = [&](const base::Address& to, const Way& reached, const base::Address& from) {
    const bool known = !reached.own_senders.empty() || reached.others_send;
    if (reached.packets > 0 && !known) own_media_->note_counted({base::Protocol::udp, {to, 0}}, from);
  };
  note(one, way, other);
  note(other, back, one);
}

// A pinhole that anybody may send to: then the senders are those who announced the other ends of the call.
bool CallLog::is_uncounted(const Call& call, const base::Address& address) const {
  if (call.nats.contains(address)) return true;
  if (own_media_ == nullptr) return false;
  const Way& way = call.ways.at(address);
  if (way.others_send) return false;
  if (!way.own_senders.empty()) return own_media_->is_unseen(way.own_senders);
  std::vector<base::Address> own;
  for (const auto& [other, back] : call.ways) {
    if (other != address && back.ends_here) own.push_back(other);
  }
  return own_media_->is_unseen(own);
}

void CallLog::note_answer(Call& call, const pinhole::Change& change) {
  const bool of_answered = change.timeout == established_ || change.timeout == held_;
  if (call.answered || (change.from.empty() && !of_answered)) return;
  call.answered = true;
  ++answered_;
}

void CallLog::closed(const pinhole::Change& change, const pinhole::Label& label, std::uint64_t packets,
                     bool lost) {
  const auto place = calls_.find(label.call_id);
  if (place == calls_.end()) return;
  Call& call = place->second;
  const auto pinhole = std::ranges::find(call.pinholes, change.key, &Pinhole::key);
  if (pinhole != call.pinholes.end()) call.pinholes.erase(pinhole);
  if (label.component != Component::rtcp) {
    Way& way = call.ways[change.key.destination.address];
    note_senders(way, change.from);
    way.packets += packets;
    way.lost = way.lost || lost;
    if (packets == 0) {
      way.silent = change.key.destination;
      way.from = change.from;
    }
  }
  call.ended = change.time;
  call.closed_by = change.cause;
  if (call.pinholes.empty()) touched_.push_back(place->first);
}

void CallLog::flush() {
  for (const std::string& call_id : touched_) {
    const auto place = calls_.find(call_id);
    if (place == calls_.end()) continue;
    Call& call = place->second;
    const bool begins = !call.told && first_.contains(call_id);
    if (begins && tells(call)) {
      call.told = true;
      write_opened(call_id, call);
    }
    if (!call.pinholes.empty()) continue;
    if (call.told || call.answered || ends_a_talk(call.closed_by)) {
      write_closed(call_id, call);
    } else {
      ++untold_;
    }
    if (call.answered) --answered_;
    calls_.erase(place);
  }
  touched_.clear();
  first_.clear();
}

bool CallLog::behind_nat(const pinhole::FarNat& nat) {
  const auto place = calls_.find(nat.call_id);
  if (place == calls_.end() || !place->second.answered) return false;
  auto& nats = place->second.nats;
  const bool known = std::ranges::any_of(nats, [&](const auto& other) { return other.second == nat.source; });
  if (nats.size() == base::limits::nats_per_call || !nats.emplace(nat.announced, nat.source).second)
    return false;
  if (known) return true;
  const std::string announced = nat.announced.to_string();
  const std::string source = nat.source.to_string();
  sink_("call " + escape(nat.call_id) + ": " + source + " announces " + announced +
            ", behind a NAT of its own: media comes back to it by connection tracking only",
        {{"CALL_ID", nat.call_id}, {"ADDRESS", announced}, {"SOURCE", source}, {"NAT", "yes"}});
  return true;
}

bool CallLog::tells(const Call& call) {
  if (call.answered) return true;
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(call.began - ration_since_).count();
  if (seconds > 0) {
    ration_ += static_cast<std::size_t>(seconds) * base::limits::unanswered_told_per_second;
    ration_ = std::min(ration_, base::limits::unanswered_told);
    ration_since_ = call.began;
  }
  if (rationed_ && ration_ < base::limits::unanswered_told / 10) return false;
  rationed_ = ration_ == 0;
  if (rationed_) return false;
  if (untold_ > 0)
    sink_(std::to_string(std::exchange(untold_, 0)) + " calls that nobody answered are not logged", {});
  --ration_;
  return true;
}

void CallLog::write_opened(const std::string& call_id, const Call& call) const {
  std::string text =
      "call " + escape(call_id) + " opened (" + std::string(name(call.opened_by)) + "): media to";
  const std::vector<pinhole::Key>& opened = first_.at(call_id);
  const std::size_t told = std::min(opened.size(), endpoints_told);
  for (std::size_t i = 0; i < told; ++i) text += (i > 0 ? ", " : " ") + to_string(opened[i].destination);
  const base::Endpoint& first = opened.front().destination;
  sink_(text + more(opened.size(), told), {{"CALL_ID", call_id},
                                           {"CAUSE", std::string(name(call.opened_by))},
                                           {"ADDRESS", first.address.to_string()},
                                           {"PORT", std::to_string(first.port)}});
}

// "2999 packets to 192.0.2.10, 2990 to 203.0.113.5"
// "2999 packets to 203.0.113.1; what this host sent to 203.0.113.5 is not counted"
std::string CallLog::media_text(const Call& call) const {
  std::string text;
  std::size_t told = 0;
  std::vector<base::Address> from_here;
  std::vector<base::Address> behind_nat;
  for (const auto& [address, way] : call.ways) {
    if (way.packets == 0 && is_uncounted(call, address)) {
      const auto nat = call.nats.find(address);
      std::vector<base::Address>& to = nat == call.nats.end() ? from_here : behind_nat;
      const base::Address& named = nat == call.nats.end() ? address : nat->second;
      if (std::ranges::find(to, named) == to.end()) to.push_back(named);
    } else if (told++ < addresses_told) {
      if (told > 1) text += ", ";
      text += std::to_string(way.packets) + (told == 1 ? " packets to " : " to ") + address.to_string();
    }
  }
  text += more(told, addresses_told);
  auto add = [&](const std::string& what) { text += (text.empty() ? "" : "; ") + what + " is not counted"; };
  if (!from_here.empty()) add("what this host sent to " + any_of(from_here));
  if (!behind_nat.empty()) add("what went back to " + any_of(behind_nat));
  return text;
}

void CallLog::write_closed(const std::string& call_id, const Call& call) const {
  note_counted(call);
  std::uint64_t packets = 0;
  bool lost = false;
  bool uncounted = false;
  std::size_t reached = 0;
  base::Address last_reached;
  for (const auto& [address, way] : call.ways) {
    packets += way.packets;
    lost = lost || way.lost;
    uncounted = uncounted || (way.packets == 0 && is_uncounted(call, address));
    if (way.packets == 0) continue;
    ++reached;
    last_reached = address;
  }
  const Way* silent = silent_way(*this, call, last_reached);
  const bool one_way = reached == 1 && silent != nullptr && !lost && ends_a_talk(call.closed_by);
  std::string text = "call " + escape(call_id) + " closed (" + std::string(name(call.closed_by)) +
                     ") after " + seconds_text(call.ended - call.began);
  const bool some = packets > 0 || lost || (uncounted && counts_);
  if (!some && counts_) text += ", no media";
  if (some) text += std::string(one_way ? ", one way only: " : ": ") + media_text(call);
  if (one_way) text += "; " + silence_text(*silent);
  if (lost) text += "; what elements had counted before a reload or a restart is missing";
  std::vector<log::Field> fields{{"CALL_ID", call_id}, {"CAUSE", std::string(name(call.closed_by))}};
  if (counts_) fields.push_back({"PACKETS", std::to_string(packets)});
  if (lost) fields.push_back({"COUNTS_LOST", "yes"});
  if (one_way) {
    fields.push_back({"ONE_WAY", "yes"});
    if (!silent->from.empty()) fields.push_back({"SILENT", silent->from.front().to_string()});
  }
  sink_(text, fields);
}

}  // namespace dpinholer::system
