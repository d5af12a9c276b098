# SPDX-License-Identifier: GPL-2.0-or-later
"""The firewall is reloaded, flushed, changed by hand, and full, while calls are up."""

import re
import tempfile
import time
from collections import Counter
from datetime import datetime
from pathlib import Path

from lab import Capture, Daemon, IPV4, sipp, wait_until
from lab.case import LiveTest, each_family
from lab.firewall import NFT
from lab.sip import Dialog, Phone, sdp

OUTSIDE_PORT, INSIDE_PORT = 40000, 30000
MENDED = re.compile(r"^(\S+ \S+) \w+ (?:sets were flushed|elements were removed by others): (\d+) pinholes? written again",
                    re.MULTILINE)


class ReloadTest(LiveTest):
    def setUp(self):
        super().setUp()
        self.folder = Path(self.enter(tempfile.TemporaryDirectory()))

    def load(self, head="", size=None):
        """gateway.nft without the rules for established flows, so that all media needs its pinhole."""
        text = (NFT / "gateway.nft").read_text()
        file = self.folder / "gateway.nft"
        file.write_text(head + text.replace("ct state established,related accept\n", ""))
        self.firewall.load(file, size=size)

    def mends(self, daemon):
        """(time, pinholes) of every mend that the log tells."""
        return [(datetime.fromisoformat(when).timestamp(), int(count))
                for when, count in MENDED.findall(daemon.log())]

    def elements(self, name):
        return {element.key: element for element in self.firewall.elements(name)}


class Load(ReloadTest):
    CALLS = 200
    PACKETS = 150  # RTP, in each direction of each call
    INTERVAL = 0.1  # seconds

    def test_200_calls_outlive_it(self):
        self.load()
        with Daemon(self.network.gateway) as daemon, Capture(self.network.outside, IPV4) as at_outside, \
                Capture(self.network.inside, IPV4) as at_inside:
            calls = self.enter(sipp.Calls(self.network, IPV4, self.CALLS, rate=100, packets=self.PACKETS,
                                          interval=self.INTERVAL, talk=self.PACKETS * self.INTERVAL + 1))
            bound = 4 * self.CALLS
            wait_until(lambda: self.size() == bound, "all calls to be up", 30)
            windows = {
                "nft -f gateway.nft": self.disturb(daemon, None, self.load),
                "nft delete element": self.disturb(daemon, 10, self.delete_ten),
                "nft flush set": self.disturb(daemon, bound, lambda: self.firewall.nft(
                    "flush set inet filter sip_rtp4_from")),
                "flush ruleset in the file": self.disturb(daemon, bound, lambda: self.load("flush ruleset\n")),
                "flush ruleset, then the file": self.disturb(daemon, bound, self.flush_and_load),
            }
            self.assertIn('no table "inet filter": include', daemon.log())
            calls.wait()
            wait_until(lambda: not self.firewall.open_pinholes(), "all pinholes to close")
            outside, inside = at_outside.packets(), at_inside.packets()
            log = daemon.log()
        self.assertEqual(len(re.findall("call .* closed \\(bye\\)", log)), self.CALLS)
        lost = self.lost(outside, inside, IPV4.outside) + self.lost(inside, outside, IPV4.inside)
        # The last first: what is lost while two follow each other closely is the later one's.
        for what, (began, ended) in reversed(windows.items()):
            here = [when for when in lost if began <= when <= ended]
            lost = [when for when in lost if when not in here]
            print(f"\n    {what}: {len(here)} RTP packets lost", end="", flush=True)
            if what == "nft -f gateway.nft":
                self.assertEqual(here, [], "lost although the sets were kept")
        self.assertEqual(lost, [], "lost when nobody touched the rules")

    def size(self):
        listed = self.firewall.nft("list set inet filter sip_rtp4_from")
        return listed.count("comment")

    def delete_ten(self):
        keys = [" . ".join(map(str, key)) for key in list(self.elements("sip_rtp4_from"))[:10]]
        self.firewall.nft(f"delete element inet filter sip_rtp4_from {{ {', '.join(keys)} }}")

    def flush_and_load(self):
        self.firewall.nft("flush ruleset")
        self.load()

    def disturb(self, daemon, expected, work):
        """Does `work` and waits until so many elements were written again; the time during which media may have
        been lost. Prints how long the daemon took."""
        before = len(self.mends(daemon))
        began = time.time()
        work()
        done = time.time()
        if expected is None:
            return began, done
        # In several lines where the daemon hears of it piece by piece.
        told = lambda: sum(count for _, count in self.mends(daemon)[before:])  # noqa: E731
        wait_until(lambda: told() >= expected, "the sets to be mended", 10)
        ended, pinholes = self.mends(daemon)[-1][0], told()
        self.assertEqual(pinholes, expected)
        self.assertEqual(self.size(), 4 * self.CALLS)
        print(f"\n    {pinholes} pinholes, {1000 * (ended - began):.0f} ms after the command began, "
              f"{1000 * (ended - done):+.0f} ms after it returned", end="", flush=True)
        # Time stamps of the log are cut to milliseconds, those of packets are taken on their way.
        return began, max(ended, done) + 0.05

    @staticmethod
    def lost(sent, arrived, source):
        """When each packet was sent that did not arrive."""
        def media(side):
            return [packet for packet in side if not packet.is_sip and packet.source[0] == source]

        passed = Counter((packet.destination, packet.payload) for packet in media(arrived))
        return [packet.time for packet in media(sent) if passed[packet.destination, packet.payload] == 0]


