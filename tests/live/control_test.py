# SPDX-License-Identifier: GPL-2.0-or-later
"""The control socket of a running daemon, and the commands that ask on it."""

import fcntl
import json
import os
import pty
import re
import signal
import socket
import stat
import struct
import subprocess
import tempfile
import termios
import time
import urllib.error
import urllib.request
from pathlib import Path

from lab import Daemon, wait_until
from lab.case import CallTest, each_family
from lab.daemon import binary, exporter, part
from lab.sip import Dialog, sdp

SOCKET = Path("/run/dpinholer/control")


class ControlTest(CallTest):
    def command(self, *words, status=0):
        """What a command prints, run as an administrator would; it must end with `status`."""
        done = subprocess.run([binary(), *words], text=True, capture_output=True, timeout=10)
        self.assertEqual(done.returncode, status, f"{words}: {done.stdout}{done.stderr}")
        return done.stdout if status == 0 else done.stderr

    def objects(self, *words):
        return [json.loads(line) for line in self.command(*words, "--json").splitlines()]


class Commands(ControlTest):
    @each_family
    def test_show_a_call_from_offer_to_end(self, family):
        caller, callee = self.phones(family)
        outside, inside = self.media_ports(family)
        with Daemon(self.network.gateway):
            dialog = Dialog(caller, callee)
            caller.pass_to(callee, dialog.invite(sdp(caller, self.OUTSIDE_PORT)))
            [call] = self.objects("calls")
            self.assertEqual((call["call_id"], call["state"], call["pinholes"]), (dialog.call_id, "offered", 2))
            callee.pass_to(caller, dialog.response(200, "OK", sdp(callee, self.INSIDE_PORT)))
            caller.pass_to(callee, dialog.ack())
            self.assert_passes(outside, inside, 300)

            [call] = self.objects("calls")
            self.assertEqual((call["state"], call["pinholes"], call["media"]), ("answered", 4, ["audio"]))
            self.assertTrue(call["one_way"])
            self.assertAlmostEqual(call["began"], time.time(), delta=30)
            packets = {way["to"]: way["packets"] for way in call["packets"]}
            self.assertEqual(packets[family.outside], 0)
            self.assertAlmostEqual(packets[family.inside], 300, delta=20)
            pinholes = {(p["address"], p["port"]): p for p in self.objects("pinholes")}
            self.assertEqual(set(pinholes), {(family.outside, 40000), (family.outside, 40001),
                                             (family.inside, 30000), (family.inside, 30001)})
            pinhole = pinholes[family.inside, 30000]
            self.assertEqual(pinhole["set"], f"sip_rtp{family.digit}_from")
            self.assertEqual(pinhole["from"], [family.outside])
            self.assertTrue(200 < pinhole["expires"] <= 300, pinhole)
            self.assertEqual(pinhole["packets"], packets[family.inside])
            self.assertIn("one way", self.command("calls"))
            self.assertIn(dialog.call_id, self.command("pinholes"))
            self.assertNotIn("\x1b", self.command("calls"))

            self.hang_up(dialog, caller, callee)
            wait_until(lambda: self.objects("calls") == [], "the call to be gone")
            events = self.objects("events")
            self.assertEqual([e["event"] for e in events], ["open"] * 2 + ["bind"] * 2 + ["open"] * 2 + ["close"] * 4)
            self.assertEqual({e["call_id"] for e in events}, {dialog.call_id})
            self.assertAlmostEqual(events[-1]["time"], time.time(), delta=30)

    def test_status_counts(self):
        caller, callee = self.phones()
        with Daemon(self.network.gateway):
            self.hang_up(self.establish(caller, callee), caller, callee)
            caller.pass_to(callee, Dialog(caller, callee).invite(sdp(caller, 53)))
            wait_until(lambda: self.objects("status")[0]["pinholes"]["refused"] == 2, "the refusals to be counted")
            [status] = self.objects("status")
            self.assertEqual(status["packets"]["sip_messages"], 6)
            self.assertEqual(status["table"], "inet filter")
            self.assertEqual([queue["number"] for queue in status["queues"]], [0])
            self.assertIn({"method": "INVITE", "result": "2xx", "count": 1}, status["messages"])
            self.assertEqual(status["refusals"], [{"reason": "port-policy", "count": 2}])
            self.assertEqual(status["held"]["count"], 6)
            self.assertGreater(status["held"]["sum"], 0)
            self.assertGreater(status["memory"], 1 << 20)
            self.assertIn("table       inet filter\n", self.command("status"))

    # Nobody can read it; the rules count what passes, in both directions.
    @each_family
    def test_status_counts_sip_over_tls(self, family):
        inside, outside = self.network.inside, self.network.outside
        with Daemon(self.network.gateway), outside.socket(family.domain, socket.SOCK_STREAM) as listener, \
                inside.socket(family.domain, socket.SOCK_STREAM) as phone:
            self.assertEqual(self.objects("status")[0]["packets"]["sip_tls"], 0)
            listener.bind((family.outside, 5061))
            listener.listen()
            phone.connect((family.outside, 5061))
            server, _ = listener.accept()
            with server:
                for one, other in ((phone, server), (server, phone)):
                    one.sendall(b"\x16\x03\x01\x02\x00\x01\x00")
                    self.assertEqual(len(other.recv(100)), 7)
            [status] = self.objects("status")
            # The handshake, two segments with data, and what acknowledges them.
            self.assertGreaterEqual(status["packets"]["sip_tls"], 5)
            self.assertEqual(status["packets"]["queued"], 0)
            self.assertIn(f"sip tls {status['packets']['sip_tls']}", self.command("status"))

    # Rules of a version that had no such counter.
    def test_status_without_that_counter(self):
        self.firewall.nft("flush chain inet filter sip_inspect; delete counter inet filter sip_tls")
        with Daemon(self.network.gateway):
            self.assertNotIn("sip_tls", self.objects("status")[0]["packets"])

    # Another process reads SIP from then on; the figures and the call go on.
    def test_a_reload_forgets_nothing_of_it(self):
        caller, callee = self.phones()
        with Daemon(self.network.gateway, "[timeouts]\nmedia-idle = 400\n") as daemon:
            dialog = self.establish(caller, callee)
            Path(daemon.process.args[-1]).write_text("[timeouts]\nmedia-idle = 200\n")
            daemon.process.send_signal(signal.SIGHUP)
            self.in_log(daemon, "the configuration has been reloaded")
            wait_until(lambda: self.objects("status")[0]["packets"]["sip_messages"] == 3, "the figures to go on")
            [call] = self.objects("calls")
            self.assertEqual((call["call_id"], call["state"], call["pinholes"]), (dialog.call_id, "answered", 4))
            self.assertEqual(self.objects("status")[0]["calls"]["seen"], 1)
            self.command("close", dialog.call_id)
            self.assertEqual(self.destinations(), set())
            self.assertEqual(self.objects("status")[0]["inspector"]["restarts"], 0)

    # What the parties say afterwards opens nothing: not the refresh of their session, nor a new offer.
    def test_close_ends_a_call_for_good(self):
        caller, callee = self.phones()
        outside, inside = self.media_ports()
        with Daemon(self.network.gateway) as daemon:
            dialog = self.establish(caller, callee)
            self.assert_passes(outside, inside)
            self.assertEqual(self.command("close", dialog.call_id), f"call {dialog.call_id} closed\n")
            self.assertEqual(self.destinations(), set())
            self.assert_dropped(outside, inside)
            self.in_log(daemon, rf"call {re.escape(dialog.call_id)} closed \(requested\)")
            caller.pass_to(callee, dialog.invite(sdp(caller, self.OUTSIDE_PORT)))
            callee.pass_to(caller, dialog.response(200, "OK", sdp(callee, self.INSIDE_PORT)))
            self.assertEqual(self.destinations(), set())
            self.assertEqual(self.objects("events")[-1]["cause"], "requested")
            self.assertIn("no call", self.command("close", dialog.call_id, status=1))
            self.assertIn("no call", self.command("close", "nobody", status=1))

    def test_events_are_followed_as_they_happen(self):
        caller, callee = self.phones()
        with Daemon(self.network.gateway) as daemon:
            follower = self.enter(subprocess.Popen([binary(), "events", "--follow", "--json"],
                                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True))
            self.addCleanup(follower.kill)
            dialog = self.establish(caller, callee)
            seen = [json.loads(follower.stdout.readline()) for _ in range(6)]
            self.assertEqual([event["event"] for event in seen], ["open"] * 2 + ["bind"] * 2 + ["open"] * 2)
            self.assertEqual(seen[0]["call_id"], dialog.call_id)
            daemon.stop()
            self.assertEqual(follower.wait(10), 3)
            self.assertIn("the daemon has ended", follower.stderr.read())


