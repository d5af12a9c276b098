// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <set>
#include <string>
#include <string_view>

#include "report/story.h"

/// What the page is made of. All append HTML to `out`.
namespace dpinholer::report {

/// The style sheet.
std::string_view style();

/// Seconds since the first packet, to the millisecond: "24.394".
std::string time_text(base::TimePoint time);
/// "1.6 s", "12 min 5 s".
std::string duration_text(base::Duration duration);

/// A pinhole's number within its call, as ladder and table show it.
void add_number(std::string& out, Index pinhole);
/// "refused 10.0.0.1:53 audio rtp: port-policy"
void add_refusal(std::string& out, const pinhole::Refusal& refusal);

/// A call's messages as arrows between its parties, and beside them its pinholes as bars. Parties
/// (Parties::name) that `heard_nothing` are marked.
void add_ladder(std::string& out, const Call& call, const std::set<std::string>& heard_nothing);

void add_pinholes(std::string& out, const Call& call);
void add_refusals(std::string& out, const Call& call);
/// The media of a call, by flow.
void add_flows(std::string& out, const Call& call);
/// Flows that belong to no call, those with most packets first.
void add_outside(std::string& out, const Story& story);
void add_unread(std::string& out, const Story& story);

}  // namespace dpinholer::report
