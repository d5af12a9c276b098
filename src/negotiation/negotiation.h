// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "negotiation/agreement.h"
#include "negotiation/media.h"

/// Offers and answers of one dialog (RFC 3264): plain values. What happens to them stands in turn.h.
namespace dpinholer::negotiation {

enum class Party : std::uint8_t { caller, callee };

inline Party other(Party party) {
  return party == Party::caller ? Party::callee : Party::caller;
}

/// A session description is for the session or for an early session (RFC 3959): two negotiations, side by
/// side in one dialog.
enum class Disposition : std::uint8_t { session, early_session };
inline constexpr std::array dispositions{Disposition::session, Disposition::early_session};

template <typename T>
using PerDisposition = std::array<T, dispositions.size()>;

constexpr std::size_t index(Disposition disposition) {
  return static_cast<std::size_t>(disposition);
}

using TransactionId = std::uint32_t;

/// Where the answer to an offer is to be found (RFC 6337 table 1).
enum class AnswerIn : std::uint8_t { response, ack, prack };

/// An offer inside a dialog that has no final answer yet.
struct Exchange {
  TransactionId transaction = 0;  ///< of the request that carried the offer, or was answered by it
  Party offerer = Party::caller;
  AnswerIn answer_in = AnswerIn::response;
  std::shared_ptr<const Announcement> offer;
  Grants grants;  ///< toward the offerer, open to anybody: what the session does not have open already
  /// Answered before the final response: stands beside the session, which a refusal leaves as it was.
  std::optional<Agreement> provisional;
  /// Its INVITE had no final response in time: closed, and opens when the answer comes after all.
  bool dormant = false;
  /// Answered, but on another address pair than the dialog's: an answer on its own pair still counts. A
  /// stranger's answer is in `provisional`.
  bool answered_elsewhere = false;

  /// Nobody answered it but a stranger, if anybody: his answer takes nothing from the parties.
  bool offer_stands() const { return provisional.has_value() == answered_elsewhere; }
};

/// One negotiation of a dialog: what was agreed last, and what is under way.
struct Negotiation {
  Grants toward_caller;
  Grants toward_callee;
  std::vector<Exchange> exchanges;
  bool answered = false;
  bool held = false;  ///< what was agreed last lets no media flow (Agreement::held)
  /// Settled by an exchange of its own: what responses to the INVITE say about its offer is old.
  bool past_invite = false;

  Grants& toward(Party party) { return party == Party::caller ? toward_caller : toward_callee; }
  const Grants& toward(Party party) const { return party == Party::caller ? toward_caller : toward_callee; }
};

/// The negotiations of a dialog. That of the early session is rare, and takes no room until it is used.
class Negotiations {
 public:
  Negotiation& operator[](std::size_t disposition) {
    if (disposition == index(Disposition::session)) return session_;
    if (!early_) early_ = std::make_unique<Negotiation>();
    return *early_;
  }
  const Negotiation& operator[](std::size_t disposition) const {
    static const Negotiation none;
    if (disposition == index(Disposition::session)) return session_;
    return early_ ? *early_ : none;
  }
  void end_early() { early_.reset(); }

  template <typename Visit>
  void for_each(Visit visit) {
    visit(session_);
    if (early_) visit(*early_);
  }
  template <typename Visit>
  void for_each(Visit visit) const {
    visit(session_);
    if (early_) visit(std::as_const(*early_));
  }

 private:
  Negotiation session_;
  std::unique_ptr<Negotiation> early_;
};

}  // namespace dpinholer::negotiation