class Socket(ControlTest):
    def test_is_for_root_and_the_group(self):
        with Daemon(self.network.gateway):
            found = SOCKET.stat()
            self.assertEqual(stat.S_IMODE(found.st_mode), 0o660)
            self.assertEqual((found.st_uid, found.st_gid), (0, os.getgid()))
            # A user of no group of ours: connecting needs the right to write.
            done = subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", binary(), "status"],
                                  text=True, capture_output=True)
            self.assertEqual(done.returncode, 3)
            self.assertIn("Permission denied; root and members of the group dpinholer may ask", done.stderr)
        self.assertFalse(SOCKET.exists())
        self.assertIn("is the daemon running?", self.command("status", status=3))

    # Killed, it leaves the file; the next one takes its place.
    def test_a_dead_one_is_replaced_and_a_live_one_is_not(self):
        with Daemon(self.network.gateway) as daemon:
            daemon.kill()
        self.assertTrue(SOCKET.exists())
        self.assertEqual(self.command("status", status=3).count("\n"), 1)
        with Daemon(self.network.gateway):
            self.assertEqual(len(self.objects("status")), 1)
            before = SOCKET.stat()
            second = Daemon(self.network.gateway, "[kernel]\nqueues = \"1\"\nobserve = true\n")
            self.addCleanup(second.discard)
            wait_until(lambda: second.queue_taken(1), "the second daemon to take its queue")
            self.in_log(second, "another daemon answers there; name another one with --socket")
            self.assertEqual(second.stop(), 0)
            self.assertEqual(SOCKET.stat().st_ino, before.st_ino)
            self.assertEqual(len(self.objects("status")), 1)

    # Those who ask and do not listen, or say nothing, or nonsense: SIP goes on, and others are answered.
    def test_a_client_that_does_not_read_holds_nobody_up(self):
        caller, callee = self.phones()
        with Daemon(self.network.gateway):
            self.establish(caller, callee)
            for request in (b'{"command":"pinholes"}\n' * 50, b'{"command":"events","follow":true}\n', b"",
                            b"\xff" * 20000, b'{"command":"st'):
                client = self.enter(socket.socket(socket.AF_UNIX))
                client.connect(str(SOCKET))
                client.settimeout(0.2)
                try:
                    client.sendall(request)
                except (TimeoutError, BrokenPipeError, ConnectionResetError):
                    pass
            for _ in range(100):
                caller.pass_to(callee, Dialog(caller, callee).invite(sdp(caller, 53)))
            self.assertEqual(len(self.objects("calls")), 1)

    # As many as there are places, all with more to take than their sockets hold.
    def test_A34_slow_readers_give_way(self):
        caller, callee = self.phones()
        with Daemon(self.network.gateway):
            for _ in range(60):
                caller.pass_to(callee, Dialog(caller, callee).invite(sdp(caller, 53)))
            began = time.monotonic()
            for _ in range(20):
                client = self.enter(socket.socket(socket.AF_UNIX))
                client.connect(str(SOCKET))
                client.sendall(b'{"command":"events"}\n' * 100)
                self.assertEqual(self.objects("calls"), [])
            self.assertLess(time.monotonic() - began, 20)
            [status] = self.objects("status")
            self.assertEqual(status["control"]["turned_away"], 0)
            self.assertGreater(status["control"]["dropped"], 0)

    def test_somebody_else_answers(self):
        path = self.enter(tempfile.TemporaryDirectory()) + "/control"
        with socket.socket(socket.AF_UNIX) as other:
            other.bind(path)
            other.listen()
            process = subprocess.Popen([binary(), "status", "--socket", path], stderr=subprocess.PIPE, text=True)
            with other.accept()[0] as asking:
                asking.recv(1000)
                asking.sendall(b'{"end":what?\n')
                self.assertEqual(process.communicate(timeout=10)[1],
                                 f"dpinholer: {path}: Bad message; what answers there is no daemon of this version; "
                                 "name its socket with --socket\n")
        self.assertEqual(process.returncode, 3)


