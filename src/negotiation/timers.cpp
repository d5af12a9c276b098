// SPDX-License-Identifier: GPL-2.0-or-later
// The timers of a call, with the moment at which each is due:
//
//   transaction  INVITE, or offer, unanswered:  last request or provisional response + timeouts.early
//                                               (answered, not confirmed: last media + timeouts.early)
//                INVITE remembered after that:  its timeout + limits::late_answer_seconds
//                other request unanswered:      request + timeouts.terminating         (Timer F, 64*T1)
//                final response seen:           final response + timeouts.terminating + T4
//   cancel       INVITE cancelled:              CANCEL + timeouts.terminating          (RFC 3261 9.1)
//   fork         sibling dialog answered:       its 2xx + timeouts.terminating         (RFC 3261 13.2.2.4)
//   session      Session-Expires:               2xx + its value                        (RFC 4028)
//   removal      dialog terminated:             end + timeouts.terminating
//   tail         a BYE closed it:               end of its dialog + timeouts.grace
//   idle         confirmed call silent:         last message in a dialog or media + timeouts.media-idle
//                (no media is to flow:          the same + timeouts.held)
//   recovered    found open, unanswered:        start, or provisional response + timeouts.early
//   max_call     call too long:                 first request + timeouts.max-call
//   closed       closed by the operator:        last message + limits::closed_call_seconds
//   refresh      anything open:                 every half of the shortest element timeout
#include <algorithm>

#include "base/limits.h"
#include "negotiation/turn.h"

