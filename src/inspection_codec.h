// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "inspection.h"

/// The frames between gatekeeper and inspector: every length, count and enumeration is checked by whoever
/// reads one. Host byte order and no version: both ends are the same program.
namespace dpinholer::codec {

/// Of a frame (system/channel.h).
enum class Kind : std::uint16_t {
  batch = 1,  ///< to the inspector: Batch
  findings,   ///< from it, and the answer to a batch: Findings
  // The inspector's questions in between; each is answered by `answer`:
  owners,     ///< address -> interfaces
  ways_to,    ///< address, interface -> interfaces
  name,       ///< interface -> text
  has_media,  ///< pinhole, sources -> sources
  answer,
};

constexpr std::uint16_t number_of(Kind kind) {
  return static_cast<std::uint16_t>(kind);
}

using Buffer = std::vector<std::uint8_t>;

/// Replace what is in `into`.
void encode(const Batch& batch, Buffer& into);
void encode(const Findings& findings, Buffer& into);

/// Nothing when it is not one, to the last octet. The octets of packets point into `content`.
std::optional<Batch> decode_batch(base::Bytes content);
std::optional<Findings> decode_findings(base::Bytes content);

struct AddressQuestion {
  base::Address address;
  base::Interface arrival = base::Interface::unknown;  ///< of ways_to
};

void encode(const AddressQuestion& question, Buffer& into);
void encode(const pinhole::Senders& senders, Buffer& into);
void encode(const pinhole::Sources& answer, Buffer& into);
void encode(base::Interface interface, Buffer& into);
void encode(const std::vector<base::Interface>& answer, Buffer& into);
void encode(const std::string& answer, Buffer& into);

std::optional<AddressQuestion> decode_address_question(base::Bytes content);
std::optional<pinhole::Senders> decode_senders(base::Bytes content);
std::optional<pinhole::Sources> decode_sources(base::Bytes content);
std::optional<base::Interface> decode_interface(base::Bytes content);
std::optional<std::vector<base::Interface>> decode_interfaces(base::Bytes content);
std::optional<std::string> decode_text(base::Bytes content);

}  // namespace dpinholer::codec
