// SPDX-License-Identifier: GPL-2.0-or-later
// Any octets as what gatekeeper and inspector say to each other. The first octet chooses what it is taken
// for; what is read and written again stays as it is.
#include <algorithm>

#include "fuzz/check.h"
#include "inspection_codec.h"

using namespace dpinholer;

namespace {

template <typename Decode>
void check(Decode decode, base::Bytes content) {
  const auto value = decode(content);
  if (!value) return;
  codec::Buffer once;
  codec::encode(*value, once);
  const auto again = decode(base::Bytes(once));
  FUZZ_CHECK(again.has_value());
  codec::Buffer twice;
  codec::encode(*again, twice);
  FUZZ_CHECK(once == twice);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const base::Bytes content(data + 1, size - 1);
  switch (data[0]) {
    case 0:
      check(codec::decode_batch, content);
      break;
    case 1:
      check(codec::decode_findings, content);
      break;
    case 2:
      check(codec::decode_address_question, content);
      break;
    case 3:
      check(codec::decode_senders, content);
      break;
    case 4:
      check(codec::decode_interface, content);
      break;
    case 5:
      check(codec::decode_sources, content);
      break;
    case 6:
      check(codec::decode_interfaces, content);
      break;
    case 7:
      check(codec::decode_text, content);
      break;
    default:
      break;
  }
  return 0;
}
