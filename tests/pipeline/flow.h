// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "pipeline.h"

namespace dpinholer::test {

/// Call flows as text, messages in and what they did to the pinholes beneath:
///
///   alice > bob    INVITE a [audio 30000]
///       open alice:30000-30001 any 180 offer
///   bob > alice    180 INVITE b
///   bob > alice    200 INVITE b [audio 40000]
///       bind alice:30000-30001 bob 300 answer
///       open bob:40000-40001 alice 300 answer
///   alice > bob    ACK a b
///
/// line     = comment / message / wait / restart / close / media / outcome
/// comment  = "#" text
/// message  = host 1*(">" host) (method from-tag [to-tag] / status method [to-tag]) *option *body
///            Every hop of the way is a packet of its own; only those that cross the gateway are written.
/// option   = "call=" text         Call-ID; absent: 1
///          / "rel=" number        a reliable provisional response with that RSeq (RFC 3262)
///          / "rack=" number       of a PRACK; absent: 1
///          / "expires=" number    Session-Expires (RFC 4028)
///          / "cseq=" number       absent: the next one of its sender, or that of the INVITE
///          / "#" text             a name for the request, and on a response which request it answers;
///          absent:
///                                 the last of that method on that way
/// body     = ["early" / "ice"] "[" [media *("," media)] "]"
///            early: Content-Disposition early-session (RFC 3959); ice: a trickle ICE fragment (RFC 8840).
///            One for all hops, or one for each.
/// media    = type port ["@" host] *(profile / attribute)
///            Profile: with a slash; absent: RTP/AVP. Attribute: its "_" stand for blanks. "session:" before
///            an attribute puts it at session level. Without host: that of the first hop.
/// wait     = "wait" seconds
/// restart  = "restart"           another daemon goes on with what the one before it had open
/// close    = "operator closes" Call-ID      as after "call="; outcome: also "not found"
/// media    = host "~>" host ":" port        outcome: "passes" or "dropped"
/// outcome  = what replay tells (interface.md), with names for addresses; ports in a row are one line,
/// "audio"
///            and components are left out; after a wait each line begins with "@" and its time.
///
/// Via branches and CSeq numbers are those that RFC 3261 wants: a new branch for each request and hop, that
/// of the INVITE for CANCEL and for the ACK of a failure.
struct FlowOptions {
  PipelineSettings settings = {};
  bool check_late_copies = true;  ///< see below; false where state is given up: for want of room, by a restart
  bool check_stranger = true;     ///< see below; false where an answer is believed whose request was not seen
  bool check_closed = true;       ///< see below; false where a restart forgot what before-answer did not open
  bool tags_matter = true;        ///< false where a restart forgot them: strangers then don't get to guess them
};

/// Plays a flow and compares. Then, whatever the flow is about:
/// - late copies of all its messages change nothing;
/// - left alone, nothing stays open and nothing of its calls stays in memory;
/// - with every message doubled the outcome is the same;
/// - forged messages of a stranger before each message change nothing;
/// - with before-answer = "closed" nothing opens to anybody, and nothing that does not open otherwise.
testing::AssertionResult plays(std::string_view flow, const FlowOptions& options = {});

/// Only plays it: the flow as given, but with the outcomes that it really has.
std::string played(std::string_view flow, const PipelineSettings& settings = {});

}  // namespace dpinholer::test
