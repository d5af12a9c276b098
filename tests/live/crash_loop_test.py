# SPDX-License-Identifier: GPL-2.0-or-later
"""Attack A20 of docs/security.md: what reads SIP is made to crash again and again."""

import os
import signal
import time

from inspector_test import inspector_of
from lab import Daemon, wait_until
from lab.case import CallTest
from lab.network import IPV4

CRASHES = 7


class CrashLoop(CallTest):
    def test_A20_sip_passes_calls_go_on_and_the_next_one_works(self):
        caller, callee = self.phones()
        outside, inside = self.media_ports()
        # Without the rule for established flows: media lives by the pinholes alone.
        self.firewall.delete_rule("forward", "ct state established,related accept")
        with Daemon(self.network.gateway) as daemon:
            dialog = self.establish(caller, callee)
            outside.stream(IPV4.inside, self.INSIDE_PORT)
            inside.stream(IPV4.outside, self.OUTSIDE_PORT)
            pauses, last = [], None
            for _ in range(CRASHES):
                began = time.monotonic()
                inspector = wait_until(lambda: self.inspector_but(daemon, last), "another inspector", 20)
                pauses.append(time.monotonic() - began)
                os.kill(inspector, signal.SIGSEGV)
                last = inspector
                for _ in range(5):  # while there is none, too
                    caller.pass_to(callee, dialog.request("OPTIONS"))
                    callee.pass_to(caller, dialog.response(200, "OK"))
            print(f"{CRASHES} crashes, the next inspector after", ", ".join(f"{1000 * p:.0f}" for p in pauses), "ms")
            self.assertGreater(pauses[-1], 2 * pauses[2], "no back-off")
            wait_until(lambda: self.inspector_but(daemon, last), "the last inspector", 20)
            for end in (outside, inside):
                end.stop_streaming()
            for sender, receiver in ((outside, inside), (inside, outside)):
                wait_until(lambda: len(receiver.from_port(sender)) == sender.sent, "all media to arrive")
            self.hang_up(dialog, caller, callee)
            wait_until(lambda: not self.destinations(), "the pinholes to close")
            self.hang_up(self.establish(caller, callee), caller, callee)
            self.assertEqual(daemon.log().count("the inspector failed"), CRASHES)
            self.assertEqual(daemon.stop(), 0)

    @staticmethod
    def inspector_but(daemon, last):
        inspector = inspector_of(daemon)
        return inspector if inspector != last else None