@part("exporter")
class Exporter(ControlTest):
    """`dpinholer-exporter`, a program beside the daemon."""

    def scrape(self, port, accept="text/plain"):
        request = urllib.request.Request(f"http://127.0.0.1:{port}/metrics", headers={"Accept": accept})
        with urllib.request.urlopen(request, timeout=5) as answer:
            return answer.headers["Content-Type"], answer.read().decode()

    def start(self, *words, **options):
        process = self.enter(subprocess.Popen([*words], stderr=subprocess.PIPE, **options))
        self.addCleanup(process.kill)
        self.assertIn(b"metrics at", process.stderr.readline())
        return process

    def test_tells_prometheus_what_the_daemon_does(self):
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        caller, callee = self.phones()
        process = self.start(binary(), "exporter", "--listen", "127.0.0.1:9260")
        self.assertTrue(os.path.samefile(f"/proc/{process.pid}/exe", exporter()))
        self.assertIn("\ndpinholer_up 0\n", self.scrape(9260)[1])
        with Daemon(self.network.gateway):
            hostile = Dialog(caller, callee).invite(sdp(caller, self.OUTSIDE_PORT))
            caller.pass_to(callee, hostile.replace("Call-ID: ", 'Call-ID: stranger"}1\\'))
            self.establish(caller, callee, sdp(caller, 40002))
            kind, text = self.scrape(9260)
            self.assertTrue(kind.startswith("text/plain; version=0.0.4"), kind)
            for line in ("dpinholer_up 1", 'dpinholer_calls{state="offered"} 1', 'dpinholer_calls{state="answered"} 1',
                         "dpinholer_pinholes 6", "dpinholer_inspector_restarts_total 0",
                         'dpinholer_sip_messages_total{method="INVITE",result="request"} 2',
                         "dpinholer_hold_seconds_count 4"):
                self.assertIn(f"\n{line}\n", text)
            self.assertNotIn("stranger", text)
            kind, text = self.scrape(9260, "application/openmetrics-text;version=1.0.0")
            self.assertTrue(kind.startswith("application/openmetrics-text"), kind)
            self.assertTrue(text.endswith("\n# EOF\n"))
            with self.assertRaises(urllib.error.HTTPError) as refused:
                urllib.request.urlopen("http://127.0.0.1:9260/", timeout=5)
            self.assertEqual(refused.exception.code, 404)
            with self.assertRaises(urllib.error.HTTPError) as refused:
                urllib.request.urlopen("http://127.0.0.1:9260/metrics", data=b"", timeout=5)
            self.assertEqual((refused.exception.code, refused.exception.read()), (405, b"only GET\n"))
        process.terminate()
        self.assertEqual(process.wait(10), 0)

    # Connections that say nothing, half a request, or one octet now and then; from one host.
    def test_A34_slow_scrapes_give_way(self):
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        process = self.start(exporter(), "--listen", "127.0.0.1:9260")
        slow = []
        for beginning in (b"", b"GET /metrics HTTP/1.1\r\nHost: x\r\nX-Header: ") * 75:
            slow.append(self.enter(socket.create_connection(("127.0.0.1", 9260), timeout=5)))
            slow[-1].sendall(beginning)
        began = time.monotonic()
        for _ in range(5):
            self.assertIn("\ndpinholer_up 0\n", self.scrape(9260)[1])
            for client in slow:
                try:
                    client.send(b"a")
                except OSError:
                    pass
        self.assertLess(time.monotonic() - began, 5)
        process.terminate()
        self.assertEqual(process.wait(10), 0)
        self.assertEqual(process.stderr.read().count(b"a slow scrape from 127.0.0.1 gave way to another"), 1)

    # As by dpinholer-exporter.socket: it makes no IP socket of its own.
    @part("systemd")
    def test_takes_the_socket_that_systemd_hands_over(self):
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        with socket.create_server(("127.0.0.1", 0)) as given:
            port = given.getsockname()[1]
            start = f'LISTEN_PID=$$ LISTEN_FDS=1 exec "$0" 3<&{given.fileno()}'
            self.start("sh", "-c", start, exporter(), pass_fds=[given.fileno()])
            self.assertIn("\ndpinholer_up 0\n", self.scrape(port)[1])


