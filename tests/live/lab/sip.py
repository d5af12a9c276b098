# SPDX-License-Identifier: GPL-2.0-or-later
"""SIP messages (RFC 3261) as two phones exchange them, and a phone's socket. The test is in charge: nothing is
sent, repeated or answered by itself. For calls in numbers there is sipp."""

import re
import socket


class Phone:
    """A UDP socket on port 5060. A context manager."""

    transport = "UDP"

    def __init__(self, host, family, address):
        self._socket = host.udp(family, address, 5060)
        self.family, self.address = family, address

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._socket.close()

    def send(self, message, to):
        """`message`: str or bytes. Returns the octets sent."""
        data = message.encode() if isinstance(message, str) else message
        self._socket.sendto(data, (to.address, 5060))
        return data

    def receive(self, seconds=5.0):
        """The next datagram. Fails if none comes."""
        self._socket.settimeout(seconds)
        try:
            return self._socket.recvfrom(65535)[0]
        except socket.timeout:
            raise AssertionError(f"{self.address}: no SIP within {seconds:g} s") from None

    def pass_to(self, other, message, by=None):
        """Sends, and fails unless the very same octets arrive. `by`: the address to send to, where NAT leads from
        there to the other."""
        data = message.encode() if isinstance(message, str) else message
        sent = data
        self._socket.sendto(data, (by or other.address, 5060))
        got = other.receive()
        if got != sent:
            raise AssertionError(f"sent {sent!r}, arrived {got!r}")


def sdp(phone, port, address=None, media="audio", protocol="RTP/AVP", attributes=()):
    """A session description with one m-line."""
    where = address or phone.address
    lines = ["v=0", f"o=- 1 1 IN {phone.family.sdp} {where}", "s=-", f"c=IN {phone.family.sdp} {where}", "t=0 0",
             f"m={media} {port} {protocol} 0", *attributes]
    return "".join(line + "\r\n" for line in lines)


def filler(octets):
    """Attributes that make an SDP longer by about so much, as those of a phone with many codecs do."""
    line = "a=fmtp:96 profile-level-id=42e01f;packetization-mode=1;max-mbps=108000;max-fs=3600;x-note={:04}"
    return [line.format(number) for number in range(octets // (len(line) + 2))]


def kind(message):
    """"INVITE", "200 INVITE", ... of the octets of a message."""
    start, _, rest = message.partition(b"\r\n")
    if not start.startswith(b"SIP/2.0 "):
        return start.split(b" ")[0].decode()
    method = re.search(rb"^CSeq: \d+ (\w+)", rest, re.MULTILINE).group(1)
    return f"{start.split(b' ')[1].decode()} {method.decode()}"


class Dialog:
    """The messages of one call from `caller` to `callee`, with its tags and sequence numbers."""

    _next = 1
    _answered = False

    def __init__(self, caller, callee, call_id=None):
        number = Dialog._next
        Dialog._next += 1
        self.call_id = call_id or f"call-{number}@{caller.address}"
        self._caller, self._callee = caller, callee
        self._tags = {caller: f"caller{number}", callee: f"callee{number}"}
        self._sequence = {caller: 100, callee: 500}
        self._branch = 0

    def request(self, method, sender=None, body="", sequence=None, branch=None):
        """A request by `sender` (the caller unless said otherwise), within the dialog unless it is an INVITE
        before any response."""
        sender = sender or self._caller
        if sequence is None:
            self._sequence[sender] += 1
            sequence = self._sequence[sender]
        if branch is None:
            self._branch += 1
            branch = f"z9hG4bK-{self.call_id}-{self._branch}"
        self._last = (method, sender, sequence, branch)
        other = self._callee if sender is self._caller else self._caller
        to_tag = "" if method in ("INVITE", "CANCEL") and sender is self._caller and not self._answered else \
            f";tag={self._tags[other]}"
        return self._message(f"{method} sip:user@{other.family.uri(other.address)} SIP/2.0", sender,
                             f"<sip:user@{sender.address}>;tag={self._tags[sender]}",
                             f"<sip:user@{other.address}>{to_tag}", method, sequence, branch, body)

    def response(self, code, reason, body="", tagged=True):
        """A response to the last request but ACK."""
        method, requester, sequence, branch = self._last
        other = self._callee if requester is self._caller else self._caller
        if tagged and 200 <= code < 300 and method == "INVITE":
            self._answered = True
        to_tag = f";tag={self._tags[other]}" if tagged else ""
        return self._message(f"SIP/2.0 {code} {reason}", requester,
                             f"<sip:user@{requester.address}>;tag={self._tags[requester]}",
                             f"<sip:user@{other.address}>{to_tag}", method, sequence, branch, body, by=other)

    def invite(self, body):
        return self.request("INVITE", body=body)

    def ack(self):
        """To a 2xx: a transaction of its own with the INVITE's sequence number."""
        _, sender, sequence, _ = self._last
        invite = self._last
        message = self.request("ACK", sender, sequence=sequence)
        self._last = invite
        return message

    def cancel(self):
        """Of the INVITE: its sequence number and branch (RFC 3261 section 9.1)."""
        _, sender, sequence, branch = self._last
        return self.request("CANCEL", sender, sequence=sequence, branch=branch)

    def bye(self, sender=None):
        return self.request("BYE", sender)

    def _message(self, start, via, from_, to, method, sequence, branch, body, by=None):
        contact = by or via
        lines = [start,
                 f"Via: SIP/2.0/{via.transport} {via.family.uri(via.address)}:5060;branch={branch}",
                 "Max-Forwards: 70",
                 f"From: {from_}",
                 f"To: {to}",
                 f"Call-ID: {self.call_id}",
                 f"CSeq: {sequence} {method}",
                 f"Contact: <sip:user@{contact.family.uri(contact.address)}:5060>"]
        if body:
            lines.append("Content-Type: application/sdp")
        lines.append(f"Content-Length: {len(body)}")
        return "".join(line + "\r\n" for line in lines) + "\r\n" + body
