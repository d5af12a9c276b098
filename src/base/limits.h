// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>

/// Every bound of the program that is not a setting: value, unit, reason, and what happens when it is hit.
/// Those that are settings stand in `[limits]` of the configuration with their defaults.
namespace dpinholer::base::limits {

// ---- Fragments (ip/) --------------------------------------------------------------------------------------

/// Octets that waiting fragments take, bookkeeping included; Linux's own default
/// (net.ipv4.ipfrag_high_thresh). More: the datagram that has waited longest is given up.
inline constexpr std::size_t reassembly_octets = std::size_t{4} * 1024 * 1024;

/// Octets kept for all TCP connections together, while each may keep `limits.tcp-buffer`. More: the oldest
/// connection that never carried SIP is given up, or else the one that wants more.
inline constexpr std::size_t stream_octets = std::size_t{64} << 20;
/// Pieces that wait beyond gaps in one direction of a connection: a window of 64 KiB in segments of 536
/// octets, of which every second one was lost, leaves 61. More: the connection is given up.
inline constexpr std::size_t waiting_pieces = 128;
/// Octets that a piece takes beside its own, map node and the allocator's share; they count in
/// `stream_octets`, which bounds the pieces of all connections to some 400,000.
inline constexpr std::size_t waiting_piece_octets = 160;

// ---- SIP (message/) ---------------------------------------------------------------------------------------

/// Octets. RFC 3261 sets none; the longest in real traffic are URLs of some 200. Longer: malformed.
inline constexpr std::size_t call_id_length = 512;
inline constexpr std::size_t tag_length = 256;
inline constexpr std::size_t branch_length = 512;
/// Of one value of From, To, Via, Content-Type and Content-Disposition: octets, and semicolons in it. RFC
/// 4475 longreq has 600 and 3. libosip2 takes time quadratic in both. More: malformed, or a body that is not
/// read.
inline constexpr std::size_t value_length = 4096;
inline constexpr std::size_t value_semicolons = 64;
/// Header fields in one message; RFC 4475 longreq has 60. More: malformed.
inline constexpr std::size_t header_fields = 512;
/// Octets of a multipart boundary (RFC 2046 section 5.1.1). Longer: the body is unreadable.
inline constexpr std::size_t boundary_length = 70;
/// Parts of a multipart body, all levels together, and its depth. More: the rest is not read.
inline constexpr std::size_t body_parts = 16;
inline constexpr std::size_t body_depth = 4;

// ---- SDP (message/) ---------------------------------------------------------------------------------------

/// Octets of a media type or a mid that are kept; longer ones are cut.
inline constexpr std::size_t token_length = 32;
/// TCP connections that are not followed and of which it was told, 50 octets each: when there are more, all
/// may be told of again.
inline constexpr std::size_t told_connections = 4096;
/// Octets that are kept of what could not be read. Longer: cut.
inline constexpr std::size_t unread_text = 80;
/// Octets of a host name (RFC 1035 section 2.3.4); longer ones are cut.
inline constexpr std::size_t host_name_length = 255;
/// Groups with BUNDLE semantics in one description, and mids in one. More: the rest is not read.
inline constexpr std::size_t bundle_groups = 16;

/// Addresses of one section's candidates that can never open anything (TCP active, port 9), from which media
/// may come all the same. More: overlooked; the bound is one above `sources_per_binding`, no more count
/// anyhow.
inline constexpr std::size_t silent_addresses = 65;

// ---- Calls (negotiation/) ---------------------------------------------------------------------------------

/// Requests of one call that await a response or may still be repeated; those outside a dialog have half of
/// the room, so that a sender that knows only the Call-ID can't take all. More: the message changes nothing,
/// and its SDP is refused with cause `limit`.
inline constexpr std::size_t transactions_per_call = 128;
/// Forks times crossings of one call; a proxy rings some ten phones. More: as above.
inline constexpr std::size_t dialogs_per_call = 128;
/// Of them, those that a restarted daemon knows from one request only. More: the oldest is forgotten.
inline constexpr std::ptrdiff_t unproven_dialogs_per_call = 4;
/// Address pairs on which one call crosses the gateway. More: as above.
inline constexpr std::size_t legs_per_call = 32;
/// Addresses and ports that the parties of one call were refused as being on another side: 12 KiB. More: from
/// then on messages from elsewhere than where a party was first heard open nothing new for it in that call.
inline constexpr std::size_t refused_per_call = 512;
/// Calls refused for want of room whose first message named an address on another side: 1 MiB. At least as
/// many are remembered, and no more than twice as many, so that they begin at no other crossing either. More:
/// the oldest are forgotten.
inline constexpr std::size_t refused_starts = 8192;
/// Seconds for which an INVITE without a final response is remembered after `timeouts.early` has closed what
/// it opened: a phone that rings longer than that has audio when it answers (calls.md section 3). It gives
/// way to any other call.
inline constexpr std::int64_t late_answer_seconds = 3600;
/// Sources that one m-line is bound to, and elements that this may take: with ICE some ten places on either
/// side. More: the first of them count, the address of the signalling before those of the description in
/// their order.
inline constexpr std::size_t sources_per_binding = 64;
inline constexpr std::size_t elements_per_binding = 1024;
/// Sources that one pinhole may have, of all the calls that share its port. More: a source that is bound to
/// it later stays out.
inline constexpr std::size_t sources_per_pinhole = 4096;
/// Seconds after its last message for which a call that the operator closed is known, so that a refresh of
/// its session does not open it again. It is the first to go when there is no room for another call.
inline constexpr std::int64_t closed_call_seconds = 12 * 3600;
/// Refuse events for one message. More: the rest is only counted.
inline constexpr std::size_t refusals_per_message = 64;

/// Addresses behind a NAT of their own that are told of one call; a party has one or two. More: they are not
/// told.
inline constexpr std::size_t nats_per_call = 8;

// ---- Policy (pinhole/) ------------------------------------------------------------------------------------

/// Addresses in one message that the routing table is asked about, some 50 microseconds each; a phone with
/// many interfaces has some ten. More: they count as being on another side.
inline constexpr std::size_t judged_addresses = 32;

/// Hosts whose SIP was heard lately: some 100 octets each. More: the one heard longest ago is forgotten, and
/// nothing opens in its name until it is heard again.
inline constexpr std::size_t speakers = 65536;
/// Parties of calls that ring or are answered, beside these hosts: as many as 100,000 calls have. More: the
/// party that took part longest ago is remembered no longer than any other host.
inline constexpr std::size_t kept_speakers = 262144;
/// Pinholes that may be opened for what one host has sent so far; a set of nft/sets.nft has room for as many.
/// More: its further messages earn none.
inline constexpr std::size_t pinholes_per_speaker = 131072;
/// Elements that may be bound for what all hosts have sent so far. More: their further messages earn none.
inline constexpr std::size_t elements_of_all = 131072;
/// Octets of a packet that a SIP message takes at least, with a description that asks for a pinhole.
inline constexpr std::size_t shortest_message = 256;
/// Elements of open pinholes; the sets of nft/sets.nft together have room for some 600,000. More: refused.
inline constexpr std::size_t open_pinholes = std::size_t{1} << 20;

// ---- Scanners (scanners/, bans) ---------------------------------------------------------------------------

/// Sources of which it is known how many of their requests were refused lately: some 100 octets each. More:
/// the one that was refused longest ago is forgotten, and begins anew.
inline constexpr std::size_t failing_sources = 16384;
/// Sources that are banned at the same time: as many as a set of nft/sets.nft has room for.
/// More: they are not banned, which is counted and told.
inline constexpr std::size_t banned_sources = 16384;
/// Of them, those that `status` names: the latest.
inline constexpr std::size_t banned_told = 32;
/// Octets of what gave a scanner away. Longer: cut.
inline constexpr std::size_t offence_text = 64;

// ---- Kernel (system/) -------------------------------------------------------------------------------------

/// Log lines in an hour of a kind that strangers can cause. More: they are only counted.
inline constexpr std::size_t subjects_per_hour = 1000;
/// The same in a minute, where each message may bring one.
inline constexpr std::size_t subjects_per_minute = 10;
/// Calls that nobody answered, which strangers can make at will: so many are told in the log at once, and so
/// many a second on the average. More: they are only counted, until a tenth may be told again.
inline constexpr std::size_t unanswered_told = 1000;
inline constexpr std::size_t unanswered_told_per_second = 20;
/// Packets taken from a queue at once: their changes share a transaction, and the first waits for the last to
/// be read. More: they stay in the queue for the next round.
inline constexpr std::size_t queue_batch = 128;
/// Flows of one closed pinhole that are looked up in the connection tracking table at once. More (ICE with
/// many candidates): they are found by the walk through the table that follows.
inline constexpr std::size_t tuples_per_close = 8;
/// Flows of one open pinhole whose packets are counted, where media may be offloaded: one, or two while a
/// peer changes its port. More: the one that was found first counts no more.
inline constexpr std::size_t flows_per_pinhole = 8;
/// Flows that are read once more when their pinholes close together: those of some hundred calls. More: what
/// the last walk has found of them counts.
inline constexpr std::size_t flows_read_at_once = 1024;
/// Elements that a starting daemon takes over: all that the sets of nft/sets.nft have room for is some
/// 600,000. More: it does not know them, and they go like everything that no call wants.
inline constexpr std::size_t recovered_elements = std::size_t{1} << 20;
/// Elements of others' changes to the sets that are taken one by one, of what is read at once: some
/// milliseconds. More: all pinholes are looked at, and what is missing is written again.
inline constexpr std::size_t ruleset_news = 2048;
/// Messages of one nft transaction: some 2 ms of the kernel's time. More: the changes are committed in
/// several transactions, in their order.
inline constexpr std::size_t transaction_messages = 2048;

/// Microseconds for which the gatekeeper stands still for a commit, a hundred times what that of a full batch
/// of packets takes. Longer: it goes on with all that needs no commit; the messages that need it wait for
/// `kernel.patience` at most.
inline constexpr std::int64_t commit_wait_microseconds = 20'000;
/// Elements to be written behind a late commit, some 150 octets each: half of what all sets of nft/sets.nft
/// have room for. More: the daemon looks at all pinholes, and mends what is missing or unwanted.
inline constexpr std::size_t elements_behind = 262144;
/// Seconds that an ending daemon waits for the kernel to remove its elements (on-stop = "flush"). Longer: it
/// says so, and they go by their timeouts.
inline constexpr std::int64_t flush_wait_seconds = 30;

/// Octets of what gatekeeper and inspector say to each other at once: a batch of the longest packets takes 8
/// MiB, what a call of 256 pinholes does to them 100 KiB. More: the inspector has failed.
inline constexpr std::size_t inspection_octets = std::size_t{64} << 20;
/// Octets of memory that one of these frames takes when it is read. More: as above.
inline constexpr std::size_t inspection_memory = std::size_t{64} << 20;
/// Changes of pinholes in one answer of an inspector, and the sources in all of them together: 128 messages
/// that replace 256 pinholes by as many others make half of that. More: it has failed.
inline constexpr std::size_t changes_per_batch = 131072;
inline constexpr std::size_t sources_per_batch = 262144;
/// Findings after which an inspector looks at no more packets of a batch. The rest is given to it again, so
/// that what a single packet adds stays within the bounds above.
inline constexpr std::size_t enough_findings = 32768;
/// What an inspector may ask while it looks at a batch: in each packet about `judged_addresses`, and about
/// the pinholes of calls that seem to be silent. More: it has failed.
inline constexpr std::size_t questions_per_batch = 65536;
/// Sources of one pinhole that such a question names; a binding has 64, several forks and legs add theirs.
/// More: the inspector asks about so many, and the gatekeeper takes a longer list for a failure.
inline constexpr std::size_t asked_sources = 4096;
/// Octets of a configuration file; the one that is shipped, with every key explained, has 5 KiB. More: it is
/// not read.
inline constexpr std::size_t configuration_octets = std::size_t{128} << 10;
/// Milliseconds in which the process that starts inspectors answers: it ends the last one and forks, within
/// some milliseconds, or a second when that one had gigabytes. Longer: it is lost, SIP passes unread, and the
/// daemon ends with exit status 3.
inline constexpr std::int64_t launcher_patience_milliseconds = 2000;
/// Netlink ports that may lock a table: one is enough, unless a stranger has taken it. More taken: a second
/// daemon would not be noticed, which the log says.
inline constexpr std::uint32_t table_lock_ports = 16;
/// Seconds until that process is ready, under load one. Longer: the daemon does not start.
inline constexpr std::int64_t launcher_start_seconds = 10;
/// Seconds for which a daemon that ends reads on. Longer, under a flood: the kernel drops what waits.
inline constexpr std::int64_t drain_seconds = 3;
/// Files with the packets on which an inspector failed. More: the oldest goes.
inline constexpr std::size_t crash_files = 16;

/// Routes that are remembered. More: all are forgotten, and looked up again.
inline constexpr std::size_t remembered_routes = 16384;

// ---- Control socket (control/) ----------------------------------------------------------------------------

/// Programs that may ask the daemon at the same time. More: the one that has taken and sent nothing for
/// longest gives way.
inline constexpr std::size_t control_clients = 16;
/// Those among them that follow the events, so that others find a place. More: each is told so.
inline constexpr std::size_t control_followers = 12;
/// Octets of a request; the longest names a Call-ID. Longer, or nested deeper: it is refused.
inline constexpr std::size_t request_length = 8192;
inline constexpr int request_depth = 2;
/// Pinholes that are looked up for one piece of a list, some 10 microseconds each, unless a single call has
/// more; and elements of one call, of which the rest is told as it was last seen.
inline constexpr std::size_t listed_pinholes = 32;
inline constexpr std::size_t listed_elements = 512;
/// Events that are kept for whoever asks for them, and of them those that one piece of an answer takes.
inline constexpr std::size_t remembered_events = 1024;
inline constexpr std::size_t told_events = 64;
/// Rows that `dpinholer top` asks for at each look. More: it says that there are, and shows the first.
inline constexpr std::size_t top_rows = 2000;

// ---- Check (doctor/) --------------------------------------------------------------------------------------

/// Interfaces that `dpinholer check` tells apart: it follows packets from each to each. More: those beyond
/// are not looked at.
inline constexpr std::size_t checked_interfaces = 16;
/// Ports of SIP that it follows packets to, of those that rules queue. More: the rest is taken to be alike.
inline constexpr std::size_t checked_sip_ports = 4;
/// Rules that it follows one packet through; hosts of Docker or Kubernetes have some 10,000, and chains that
/// many others jump to count each time. More: what depends on this packet is not looked at, which it says.
inline constexpr std::size_t followed_rules = 100'000;
/// Rules that it looks at for all packets, some 0.1 microseconds each: the daemon waits for it when it starts.
/// More: as above.
inline constexpr std::size_t followed_rules_in_all = 10'000'000;
/// Ports of a range that is taken for media; less are services.
inline constexpr unsigned media_range_ports = 10;

// ---- Page of a replay (report/) ---------------------------------------------------------------------------
// What is over any of these is counted, and the page says how much was left out: it stays under some ten MB.

/// Rows, pinholes, flows and refusals that are kept of one capture, some 250 octets each. More: only counted.
inline constexpr std::size_t report_pieces = 400'000;
/// Of one call: rows of its ladder (the first half and the last stay), pinholes, flows, refusals.
inline constexpr std::size_t report_rows = 200;
inline constexpr std::size_t report_pinholes = 64;
inline constexpr std::size_t report_flows = 64;
inline constexpr std::size_t report_refusals = 32;
/// Media rows between two messages of a ladder.
inline constexpr std::size_t report_media_rows = 6;
/// Calls that are kept, and those of them that are drawn: calls with something wrong come before others.
inline constexpr std::size_t report_calls = 20'000;
inline constexpr std::size_t report_calls_drawn = 100;
/// Flows that belong to no call: kept, and shown.
inline constexpr std::size_t report_outside_flows = 20'000;
inline constexpr std::size_t report_outside_flows_shown = 100;
/// What was not read, of no call; and of one.
inline constexpr std::size_t report_unread = 50;
inline constexpr std::size_t report_unread_of_call = 4;
/// Parties that have a line of their own in a ladder, and pinholes that have a bar beside it.
inline constexpr std::size_t report_lanes = 6;
inline constexpr std::size_t report_bars = 16;
/// Characters of a text from the wire. Longer: cut, with an ellipsis.
inline constexpr std::size_t report_text = 96;

}  // namespace dpinholer::base::limits
