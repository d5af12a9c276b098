// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/limits.h"
#include "base/time.h"
#include "pinhole/far_nat.h"
#include "pinhole/own_media.h"
#include "pinhole/pinhole.h"
#include "system/log.h"

namespace dpinholer::system {

/// One line for each call that is opened and each that is closed, with what passed in each direction. A call
/// is one as long as it has a pinhole. Of calls that nobody answers only so many are told (base/limits.h).
class CallLog {
 public:
  /// Takes a finished line.
  using Sink = std::function<void(const std::string& text, const std::vector<log::Field>& fields)>;

  /// `counts`: whether it is told how many packets passed; if not, its lines say nothing about media.
  /// `established` and `held`: how long elements of answered calls live. `own`: must live longer; null: this
  /// host sends no media.
  explicit CallLog(Sink sink, bool counts = true, base::seconds established = base::seconds{300},
                   base::seconds held = base::seconds{3600}, pinhole::OwnMedia* own = nullptr)
      : sink_(std::move(sink)), counts_(counts), established_(established), held_(held), own_media_(own) {}

  void set_established(base::seconds established, base::seconds held) {
    established_ = established;
    held_ = held;
  }

  void opened(const pinhole::Change& change);
  /// It was bound or refreshed. `label`: as below.
  void changed(const pinhole::Change& change, const pinhole::Label& label);
  /// `label`: of whoever opened the pinhole, as `opened` was told; `packets` passed through it, or more where
  /// counts are `lost`.
  void closed(const pinhole::Change& change, const pinhole::Label& label, std::uint64_t packets,
              bool lost = false);

  /// A party of an answered call is behind a NAT of its own: writes a line, for the first of its addresses.
  /// False, and nothing is written, where the address is known, or the call is not.
  bool behind_nat(const pinhole::FarNat& nat);

  /// Writes the lines of what was told since the last time.
  void flush();

  /// What is known of a call that has a pinhole.
  struct Pinhole {
    pinhole::Key key;
    pinhole::Cause cause = pinhole::Cause::offer;  ///< why it opened
  };
  /// Media toward one address, but for RTCP.
  struct Way {
    std::uint64_t packets = 0;  ///< through pinholes that are closed
    bool lost = false;          ///< or more: counts of theirs are lost
    /// A pinhole through which not one came, and who might have sent; empty: anybody.
    base::Endpoint silent;
    std::vector<base::Address> from;
    /// Of those who may send, as far as they are known: this host's addresses, and whether others may.
    std::vector<base::Address> own_senders;
    bool others_send = false;
    bool ends_here = false;  ///< it leads to an address of this host
  };
  struct Call {
    base::TimePoint began;
    base::TimePoint ended;
    pinhole::Cause opened_by = pinhole::Cause::offer;
    pinhole::Cause closed_by = pinhole::Cause::bye;
    std::vector<Pinhole> pinholes;  ///< open ones
    std::map<base::Address, Way> ways;
    /// Addresses behind a NAT that is not this gateway's, and the public ones that stand for them.
    std::map<base::Address, base::Address> nats;
    /// Something of it was bound to a peer, or lives as long as what is: then an answer was seen.
    bool answered = false;
    bool told = false;  ///< its opening line is written
  };
  using Calls = std::map<std::string, Call>;
  const Calls& calls() const { return calls_; }
  std::size_t answered() const { return answered_; }  ///< of them
  /// Whether no pinhole counts what goes to that address of a call: only this host sends there, past the
  /// rules; or it is behind a NAT.
  bool is_uncounted(const Call& call, const base::Address& address) const;

 private:
  void note_answer(Call& call, const pinhole::Change& change);
  void note_senders(Way& way, const std::vector<base::Address>& from) const;
  void note_counted(const Call& call) const;
  std::string media_text(const Call& call) const;
  // Whether what a call has to tell is written; draws from the ration where nobody answered.
  bool tells(const Call& call);
  void write_opened(const std::string& call_id, const Call& call) const;
  void write_closed(const std::string& call_id, const Call& call) const;

  Sink sink_;
  bool counts_;
  base::seconds established_;
  base::seconds held_;
  pinhole::OwnMedia* own_media_;
  std::size_t answered_ = 0;
  Calls calls_;
  std::vector<std::string> touched_;
  std::size_t ration_ = base::limits::unanswered_told;  // calls that may be told
  bool rationed_ = false;
  base::TimePoint ration_since_{};
  std::size_t untold_ = 0;
  std::map<std::string, std::vector<pinhole::Key>> first_;  // of the opening lines that are not written
};

}  // namespace dpinholer::system
