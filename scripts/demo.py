#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The demo itself; demo.sh prepares it."""

import contextlib
import sys
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests/live"))

from lab import IPV4, Daemon, Firewall, Network, RtpPort, firewall, isolation, sipp, wait_until  # noqa: E402
from lab.wait import TimedOut  # noqa: E402

CALLER_PORT, CALLEE_PORT = 40000, 30000  # where the phones want their media
SETS = ("sip_rtp4", "sip_rtp4_from")
TRIES = 50  # RTP packets of each measurement
MEDIA = 150  # RTP packets of the call itself, in each direction: three seconds
TERMINAL = sys.stdout.isatty()


def paint(code, text):
    return f"\x1b[{code}m{text}\x1b[0m" if TERMINAL else text


def heading(text):
    print("\n" + paint("1", text) + "\n" + paint("1", "=" * len(text)), flush=True)


class Table:
    """What passed, by phase and direction, against what should have."""

    def __init__(self):
        self._rows, self._phases, self.faults = {}, [], 0

    def enter(self, phase, direction, sent, passed, expected):
        """`sent`, `passed`: packets. `expected`: whether they should pass."""
        good = passed == (sent if expected else 0)
        self.faults += not good
        verdict = f"{passed} of {sent} passed" if passed else f"{sent} dropped"
        print(f"  {direction:<24}{paint('32' if good else '31', verdict)}"
              f"{'' if good else '   <-- should have ' + ('passed' if expected else 'been dropped')}", flush=True)
        if phase not in self._phases:
            self._phases.append(phase)
        self._rows.setdefault(direction, {})[phase] = f"{passed}/{sent}" + ("" if good else " !")

    def show(self):
        print(f"  {'RTP passed':<24}" + "".join(f"{phase:>11}" for phase in self._phases))
        for direction, cells in self._rows.items():
            print(f"  {direction:<24}" + "".join(f"{cells.get(phase, ''):>11}" for phase in self._phases))


class Demo:
    def __init__(self, network, stack):
        self.network, self.rules, self.table = network, Firewall(network.gateway), Table()

        def port(host, address, number):
            return stack.enter_context(RtpPort(host, IPV4, address, number))

        self.caller = port(network.outside, IPV4.outside, CALLER_PORT)
        self.callee = port(network.inside, IPV4.inside, CALLEE_PORT)
        # Senders have ports of their own, so that no packet passes only as the reply to another.
        self.from_caller = port(network.outside, IPV4.outside, CALLER_PORT + 10)
        self.from_callee = port(network.inside, IPV4.inside, CALLEE_PORT + 10)
        self.from_stranger = port(network.outside, IPV4.stranger, CALLER_PORT + 10)

    def run(self):
        heading("The network")
        print(f"""
  outside host            gateway                     inside host
  {IPV4.outside} ------ {IPV4.gateway_outside} | {IPV4.gateway_inside} ------ {IPV4.inside}
  calls, media to :{CALLER_PORT}                               answers, media to :{CALLEE_PORT}

  The gateway runs nft/gateway.nft and the daemon. Another outside address, {IPV4.stranger},
  has no part in the call and sends to the inside host as well.""")
        if not firewall.has_native_queue():
            print("\n  This kernel lacks nftables' queue statement: that one line of the rules is left out,\n"
                  "  and iptables-nft -j NFQUEUE does the same.")
        self.rules.load()
        with Daemon(self.network.gateway):
            self.before()
            with sipp.Calls(self.network, IPV4, packets=MEDIA, ring=2, talk=4,
                            ports=(CALLER_PORT, CALLEE_PORT)) as calls:
                self.ringing()
                self.talking()
                calls.wait()
            self.after()
        heading("Summary")
        self.table.show()
        if self.table.faults:
            print(paint("31", "\nNot as it should be."))
        else:
            print(paint("32", "\nAll as it should be: media passed while the call was on, and at no other time."))
        return self.table.faults == 0

    def before(self):
        heading("Before the call")
        self.show_sets()
        self.measure("before", outward=False, inward=False, stranger=False)

    def ringing(self):
        wait_until(lambda: self.rules.elements("sip_rtp4"), "the offer to open the caller's ports")
        heading("Ringing: the INVITE has passed, and its offer opened the caller's ports to any source")
        self.show_sets()
        self.measure("ringing", outward=True, inward=False, stranger=False)

    def talking(self):
        wait_until(lambda: self.rules.elements("sip_rtp4_from"), "the answer to bind the ports")
        heading("Talking: the answer opened the callee's ports, and each side's are bound to the other")
        wait_until(lambda: min(len(self.played(self.caller)), len(self.played(self.callee))) >= MEDIA,
                   "the media of the call", 4)
        self.show_sets()
        for direction, port in (("callee to caller", self.caller), ("caller to callee", self.callee)):
            self.table.enter("talking", direction, MEDIA, len(self.played(port)), True)
        self.table.enter("talking", "stranger to callee", *self.send(self.from_stranger, self.callee), False)

    def after(self):
        heading("After the call: the BYE was answered")
        self.show_sets()
        self.measure("after", outward=False, inward=False, stranger=False)

    def measure(self, phase, outward, inward, stranger):
        for direction, sender, receiver, expected in (
                ("callee to caller", self.from_callee, self.caller, outward),
                ("caller to callee", self.from_caller, self.callee, inward),
                ("stranger to callee", self.from_stranger, self.callee, stranger)):
            self.table.enter(phase, direction, *self.send(sender, receiver), expected)

    def send(self, sender, receiver):
        """(sent, passed) of a number of RTP packets. A packet that got through would be there at once; the wait
        is for those that take their time."""
        before = len(receiver.from_port(sender))
        sender.send(receiver.address, receiver.port, TRIES)
        with contextlib.suppress(TimedOut):
            wait_until(lambda: len(receiver.from_port(sender)) - before == TRIES, "them", 0.25)
        return TRIES, len(receiver.from_port(sender)) - before

    @staticmethod
    def played(port):
        """What arrived of the media that sipp played."""
        return [received for received in port.received if received.ssrc == sipp.SSRC]

    def show_sets(self):
        for name in SETS:
            print(paint("2", f"  # nft list set inet filter {name}"))
            if self.rules.elements(name):
                print("".join(f"  {line}\n" for line in self.rules.show(name).expandtabs(4).splitlines()))
            else:
                print("  (no elements)\n", flush=True)


def main():
    if reason := isolation.obstacle():
        print(f"demo: {reason}", file=sys.stderr)
        return 2
    isolation.isolate()
    try:
        with contextlib.ExitStack() as stack:
            return 0 if Demo(stack.enter_context(Network()), stack).run() else 1
    except AssertionError as failure:  # waited in vain, or the daemon or sipp failed
        print(paint("31", f"\nNot as it should be: {failure}"))
        return 1


sys.exit(main())