namespace dpinholer::negotiation {

namespace limits = base::limits;
using message::Method;

namespace {

// A stranger's confirmed dialog does not make an established call of one that rings.
bool is_established(const Call& call) {
  if (is_open(call.recovered) && call.recovered->answered) return true;
  const bool strangers_count = !parties_go_on(call);
  return std::any_of(call.dialogs.begin(), call.dialogs.end(), [&](const Dialog& dialog) {
    return dialog.state == Dialog::State::confirmed && (strangers_count || call.legs[dialog.leg].own);
  });
}

// Whether all that its dialogs have agreed on last is that no media flows; those count that make it an
// established call.
bool is_held(const Call& call) {
  bool held = is_open(call.recovered) && call.recovered->answered;
  if (held && !call.recovered->held) return false;
  const bool strangers_count = !parties_go_on(call);
  for (const Dialog& dialog : call.dialogs) {
    const bool counts =
        dialog.state == Dialog::State::confirmed && (strangers_count || call.legs[dialog.leg].own);
    const Negotiation& negotiation = dialog.negotiations[index(Disposition::session)];
    if (!counts || !negotiation.answered) continue;
    if (!negotiation.held) return false;
    held = true;
  }
  return held;
}

bool answered_early(const Call& call, const Transaction& transaction) {
  if (!transaction.initial_invite() || transaction.state != Transaction::State::proceeding) return false;
  return std::any_of(call.dialogs.begin(), call.dialogs.end(), [&](const Dialog& dialog) {
    return dialog.invite == transaction.id && dialog.state == Dialog::State::early &&
           dialog.negotiations[index(Disposition::session)].answered;
  });
}

base::TimePoint transaction_due(const Call& call, const Transaction& transaction, const Settings& settings) {
  if (!answered_early(call, transaction)) return transaction.deadline;
  return std::max(transaction.deadline, call.last_media + settings.early);
}

}  // namespace

base::Duration refresh_interval(const Settings& settings) {
  return base::Duration{std::min({settings.early, settings.media_idle, settings.held})} / 2;
}

Timer next_timer(const Call& call, const Settings& settings) {
  if (call.closed_until) return {Timer::Kind::closed, *call.closed_until, 0};
  Timer next{Timer::Kind::refresh, call.refresh_due, 0};
  auto consider = [&](Timer::Kind kind, base::TimePoint due, std::size_t at) {
    if (due < next.due) next = {kind, due, at};
  };
  for (std::size_t i = 0; i < call.transactions.size(); ++i) {
    const Transaction& transaction = call.transactions[i];
    consider(Timer::Kind::transaction, transaction_due(call, transaction, settings), i);
    if (transaction.cancel_deadline) consider(Timer::Kind::cancel, *transaction.cancel_deadline, i);
  }
  for (std::size_t i = 0; i < call.dialogs.size(); ++i) {
    const Dialog& dialog = call.dialogs[i];
    if (dialog.fork_deadline) consider(Timer::Kind::fork, *dialog.fork_deadline, i);
    if (dialog.session_deadline) consider(Timer::Kind::session, *dialog.session_deadline, i);
    if (dialog.removal) consider(Timer::Kind::removal, *dialog.removal, i);
  }
  for (std::size_t i = 0; i < call.tails.size(); ++i) consider(Timer::Kind::tail, call.tails[i].until, i);
  if (is_open(call.recovered) && !call.recovered->answered)
    consider(Timer::Kind::recovered, call.recovered->deadline, 0);
  if (is_established(call)) {
    const base::seconds silence = is_held(call) ? settings.held : settings.media_idle;
    consider(Timer::Kind::idle, std::max(call.last_message, call.last_media) + silence, 0);
  }
  if (settings.max_call.count() > 0) consider(Timer::Kind::max_call, call.started + settings.max_call, 0);
  return next;
}

bool media_matters(const Call& call, const Timer& timer) {
  if (timer.kind == Timer::Kind::idle) return true;
  return timer.kind == Timer::Kind::transaction && answered_early(call, call.transactions[timer.index]);
}

void Turn::timer(const Timer& timer) {
  now_ = timer.due;
  switch (timer.kind) {
    case Timer::Kind::transaction:
      return transaction_timer(timer.index);
    case Timer::Kind::cancel:
      return abandon(call_.transactions[timer.index], Cause::cancelled);
    case Timer::Kind::fork:
      drop_dialog(timer.index);
      return changed(Cause::answer, Cause::fork, false);
    case Timer::Kind::session:
      drop_dialog(timer.index);
      return changed(Cause::answer, Cause::session_expired, false);
    case Timer::Kind::removal:
      return drop_dialog(timer.index);
    case Timer::Kind::tail:
      call_.tails.erase(call_.tails.begin() + static_cast<std::ptrdiff_t>(timer.index));
      return changed(Cause::answer, Cause::bye, false);
    case Timer::Kind::recovered:
      drop_recovered();
      return changed(Cause::answer, Cause::early_timeout, false);
    case Timer::Kind::closed:
      call_.closed_until.reset();
      return;
    case Timer::Kind::idle:
      return end(Cause::idle);
    case Timer::Kind::max_call:
      return end(Cause::session_expired);
    case Timer::Kind::refresh:
      call_.refresh_due = now_ + refresh_interval(settings_);
      refresh_ = true;
      return;
  }
}

void Turn::transaction_timer(std::size_t at) {
  Transaction& transaction = call_.transactions[at];
  if (transaction.state == Transaction::State::proceeding) {
    if (transaction.method == Method::bye) {
      // On a way that its dialog did not take before an unanswered BYE proves nothing.
      if (transaction.leg) {
        for (Dialog* dialog : targets(transaction)) {
          prove(*dialog);  // that other party of a recovered call is gone
          end_by_bye(*dialog);
        }
        changed(Cause::answer, Cause::bye, false);
      }
    } else if (may_be_late(transaction)) {
      return keep_for_late_answer(transaction);
    } else {
      return abandon(transaction, Cause::early_timeout);
    }
  } else if (has_exchange(transaction.id) || wants_offer(call_, transaction, Disposition::session)) {
    changed(Cause::answer, Cause::early_timeout, false);
  }
  forget(at);
}

// A phone that rings for long may answer yet. A re-INVITE on an address pair on which the parties never
// agreed on anything may be a stranger's.
bool Turn::may_be_late(const Transaction& transaction) {
  if (transaction.method != Method::invite) return false;
  if (!transaction.initial_invite()) {
    bool known_pair = false;
    const Targets found = targets(transaction.sender, transaction.from_tag, transaction.to_tag,
                                  transaction.pair, known_pair);
    return !transaction.dormant && known_pair && !found.empty();
  }
  return !transaction.dormant ||
         std::any_of(call_.dialogs.begin(), call_.dialogs.end(), [&](const Dialog& dialog) {
           return dialog.invite == transaction.id && dialog.state == Dialog::State::early && !dialog.dormant;
         });
}

void Turn::keep_for_late_answer(Transaction& transaction) {
  transaction.dormant = true;
  transaction.deadline = now_ + base::seconds{limits::late_answer_seconds};
  for (Dialog& dialog : call_.dialogs) {
    if (dialog.invite == transaction.id && dialog.state == Dialog::State::early) dialog.dormant = true;
    dialog.negotiations.for_each([&](Negotiation& negotiation) {
      for (Exchange& exchange : negotiation.exchanges)
        exchange.dormant |= exchange.transaction == transaction.id;
    });
  }
  changed(Cause::answer, Cause::early_timeout, false);
}

// With the transaction goes all that is only needed until the last copy of a message has come: an established
// call lives long, and there may be a hundred thousand of them.
void Turn::forget(std::size_t at) {
  const TransactionId id = call_.transactions[at].id;
  if (call_.transactions[at].state == Transaction::State::succeeded) accept_strangers_answers(id);
  drop_exchanges(id);
  call_.transactions.erase(call_.transactions.begin() + static_cast<std::ptrdiff_t>(at));
  if (call_.transactions.empty()) call_.transactions.shrink_to_fit();
  for (Dialog& dialog : call_.dialogs) {
    if (dialog.invite == id) dialog.last_response = {};
  }
}

// A request that nobody answered takes back what it opened.
void Turn::abandon(Transaction& transaction, Cause cause) {
  if (transaction.initial_invite()) return fail_invite(transaction, cause);
  drop_exchanges(transaction.id);
  linger(transaction, Transaction::State::failed);
  changed(Cause::answer, cause, false);
}

void Turn::drop_dialog(std::size_t at) {
  if (call_.dialogs[at].is_live()) end_dialog(call_.dialogs[at]);
  call_.dialogs.erase(call_.dialogs.begin() + static_cast<std::ptrdiff_t>(at));
}

void Turn::end(Cause cause) {
  call_.dialogs.clear();
  call_.transactions.clear();
  call_.tails.clear();
  drop_recovered();
  changed(Cause::answer, cause, false);
}

}  // namespace dpinholer::negotiation
