// SPDX-License-Identifier: GPL-2.0-or-later
// What one datagram costs to read, by kind: those that may open pinholes, and those that can't matter and
// must not cost more than a look. The counter is the price per octet.
#include <benchmark/benchmark.h>

#include <string>

#include "message/framing.h"
#include "message/sip_message.h"

namespace dpinholer::message {
namespace {

std::string request(const std::string& method, const std::string& fields, const std::string& body) {
  return method +
         " sip:bob@biloxi.example.com SIP/2.0\r\n"
         "Via: SIP/2.0/UDP proxy.atlanta.example.com:5060;branch=z9hG4bK776asdhds.1;received=192.0.2.17;rport=5060\r\n"
         "Via: SIP/2.0/UDP 192.0.2.101:5060;branch=z9hG4bK776asdhds;rport\r\n"
         "Record-Route: <sip:proxy.atlanta.example.com;lr>\r\n"
         "Max-Forwards: 69\r\n"
         "From: \"Alice\" <sip:alice@atlanta.example.com>;tag=1928301774\r\n"
         "To: \"Bob\" <sip:bob@biloxi.example.com>\r\n"
         "Call-ID: a84b4c76e66710@192.0.2.101\r\n"
         "CSeq: 314159 " +
         method +
         "\r\n"
         "Contact: <sip:alice@192.0.2.101:5060;transport=udp>\r\n"
         "User-Agent: Example Phone 1.2.3\r\n"
         "Allow: INVITE, ACK, CANCEL, BYE, NOTIFY, REFER, OPTIONS, UPDATE, PRACK, INFO\r\n"
         "Supported: timer, replaces, 100rel\r\n" +
         fields + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

const std::string audio =
    "v=0\r\no=alice 53655765 2353687637 IN IP4 192.0.2.101\r\ns=-\r\nc=IN IP4 192.0.2.101\r\nt=0 0\r\n"
    "m=audio 49170 RTP/AVP 8 0 101\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\n"
    "a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=ptime:20\r\na=sendrecv\r\n";
const std::string invite = request("INVITE", "Session-Expires: 1800\r\nContent-Type: application/sdp\r\n", audio);
const std::string in_multipart =
    request("INVITE", "Content-Type: multipart/mixed;boundary=boundary1\r\n",
            "--boundary1\r\nContent-Type: application/sdp\r\n\r\n" + audio +
                "\r\n--boundary1\r\nContent-Type: application/pidf+xml\r\n\r\n<presence/>\r\n--boundary1--\r\n");
const std::string bye = request("BYE", "", "");
const std::string options = request("OPTIONS", "Accept: application/sdp\r\n", "");
const std::string register_ = request("REGISTER", "Expires: 3600\r\n", "");
const std::string media("\x80\x00\x12\x34", 4);  // the beginning of an RTP packet
const std::string keep_alive = "\r\n\r\n";

void read_datagram(benchmark::State& state, const std::string& text) {
  for (auto _ : state) {
    benchmark::DoNotOptimize(read_datagram_message(base::as_bytes(text), {}));
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * text.size()));
}
BENCHMARK_CAPTURE(read_datagram, invite, invite);
BENCHMARK_CAPTURE(read_datagram, invite_multipart, in_multipart);
BENCHMARK_CAPTURE(read_datagram, bye, bye);
BENCHMARK_CAPTURE(read_datagram, options, options);
BENCHMARK_CAPTURE(read_datagram, register, register_);
BENCHMARK_CAPTURE(read_datagram, media, media + std::string(168, '\x55'));
BENCHMARK_CAPTURE(read_datagram, keep_alive, keep_alive);

void frame_header(benchmark::State& state) {
  for (auto _ : state) {
    FramingProgress progress;
    Header header;
    benchmark::DoNotOptimize(read_header(invite, Extent::datagram, progress, header));
  }
}
BENCHMARK(frame_header);

void read_description(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(read_session_description(audio, {}));
}
BENCHMARK(read_description);

// Attack A5: the time must grow with the octets and not faster, and stop at the bound.
void read_candidates(benchmark::State& state) {
  std::string text = "m=audio 9 RTP/AVP 0\r\n";
  while (text.size() < static_cast<std::size_t>(state.range(0))) {
    text += "a=candidate:1 1 UDP 2130706431 host.invalid 8998 typ host\r\n";
  }
  for (auto _ : state) benchmark::DoNotOptimize(read_session_description(text, {}));
  state.SetComplexityN(state.range(0));
}
BENCHMARK(read_candidates)->Range(1 << 10, 1 << 16)->Complexity(benchmark::oN);

}  // namespace
}  // namespace dpinholer::message
