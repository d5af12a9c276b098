// SPDX-License-Identifier: GPL-2.0-or-later
// INFO with a trickle ICE fragment (RFC 8840): candidates for what its sender offered or answered. Each
// repeats what went before, so that only what is new is announced; what is over a bound is refused as a
// whole. Which generation of candidates (ice-ufrag) a fragment is for is not looked at: it counts for all
// that its sender has open or offered.
#include <algorithm>

#include "negotiation/turn.h"

namespace dpinholer::negotiation {

using message::Method;
using message::SipMessage;

namespace {

constexpr std::size_t session = index(Disposition::session);

// Adds one fragment to offers and sessions, each within its bound.
class Joiner {
 public:
  Joiner(const Announcement& fragment, const Settings& settings) : fragment_(fragment), settings_(settings) {}

  bool offer(std::shared_ptr<const Announcement>& offer) {
    Announcement more = *offer;
    if (!add_candidates(more, fragment_)) return false;
    if (!within(most_pinholes(more.description))) return false;
    offer = std::make_shared<Announcement>(std::move(more));
    return added_ = true;
  }

  // Pinholes toward the sender, and those toward its peer, which the sender's addresses may use.
  void session(Grants& toward, Grants& from) {
    Grants more_toward = toward;
    Grants more_from = from;
    if (!add_candidates(more_toward, more_from, fragment_, settings_)) return;
    if (!within(announced_count(more_toward) + announced_count(more_from))) return;
    toward = std::move(more_toward);
    from = std::move(more_from);
    added_ = true;
  }

  bool added() const { return added_; }
  bool over_limit() const { return over_limit_; }

 private:
  bool within(std::size_t count) {
    over_limit_ |= count > settings_.pinholes_per_call;
    return count <= settings_.pinholes_per_call;
  }

  const Announcement& fragment_;
  const Settings& settings_;
  bool added_ = false;
  bool over_limit_ = false;
};

// Whether a party that sends SIP from `address` announced it for media, too: it uses no proxy then.
bool announces(const Grants& grants, const base::Address& address) {
  return std::any_of(grants.begin(), grants.end(), [&](const Grant& grant) {
    return std::any_of(grant.to.begin(), grant.to.end(), [&](const Transport& transport) {
      return !transport.named && !transport.elsewhere && transport.address == address;
    });
  });
}

}  // namespace

// Whether that INVITE's offer is still to be answered, and the sender's own.
bool Turn::is_offer_of(const Transaction& invite, Party sender, const base::Address& source,
                       const Targets& found) const {
  if (!invite.initial_invite() || invite.state != Transaction::State::proceeding) return false;
  if (sender != Party::caller || !invite.offer[session] || invite.offer[session]->origin.address != source)
    return false;
  return std::any_of(found.begin(), found.end(),
                     [&](const Dialog* dialog) { return dialog->invite == invite.id; });
}

void Turn::trickle(const SipMessage& message, Party sender, const Leg& pair) {
  if (!message.ice_fragment) return;
  bool known_pair = false;
  const Targets found = targets(sender, message.from_tag, message.to_tag, pair, known_pair);
  if (found.empty()) return;
  const base::Address& source = end_of(pair, sender);
  // A stranger who learned the tags opens nothing.
  const bool believed = known_pair || speaks_for_call(source) ||
                        std::any_of(found.begin(), found.end(), [&](const Dialog* dialog) {
                          return announces(dialog->negotiations[session].toward(sender), source);
                        });
  if (!believed) return refuse(*message.ice_fragment, Cause::no_request);
  const auto fragment = admit(message.ice_fragment);
  if (!fragment) return;

  Grants announced = offered(*fragment, settings_);
  forget_known(announced);
  Joiner joiner(*fragment, settings_);
  for (Transaction& transaction : call_.transactions) {
    if (is_offer_of(transaction, sender, source, found) && joiner.offer(transaction.offer[session]))
      transaction.offer_grants[session] = offered(*transaction.offer[session], settings_);
  }
  for (Dialog* dialog : found) {
    Negotiation& negotiation = dialog->negotiations[session];
    joiner.session(negotiation.toward(sender), negotiation.toward(other(sender)));
    for (Exchange& exchange : negotiation.exchanges) {
      if (exchange.provisional) {
        Agreement& agreed = *exchange.provisional;
        const bool by_offerer = exchange.offerer == sender;
        joiner.session(by_offerer ? agreed.toward_offerer : agreed.toward_answerer,
                       by_offerer ? agreed.toward_answerer : agreed.toward_offerer);
      }
      const bool own = exchange.offerer == sender && exchange.offer->origin.address == source;
      if (own && joiner.offer(exchange.offer))
        exchange.grants = not_yet_open(*dialog, Disposition::session, sender, *exchange.offer);
    }
  }
  if (joiner.over_limit()) refuse(*message.ice_fragment, Cause::limit);
  if (!joiner.added()) return;
  announce(announced, *fragment);
  changed(Cause::candidate, Cause::replaced, true);
}

}  // namespace dpinholer::negotiation