class ByHand(ReloadTest):
    """Single calls, and what an operator may do to the sets."""

    def setUp(self):
        super().setUp()
        self.load()

    def establish(self, family, outside_port=OUTSIDE_PORT, inside_port=INSIDE_PORT):
        if not hasattr(self, "phones"):
            self.phones = (self.enter(Phone(self.network.outside, family, family.outside)),
                           self.enter(Phone(self.network.inside, family, family.inside)))
        caller, callee = self.phones
        dialog = Dialog(caller, callee)
        caller.pass_to(callee, dialog.invite(sdp(caller, outside_port)))
        callee.pass_to(caller, dialog.response(180, "Ringing"))
        callee.pass_to(caller, dialog.response(200, "OK", sdp(callee, inside_port)))
        caller.pass_to(callee, dialog.ack())
        return dialog

    def hang_up(self, dialog):
        caller, callee = self.phones
        caller.pass_to(callee, dialog.bye())
        callee.pass_to(caller, dialog.response(200, "OK"))

    def bound(self, family):
        return f"sip_rtp{family.digit}_from"

    @each_family
    def test_an_element_deleted_by_hand_is_back(self, family):
        with Daemon(self.network.gateway):
            dialog = self.establish(family)
            before = self.elements(self.bound(family))
            self.assertEqual(len(before), 4)
            key = (family.outside, family.inside, INSIDE_PORT)
            self.firewall.nft(f"delete element inet filter {self.bound(family)} "
                              f"{{ {' . '.join(map(str, key))} }}")
            wait_until(lambda: key in self.elements(self.bound(family)), "the element")
            self.assertEqual(self.elements(self.bound(family))[key].comment, before[key].comment)
            self.hang_up(dialog)
            self.assertEqual(self.firewall.open_pinholes(), {})

    @each_family
    def test_a_call_that_begins_while_the_sets_are_missing_has_media_when_they_are_back(self, family):
        with Daemon(self.network.gateway) as daemon:
            one = self.establish(family)
            self.firewall.nft("flush ruleset")
            wait_until(lambda: 'no table "inet filter"' in daemon.log(), "the daemon to notice")
            self.firewall.nft("add table inet filter")
            # The rules come back a moment before the sets do, as they may with a hand-made script.
            self.firewall.queue_sip()
            other = self.establish(family, OUTSIDE_PORT + 10, INSIDE_PORT + 10)
            self.assertEqual(daemon.log().count('no table "inet filter"'), 1, "it says so once")
            self.load()
            wait_until(lambda: len(self.elements(self.bound(family))) == 8, "both calls' pinholes")
            for dialog in (one, other):
                self.hang_up(dialog)
            self.assertEqual(self.firewall.open_pinholes(), {})

    def test_a_set_of_the_wrong_type_is_told_as_at_start(self):
        with Daemon(self.network.gateway) as daemon:
            dialog = self.establish(IPV4)
            self.firewall.nft("flush ruleset; add table inet filter;"
                              "add set inet filter sip_rtp4 { type ipv4_addr; flags dynamic,timeout; }")
            wait_until(lambda: 'set "sip_rtp4" in table "inet filter" is not of type ipv4_addr . inet_service' in
                       daemon.log(), "the daemon to say so")
            self.load("flush ruleset\n")
            wait_until(lambda: len(self.elements(self.bound(IPV4))) == 4, "the call's pinholes")
            self.hang_up(dialog)

    @each_family
    def test_a_saved_table_brings_nothing_back(self, family):
        with Daemon(self.network.gateway):
            over = self.establish(family)
            lasting = self.establish(family, OUTSIDE_PORT + 10, INSIDE_PORT + 10)
            saved = self.folder / "saved.nft"
            saved.write_text("delete table inet filter\n" + self.firewall.nft("list table inet filter"))
            self.hang_up(over)
            lasts = set(self.elements(self.bound(family)))
            self.assertEqual(len(lasts), 4)
            self.firewall.nft("-f", saved)
            wait_until(lambda: set(self.elements(self.bound(family))) == lasts, "the dead elements to go")
            self.hang_up(lasting)
            self.assertEqual(self.firewall.open_pinholes(), {})

    @each_family
    def test_what_a_packet_made_of_a_closed_pinhole_goes(self, family):
        with Daemon(self.network.gateway):
            self.hang_up(self.establish(family))
            self.firewall.nft(f"add element inet filter {self.bound(family)} "
                              f"{{ {family.outside} . {family.inside} . {INSIDE_PORT} timeout 300s }}")
            wait_until(lambda: not self.firewall.open_pinholes(), "it to go")

    # As of a daemon that ended between two transactions: the pinhole of the offer beside those of the answer.
    @each_family
    def test_what_a_daemon_left_half_done_the_next_one_sweeps(self, family):
        with Daemon(self.network.gateway) as first:
            dialog = self.establish(family)
            lasting = self.elements(self.bound(family))
            first.kill()
        name = f"sip_rtp{family.digit}"
        comment = lasting[family.outside, family.inside, INSIDE_PORT].comment
        self.firewall.nft(f"add element inet filter {name} "
                          f"{{ {family.inside} . {INSIDE_PORT} timeout 300s comment \"{comment}\" }}")
        with Daemon(self.network.gateway):
            wait_until(lambda: not self.elements(name), "the leftover to go")
            self.assertEqual(set(self.elements(self.bound(family))), set(lasting))
            self.hang_up(dialog)
            self.assertEqual(self.firewall.open_pinholes(), {})

    @each_family
    def test_foreign_elements_stay(self, family):
        name = f"sip_rtp{family.digit}"
        with Daemon(self.network.gateway):
            self.firewall.nft(f"add element inet filter {name} {{ {family.inside} . 4000 timeout 1h }}")
            self.firewall.nft(f"add element inet filter {name} "
                              f"{{ {family.inside} . 4002 timeout 1h comment \"door phone\" }}")
            foreign = set(self.elements(name))
            dialog = self.establish(family)
            self.firewall.nft(f"flush set inet filter {self.bound(family)}")
            wait_until(lambda: len(self.elements(self.bound(family))) == 4, "the call's elements")
            self.hang_up(dialog)
            # A stray goes after a second; what is foreign would have gone with it.
            self.firewall.nft(f"add element inet filter {name} {{ {family.outside} . {OUTSIDE_PORT} }}")
            wait_until(lambda: (family.outside, OUTSIDE_PORT) not in self.elements(name), "a stray to go")
            self.assertEqual(set(self.elements(name)), foreign)

    @each_family
    def test_a_full_set_keeps_media_closed_until_there_is_room(self, family):
        self.firewall.clear()
        self.load(size=4)
        outside = self.rtp_port(self.network.outside, family, family.outside, OUTSIDE_PORT + 10)
        inside = self.rtp_port(self.network.inside, family, family.inside, INSIDE_PORT + 10)
        with Daemon(self.network.gateway) as daemon:
            one = self.establish(family)
            self.assertEqual(len(self.elements(self.bound(family))), 4)
            other = self.establish(family, OUTSIDE_PORT + 10, INSIDE_PORT + 10)
            self.assertEqual(len(self.elements(self.bound(family))), 4)
            self.assertIn("(the set is full:", daemon.log())
            self.assert_dropped(outside, inside)
            self.hang_up(one)
            wait_until(lambda: (family.outside, family.inside, INSIDE_PORT + 10) in
                       self.elements(self.bound(family)), "the other call's turn")
            self.assert_passes(outside, inside)
            self.assert_passes(inside, outside)
            self.hang_up(other)
            self.assertEqual(self.firewall.open_pinholes(), {})
