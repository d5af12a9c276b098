# SPDX-License-Identifier: GPL-2.0-or-later
"""One call through a daemon under valgrind: what the sanitizers do not see, since it needs the kernel."""

from lab import Daemon, wait_until
from lab.case import CallTest

VALGRIND = ("valgrind", "--quiet", "--error-exitcode=99", "--leak-check=full", "--errors-for-leak-kinds=definite",
            "--trace-children=yes")


class Valgrind(CallTest):
    def test_a_call_with_media_and_a_message_that_is_none(self):
        caller, callee = self.phones()
        outside, inside = self.media_ports()
        with Daemon(self.network.gateway, wrapper=VALGRIND, patience=40) as daemon:
            dialog = self.establish(caller, callee)
            self.assert_passes(outside, inside)
            self.assert_passes(inside, outside)
            caller.pass_to(callee, "INVITE sip:x SIP/2.0\r\nCall-ID: and no more\r\n\r\n")
            self.hang_up(dialog, caller, callee)
            wait_until(lambda: not self.destinations(), "the call to be closed")
            self.assertEqual(daemon.stop(), 0, daemon.log())
            self.assertNotIn("==", daemon.log())
