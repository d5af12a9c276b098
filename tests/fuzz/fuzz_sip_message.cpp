// SPDX-License-Identifier: GPL-2.0-or-later
// Any octets as a datagram, and the same octets as a stream that comes in pieces.
#include <algorithm>
#include <string>

#include "fuzz/check_description.h"
#include "message/framing.h"
#include "message/lexical.h"
#include "message/sip_message.h"

using namespace dpinholer;
using namespace dpinholer::message;

namespace {

void check(const SipMessage& message, const DescriptionLimits& limits) {
  FUZZ_CHECK(message.status == 0 || (message.status >= 100 && message.status <= 699));
  FUZZ_CHECK(message.cseq <= 0x7fffffff);
  FUZZ_CHECK(!message.call_id.empty() && message.call_id.size() <= base::limits::call_id_length);
  FUZZ_CHECK(message.from_tag.size() <= base::limits::tag_length);
  FUZZ_CHECK(message.to_tag.size() <= base::limits::tag_length);
  FUZZ_CHECK(message.branch.size() <= base::limits::branch_length);
  for (const auto* text : {&message.call_id, &message.from_tag, &message.to_tag, &message.branch}) {
    FUZZ_CHECK(is_visible_text(*text));
  }
  const bool offers = message.method == Method::invite || message.method == Method::update ||
                      message.method == Method::prack ||
                      (message.method == Method::ack && message.is_request());
  FUZZ_CHECK(offers || (!message.session && !message.early_session));
  FUZZ_CHECK((message.method == Method::info && message.is_request()) || !message.ice_fragment);
  FUZZ_CHECK(!message.rseq || message.is_provisional());
  FUZZ_CHECK(!message.rack || message.is_request());
  for (const auto* description : {&message.session, &message.early_session, &message.ice_fragment}) {
    if (*description) check(**description, limits);
  }
}

// A stream must come to the same header, whatever the pieces.
void check_stream(std::string_view octets) {
  FramingProgress none;
  Header whole;
  const FrameStatus expected = read_header(octets, Extent::stream, none, whole);
  FramingProgress progress;
  Header header;
  FrameStatus status = FrameStatus::need_more;
  std::size_t there = 0;
  for (std::size_t step = 1; there < octets.size(); step = step * 2 % 61) {
    there = std::min(there + step, octets.size());
    status = read_header(octets.substr(0, there), Extent::stream, progress, header);
    if (status != FrameStatus::need_more && status != FrameStatus::keep_alive) break;
  }
  if (octets.empty()) return;
  FUZZ_CHECK(status == expected);
  FUZZ_CHECK(status != FrameStatus::header || (header.length == whole.length && header.length <= there));

  // And to what a datagram of it would be, but for the leave to end without the empty line.
  FramingProgress unused;
  Header datagram;
  const FrameStatus alone = read_header(octets, Extent::datagram, unused, datagram);
  if (status == FrameStatus::header) FUZZ_CHECK(alone == status && datagram.length == header.length);
  if (status == FrameStatus::not_sip) FUZZ_CHECK(alone == status || alone == FrameStatus::keep_alive);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const DescriptionLimits limits;
  const auto message = read_datagram_message({data, size}, limits);
  if (message) check(*message, limits);
  check_stream({reinterpret_cast<const char*>(data), size});
  return 0;
}