@part("top")
class Terminal(ControlTest):
    """`dpinholer top`, on a terminal."""

    def start(self, rows=24, columns=100, terminal="xterm"):
        self.here, there = pty.openpty()
        self.addCleanup(os.close, self.here)
        self.resize(rows, columns)
        process = self.enter(subprocess.Popen([binary(), "top", "--interval", "1"], stdin=there, stdout=there,
                                              stderr=there, env={**os.environ, "TERM": terminal},
                                              start_new_session=True,
                                              preexec_fn=lambda: fcntl.ioctl(there, termios.TIOCSCTTY, 0)))
        self.addCleanup(process.kill)
        os.close(there)
        os.set_blocking(self.here, False)
        self.seen = ""
        return process

    def resize(self, rows, columns):
        fcntl.ioctl(self.here, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def shows(self, pattern):
        """Waits until that was written, without the terminal's own sequences."""
        def found():
            try:
                self.seen += os.read(self.here, 1 << 16).decode()
            except OSError:
                pass
            plain = re.sub(r"\x1b(\[[0-9;?]*[a-zA-Z]|[()=>][A-Z0-9]?|.)", " ", self.seen)
            return re.search(pattern, plain, re.DOTALL)
        wait_until(found, f"{pattern!r} on the terminal", 10)

    def test_top_shows_calls_and_their_rates_until_q(self):
        caller, callee = self.phones()
        outside, inside = self.media_ports()
        with Daemon(self.network.gateway):
            dialog = self.establish(caller, callee)
            process = self.start()
            self.shows(r"1 calls, 1 answered, 4 pinholes.*calls by rate.*" + re.escape(dialog.call_id))
            self.assert_passes(outside, inside, 300)
            self.shows(r"[1-9]\d*/s.*to 192\.0\.2\.2")
            self.seen = ""
            os.write(self.here, b"\t")
            self.shows(r"pinholes by rate.*203\.0\.113\.2:40000")
            self.seen = ""
            self.resize(10, 60)
            self.shows(r"dpinholer .*pinholes by rate")
            os.write(self.here, b"q")
            self.assertEqual(process.wait(10), 0)

    def test_top_outlives_the_daemon(self):
        with Daemon(self.network.gateway):
            process = self.start()
            self.shows(r"0 calls, 0 answered")
        self.shows(r"no daemon answers at /run/dpinholer/control")
        with Daemon(self.network.gateway):
            self.seen = ""
            self.shows(r"calls by rate")
        process.terminate()
        self.assertEqual(process.wait(10), 0)

    def test_top_wants_a_terminal(self):
        self.assertIn("top needs a terminal", self.command("top", status=2))
        with Daemon(self.network.gateway):
            self.assertEqual(self.start(terminal="nonsense").wait(10), 2)
            self.shows("^dpinholer: this terminal is not known; set TERM to what it is")
