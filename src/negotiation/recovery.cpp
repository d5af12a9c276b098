// SPDX-License-Identifier: GPL-2.0-or-later
// Calls that a daemon before this one knew. All that is left of them is what they had open: which parties
// send and receive, but neither tags, nor legs, nor who offered.
//
//   request in a dialog         between two of the parties: its dialog is known from here on; that its
//                               tags are the right ones shows when it is accepted
//   answer, nothing was bound   the request that it answers counts as seen (calls.md section 5); what is open
//                               stands for the offer
//   answer, something was       the same, between two of the parties only, in a dialog that is not known yet
//   BYE accepted                within 32 s of the start: the BYE was seen by the other daemon
//   provisional response        prolongs, as it does for an INVITE
//   failure                     nothing: without the request nobody can tell who may refuse it
//
// What is open stays until every dialog that is known is over, or has agreed anew.
#include <algorithm>
#include <tuple>
#include <utility>

#include "base/limits.h"
#include "negotiation/turn.h"

namespace dpinholer::negotiation {

namespace limits = base::limits;
using message::Candidate;
using message::Connection;
using message::MediaDescription;
using message::Method;
using message::Profile;
using message::SessionDescription;
using message::Setup;
using message::SipMessage;

namespace {

constexpr std::size_t session = index(Disposition::session);

bool contains(const std::vector<base::Address>& addresses, const base::Address& address) {
  return std::find(addresses.begin(), addresses.end(), address) != addresses.end();
}

// Where the offerer may receive, as the grants tell it: those that nobody is bound to yet, and those that let
// the answerer in. Each is taken once.
class OfferedTransports {
 public:
  OfferedTransports(const Grants& grants, const base::Address& answerer) {
    for (const Grant& grant : grants) {
      if (grant.bound && !contains(grant.senders, answerer)) continue;
      for (const Transport& transport : grant.to) left_.push_back({grant.bound, grant.media, transport});
    }
    // What a re-INVITE offered last comes before what was agreed on until then.
    auto order = [](const Place& place) {
      return std::tie(place.bound, place.transport.address, place.transport.port);
    };
    std::sort(left_.begin(), left_.end(),
              [&](const Place& a, const Place& b) { return order(a) < order(b); });
  }

  bool holds(const base::Address& address, std::uint32_t port) const {
    return std::any_of(left_.begin(), left_.end(), [&](const Place& place) {
      return place.transport.address == address && place.transport.port == port;
    });
  }

  template <typename Condition>
  std::optional<Transport> take(Media media, Condition condition) {
    const auto found = std::find_if(left_.begin(), left_.end(), [&](const Place& place) {
      return place.media == media && condition(place.transport);
    });
    if (found == left_.end()) return std::nullopt;
    const Transport transport = found->transport;
    left_.erase(found);
    return transport;
  }

