// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>

#include "base/bytes.h"

namespace dpinholer::test {

/// Ports that the stranger may announce: his own alone, or those of the parties, too.
enum class Naming { own_ports, ports_of_the_parties };

/// Reads `choices` as a call of real parties (on one or two legs, with early media, reliable responses, late
/// offers, re-INVITEs, silence, ends of all kinds, and a retry with the same Call-ID), and as what a
/// stranger does meanwhile who knows Call-ID, tags, CSeq numbers and branches, but has an address of his own.
/// He sends requests and responses of all kinds, to the parties, who say no or nothing, and to an accomplice
/// on the other side, who says what he likes.
///
/// Runs the call with him and without, and compares after every step:
/// - nothing of the parties closes, and nothing of theirs is open that would not be;
/// - nothing of theirs lets anybody in who would not be let in;
/// - what is open stays within the bound of one call, and nothing stays after the end.
/// Where he names ports of the parties, which policy lets him open for himself, only closings are compared,
/// and ports of theirs that let anybody in.
/// Returns the first fault, with what happened until then, or nothing.
std::string run_attacked_calls(base::Bytes choices, Naming naming);

}  // namespace dpinholer::test