 private:
  struct Place {
    bool bound;
    Media media;
    Transport transport;
  };
  std::vector<Place> left_;
};

// What an m-line must have offered for that answer to be given to it, and for those transports to be open.
MediaDescription lost_section(const MediaDescription& answering, OfferedTransports& open) {
  MediaDescription section = answering;
  section.connection = {};
  section.port = 0;
  section.port_count = 1;
  section.rtcp.reset();
  section.candidates.clear();
  section.silent.clear();
  section.setup = answering.setup == Setup::active ? Setup::actpass : Setup::active;
  const Media media = media_of(answering.media);
  const auto own = open.take(media, [](const Transport& t) { return t.component != Component::rtcp; });
  if (!own) return section;
  section.connection.kind = Connection::Kind::address;
  section.connection.address = own->address;
  section.port = own->port;
  if (section.profile == Profile::rtp) {
    auto rtcp = open.take(media, [&](const Transport& t) {
      return t.component == Component::rtcp && t.address == own->address && t.port == own->port + 1;
    });
    if (!rtcp && !answering.ice) {
      rtcp = open.take(media, [](const Transport& t) { return t.component == Component::rtcp; });
      if (rtcp) section.rtcp = message::RtcpAttribute{rtcp->port, rtcp->address};
    }
    section.rtcp_mux_only = !rtcp;
  }
  while (answering.ice) {
    const auto more = open.take(media, [](const Transport&) { return true; });
    if (!more) break;
    Candidate candidate;
    candidate.protocol = more->protocol;
    if (more->protocol == base::Protocol::tcp) candidate.tcp_type = Candidate::TcpType::passive;
    candidate.component = more->component == Component::rtcp ? 2 : 1;
    candidate.port = more->port;
    candidate.address = more->address;
    section.candidates.push_back(candidate);
    section.rtcp_mux_only = section.rtcp_mux_only && candidate.component == 1;
  }
  return section;
}

// Whoever describes what is open already says his own offer again.
bool is_said_again(const SessionDescription& description, const OfferedTransports& open) {
  return std::any_of(description.media.begin(), description.media.end(),
                     [&](const MediaDescription& section) {
                       return section.port != 0 && section.connection.kind == Connection::Kind::address &&
                              open.holds(section.connection.address, section.port);
                     });
}

std::shared_ptr<const Announcement> lost_offer(const Grants& grants, const SessionDescription& answer,
                                               const base::Address& offerer, const base::Address& answerer) {
  OfferedTransports open(grants, answerer);
  if (is_said_again(answer, open)) return nullptr;
  auto offer = std::make_shared<Announcement>();
  offer->origin.address = offerer;
  offer->description.bundles = answer.bundles;
  for (const MediaDescription& section : answer.media)
    offer->description.media.push_back(lost_section(section, open));
  return offer;
}

bool may_carry_answer(const SipMessage& response) {
  if (response.status >= 300 || response.status == 100) return false;
  return response.method == Method::invite || response.method == Method::update ||
         response.method == Method::prack;
}

}  // namespace

void Turn::recover() {
  changed(Cause::recovered, Cause::replaced, false);
}

bool Turn::is_between_parties(const Leg& pair) const {
  auto is_party = [&](const base::Address& address) {
    const Grants& grants = call_.recovered->grants;
    return std::any_of(grants.begin(), grants.end(), [&](const Grant& grant) {
      return grant.to.front().address == address || contains(grant.senders, address);
    });
  };
  return is_party(pair.caller) && is_party(pair.callee);
}

// Which of the parties was the caller nobody needs to know: who speaks first after the start is. Guesses of
// tags push out each other, and nothing else.
Dialog* Turn::resume_dialog(const SipMessage& message, const Leg& pair) {
  const auto leg = leg_for(pair, true);
  if (!leg) return nullptr;
  Dialog dialog;
  dialog.leg = *leg;
  dialog.caller_tag = message.from_tag;
  dialog.callee_tag = message.to_tag;
  dialog.state = Dialog::State::confirmed;
  dialog.proven = false;
  auto is_guess = [](const Dialog& d) { return !d.proven; };
  auto& dialogs = call_.dialogs;
  if (std::count_if(dialogs.begin(), dialogs.end(), is_guess) >= limits::unproven_dialogs_per_call)
    dialogs.erase(std::find_if(dialogs.begin(), dialogs.end(), is_guess));
  return add_dialog(std::move(dialog));
}

bool Turn::resume_by_request(const SipMessage& message, const Leg& pair) {
  if (!is_open(call_.recovered) || message.to_tag.empty()) return false;
  const bool answers = message.method == Method::ack && message.session && !call_.recovered->answered;
  const bool asks =
      message.method == Method::bye || message.method == Method::invite || message.method == Method::update;
  if (!answers && !(asks && call_.recovered->answered && is_between_parties(pair))) return false;
  Dialog* dialog = resume_dialog(message, pair);
  if (dialog == nullptr || !answers) return dialog != nullptr;
  // The offer came in the 2xx that this acknowledges.
  const auto offer = lost_offer(call_.recovered->grants, *message.session, pair.callee, pair.caller);
  Transaction* invite = offer ? stand_in(message, pair) : nullptr;
  if (invite == nullptr) return true;
  invite->method = Method::invite;
  linger(*invite, Transaction::State::succeeded);
  Exchange& exchange = dialog->negotiations[session].exchanges.emplace_back();
  exchange.transaction = invite->id;
  exchange.offerer = Party::callee;
  exchange.answer_in = AnswerIn::ack;
  exchange.offer = offer;
  return true;
}

// The request that this is a response to, as if it had been seen; none when that would be to believe a
// stranger.
Transaction* Turn::resume_by_response(const SipMessage& message, const Leg& pair) {
  if (!is_open(call_.recovered)) return nullptr;
  Recovered& recovered = *call_.recovered;
  if (message.method == Method::bye) {
    const bool begun_before = message.is_success() && now_ - call_.started <= settings_.terminating;
    const bool known = sender_of_request(message.from_tag, message.to_tag).has_value();
    if (recovered.answered && begun_before && !known && is_between_parties(pair)) {
      const Grants closed = recovered.grants;
      end(Cause::bye);
      keep_tail(closed);
    }
    return nullptr;
  }
  if (!may_carry_answer(message)) return nullptr;
  if (!recovered.answered && message.method != Method::invite) return nullptr;
  if (recovered.answered && !is_between_parties(pair)) return nullptr;
  if (sender_of_request(message.from_tag, message.to_tag)) return nullptr;  // its requests are all known
  if (!message.session) {
    recovered.deadline = now_ + settings_.early;
    recovered.answered = recovered.answered || message.is_success();
    return nullptr;
  }
  auto offer = lost_offer(recovered.grants, *message.session, pair.caller, pair.callee);
  if (!offer) return nullptr;
  Transaction* transaction = stand_in(message, pair);
  if (transaction == nullptr) return nullptr;
  transaction->has_offer[session] = true;
  if (!recovered.answered) {
    transaction->to_tag.clear();
    transaction->offer[session] = offer;
    transaction->offer_grants[session] = std::move(recovered.grants);
    drop_recovered();
    return transaction;
  }
  Dialog* dialog = resume_dialog(message, pair);
  if (dialog == nullptr) return nullptr;
  Exchange& exchange = dialog->negotiations[session].exchanges.emplace_back();
  exchange.transaction = transaction->id;
  exchange.offer = std::move(offer);
  return transaction;
}

Transaction* Turn::stand_in(const SipMessage& message, const Leg& pair) {
  const auto leg = leg_for(pair, true);
  return leg ? begin(message, Party::caller, pair, leg) : nullptr;
}

// The hash stays as long as the call has no other name.
void Turn::drop_recovered() {
  if (!call_.recovered) return;
  call_.recovered->grants.clear();
  if (!call_.recovered->call_hash) call_.recovered.reset();
}

// The other party went along with what this dialog did.
void Turn::prove(Dialog& dialog) {
  if (dialog.proven) return;
  dialog.proven = true;
  if (call_.recovered) call_.recovered->met = true;
}

// True when what was found open is not needed any more.
bool Turn::release_recovered() {
  if (!is_open(call_.recovered) || !call_.recovered->met) return false;
  for (const Dialog& dialog : call_.dialogs) {
    if (!dialog.is_live() || !dialog.proven || !call_.legs[dialog.leg].own) continue;
    const Negotiation& negotiation = dialog.negotiations[session];
    if (!negotiation.answered || !negotiation.exchanges.empty()) return false;
  }
  if (changed_ && update_.closed == Cause::bye) keep_tail(call_.recovered->grants);
  drop_recovered();
  return true;
}

}  // namespace dpinholer::negotiation
