// SPDX-License-Identifier: GPL-2.0-or-later
//
// Numbers and enumerations have their own size; a bool is an octet, 0 or 1; what may be absent is a bool and,
// if it is there, the value; a list is a 32-bit count and its elements, a text one of octets. An address is
// its family and 16 octets, the last 12 of which are 0 for IPv4. The fields of each value stand below, once
// for both directions.
//
// The reader checks that each number is one of its type and each address one of its family, and that an
// answer takes no more memory than it may. pinhole::Guard judges whether the changes in it are allowed.
#include "inspection_codec.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <type_traits>

#include "base/limits.h"

namespace dpinholer::codec {

namespace {

namespace limits = base::limits;

class Encoder {
 public:
  static constexpr bool reads = false;

  explicit Encoder(Buffer& into) : into_(into) { into_.clear(); }

  template <typename Number>
  void raw(const Number& value) {
    static_assert(std::is_trivially_copyable_v<Number>);
    octets({reinterpret_cast<const std::uint8_t*>(&value), sizeof value});
  }
  void octets(base::Bytes octets) { into_.insert(into_.end(), octets.begin(), octets.end()); }

  bool failed() const { return false; }
  void require(bool) {}

 private:
  Buffer& into_;
};

// Counts the octets that an encoder would write.
class Meter {
 public:
  static constexpr bool reads = false;

  template <typename Number>
  void raw(const Number&) {
    octets_ += sizeof(Number);
  }
  void octets(base::Bytes octets) { octets_ += octets.size(); }

  bool failed() const { return false; }
  void require(bool) {}
  std::size_t total() const { return octets_; }

 private:
  std::size_t octets_ = 0;
};

class Decoder {
 public:
  static constexpr bool reads = true;

  explicit Decoder(base::Bytes from) : from_(from) {}

  template <typename Number>
  void raw(Number& value) {
    static_assert(std::is_trivially_copyable_v<Number>);
    const base::Bytes octets = take(sizeof value);
    if (!failed_) std::memcpy(&value, octets.data(), sizeof value);
  }
  base::Bytes take(std::size_t octets) {
    failed_ = failed_ || octets > from_.size();
    if (failed_) return {};
    const base::Bytes taken = from_.first(octets);
    from_ = from_.subspan(octets);
    return taken;
  }

  // Takes the memory of the next value from what is left.
  void charge(std::size_t octets) {
    require(octets <= memory_);
    if (!failed_) memory_ -= octets;
  }

  std::size_t left() const { return from_.size(); }
  bool failed() const { return failed_; }
  void require(bool condition) { failed_ = failed_ || !condition; }
  bool finished() const { return !failed_ && from_.empty(); }

 private:
  base::Bytes from_;
  std::size_t memory_ = limits::inspection_memory;
  bool failed_ = false;
};

// ---- Fields of simple types
// ---------------------------------------------------------------------------------

template <typename Archive, typename Number>
requires std::is_integral_v<Number>
void field(Archive& archive, Number& value) {
  archive.raw(value);
}

template <typename Archive>
void field(Archive& archive, bool& value) {
  std::uint8_t octet = value ? 1 : 0;
  archive.raw(octet);
  archive.require(octet <= 1);
  value = octet == 1;
}

template <typename Archive, typename Enumeration>
void enumeration(Archive& archive, Enumeration& value, Enumeration last) {
  archive.raw(value);
  archive.require(value <= last);
  value = std::min(value, last);
}

template <typename Archive>
void field(Archive& archive, base::Interface& value) {
  archive.raw(value);
}

template <typename Archive>
void field(Archive& archive, base::TimePoint& value) {
  std::int64_t count = value.time_since_epoch().count();
  archive.raw(count);
  value = base::TimePoint{base::Duration{count}};
}

template <typename Archive>
void field(Archive& archive, base::seconds& value) {
  std::int64_t count = value.count();
  archive.raw(count);
  value = base::seconds{count};
}

template <typename Archive>
requires(!Archive::reads) void text(Archive& archive, const std::string& value, std::size_t most) {
  const std::string_view cut = std::string_view(value).substr(0, most);
  archive.raw(static_cast<std::uint32_t>(cut.size()));
  archive.octets(base::as_bytes(cut));
}
void text(Decoder& archive, std::string& value, std::size_t most) {
  std::uint32_t length = 0;
  archive.raw(length);
  archive.require(length <= most);
  archive.charge(length);
  value = base::as_text(archive.take(archive.failed() ? 0 : length));
}

template <typename Archive, typename Element, typename Field>
requires(!Archive::reads) void list(Archive& archive, const std::vector<Element>& elements, Field each) {
  archive.raw(static_cast<std::uint32_t>(elements.size()));
  for (const Element& element : elements) each(archive, const_cast<Element&>(element));
}
template <typename Element, typename Field>
void list(Decoder& archive, std::vector<Element>& elements, Field each) {
  std::uint32_t count = 0;
  archive.raw(count);
  static const std::size_t least = [&each] {  // octets that an element takes at least
    Meter meter;
    Element empty{};
    each(meter, empty);
    return meter.total();
  }();
  archive.require(count <= archive.left() / least);
  archive.charge(count * sizeof(Element));
  if (archive.failed()) return;
  elements.reserve(count);
  for (std::uint32_t i = 0; i < count && !archive.failed(); ++i) each(archive, elements.emplace_back());
}

template <typename Archive, typename Value, typename Field>
void optional(Archive& archive, std::optional<Value>& value, Field content) {
  bool there = value.has_value();
  field(archive, there);
  if (!there) return;
  if (!value) value.emplace();
  content(archive, *value);
}

// For the lists and optionals of types that have a field below.
constexpr auto each = [](auto& archive, auto& value) { field(archive, value); };

// ---- Values, from the bottom up
// -----------------------------------------------------------------------------

template <typename Archive>
requires(!Archive::reads) void field(Archive& archive, const base::Address& value) {
  std::array<std::uint8_t, 16> octets{};
  std::ranges::copy(value.bytes(), octets.begin());
  archive.raw(value.family());
  archive.octets(octets);
}
void field(Decoder& archive, base::Address& value) {
  base::Family family = base::Family::ipv4;
  enumeration(archive, family, base::Family::ipv6);
  const base::Bytes octets = archive.take(16);
  if (archive.failed()) return;
  value = base::Address::from_bytes(family, octets.data());
  const auto rest = octets.subspan(value.bytes().size());
  archive.require(std::ranges::all_of(rest, [](std::uint8_t octet) { return octet == 0; }));
}

template <typename Archive>
void field(Archive& archive, base::Protocol& value) {
  archive.raw(value);
  archive.require(value == base::Protocol::udp || value == base::Protocol::tcp);
}

template <typename Archive>
void field(Archive& archive, base::Endpoint& value) {
  field(archive, value.address);
  field(archive, value.port);
}

template <typename Archive>
void field(Archive& archive, pinhole::Key& value) {
  field(archive, value.protocol);
  field(archive, value.destination);
}

template <typename Archive>
void field(Archive& archive, pinhole::Sources& value) {
  list(archive, value, [](auto& at, auto& source) { optional(at, source, each); });
  archive.require(value.size() <= limits::asked_sources);
}

template <typename Archive>
void field(Archive& archive, pinhole::Senders& value) {
  field(archive, value.key);
  field(archive, value.sources);
}

template <typename Archive>
void field(Archive& archive, pinhole::Label& value) {
  text(archive, value.call_id, limits::call_id_length);
  text(archive, value.media, limits::token_length);
  enumeration(archive, value.component, negotiation::Component::data);
  optional(archive, value.call_hash, each);
  if constexpr (Archive::reads) value.media = name(negotiation::media_of(value.media));
}

// The sources of a pinhole: sorted, each once, all of its own family.
template <typename Archive>
void sources(Archive& archive, const pinhole::Key& key, std::vector<base::Address>& from) {
  list(archive, from, each);
  const base::Family family = key.destination.address.family();
  for (std::size_t i = 0; i < from.size(); ++i)
    archive.require(from[i].family() == family && (i == 0 || from[i - 1] < from[i]));
}

// The causes of changes stand before those of refusals (negotiation/cause.h). A call that the operator has
// closed is refused for the cause `requested` what it asks for after that.
bool may_change(negotiation::Cause cause) {
  return cause < negotiation::Cause::other_side;
}
bool may_refuse(negotiation::Cause cause) {
  return !may_change(cause) || cause == negotiation::Cause::requested;
}

// The gatekeeper knows what a pinhole was bound to before: that is not sent.
template <typename Archive>
void field(Archive& archive, pinhole::Change& value) {
  enumeration(archive, value.kind, pinhole::Change::Kind::close);
  field(archive, value.key);
  sources(archive, value.key, value.from);
  field(archive, value.timeout);
  field(archive, value.label);
  enumeration(archive, value.cause, negotiation::Cause::no_request);
  archive.require(may_change(value.cause));
  field(archive, value.time);
  field(archive, value.announced_by);
}

template <typename Archive>
void field(Archive& archive, pinhole::Refusal& value) {
  field(archive, value.protocol);
  text(archive, value.address, limits::host_name_length);
  field(archive, value.port);
  field(archive, value.label);
  enumeration(archive, value.cause, negotiation::Cause::no_request);
  field(archive, value.time);
  archive.require(may_refuse(value.cause) && !value.label.call_hash);
}

template <typename Archive>
void field(Archive& archive, scanners::Offence& value) {
  field(archive, value.source);
  enumeration(archive, value.cause, scanners::Cause::failures);
  text(archive, value.text, limits::offence_text);
  field(archive, value.time);
}

template <typename Archive>
void field(Archive& archive, message::UnreadEvent& value) {
  enumeration(archive, value.what.cause, message::UnreadCause::bound);
  text(archive, value.what.text, limits::unread_text);
  field(archive, value.protocol);
  field(archive, value.source);
  field(archive, value.destination);
  archive.require(value.source.address.family() == value.destination.address.family());
  text(archive, value.call_id, limits::call_id_length);
  field(archive, value.time);
}

template <typename Archive>
void field(Archive& archive, pinhole::FarNat& value) {
  text(archive, value.call_id, limits::call_id_length);
  field(archive, value.announced);
  field(archive, value.source);
  field(archive, value.time);
  if constexpr (Archive::reads) archive.require(pinhole::is_far_nat(value.announced, value.source));
}

template <typename Archive>
void field(Archive& archive, pinhole::Recovered& value) {
  field(archive, value.key);
  sources(archive, value.key, value.from);
  enumeration(archive, value.media, negotiation::Media::other);
  enumeration(archive, value.component, negotiation::Component::data);
  text(archive, value.call, limits::call_id_length);
  field(archive, value.call_hash);
  field(archive, value.timeout);
}

template <typename Archive>
void field(Archive& archive, Connection& value) {
  field(archive, value.position.initiator);
  field(archive, value.position.responder);
  field(archive, value.position.initiator_next);
  field(archive, value.position.responder_next);
  field(archive, value.websocket);
  archive.require(value.position.initiator.address.family() == value.position.responder.address.family());
}

template <typename Archive>
void field(Archive& archive, Batch::Media& value) {
  field(archive, value.key);
  optional(archive, value.source, each);
  field(archive, value.seen);
}

template <typename Archive>
requires(!Archive::reads) void field(Archive& archive, const Batch::Packet& value) {
  archive.raw(value.arrival);
  archive.raw(static_cast<std::uint32_t>(value.octets.size()));
  archive.octets(value.octets);
}
void field(Decoder& archive, Batch::Packet& value) {
  std::uint32_t length = 0;
  archive.raw(value.arrival);
  archive.raw(length);
  value.octets = archive.take(length);
}

template <typename Archive>
void field(Archive& archive, Batch& value) {
  field(archive, value.now);
  field(archive, value.networks_changed);
  list(archive, value.recovered, each);
  list(archive, value.connections, each);
  list(archive, value.media, each);
  list(archive, value.close, [](auto& at, auto& call_id) { text(at, call_id, limits::call_id_length); });
  list(archive, value.packets, each);
}

template <typename Archive>
void field(Archive& archive, Findings::ConnectionNews& value) {
  field(archive, value.stream);
  optional(archive, value.now, each);
}

template <typename Archive>
void field(Archive& archive, Findings::Packet& value) {
  enumeration(archive, value.reading.kind, Reading::Kind::unreadable);
  field(archive, value.reading.protocol);
  field(archive, value.reading.source);
  field(archive, value.reading.destination);
  field(archive, value.reading.of_a_call);
  field(archive, value.changes_something);
}

template <typename Archive>
void field(Archive& archive, Findings& value) {
  list(archive, value.packets, each);
  list(archive, value.outcome.changes, each);
  std::size_t sources = 0;
  for (const pinhole::Change& change : value.outcome.changes) sources += change.from.size();
  archive.require(value.outcome.changes.size() <= limits::changes_per_batch &&
                  sources <= limits::sources_per_batch);
  list(archive, value.outcome.refusals, each);
  list(archive, value.outcome.offences, each);
  list(archive, value.outcome.unread, each);
  list(archive, value.outcome.far_nats, each);
  optional(archive, value.next_deadline, each);
  archive.raw(value.counters);
  field(archive, value.closed);
  list(archive, value.connections, each);
}

template <typename Archive>
void field(Archive& archive, AddressQuestion& value) {
  field(archive, value.address);
  field(archive, value.arrival);
}

template <typename Value>
void write(const Value& value, Buffer& into) {
  Encoder encoder(into);
  field(encoder, const_cast<Value&>(value));  // which it leaves as it is
}

template <typename Value>
std::optional<Value> read(base::Bytes content) {
  Decoder decoder(content);
  Value value{};
  field(decoder, value);
  if (!decoder.finished()) return std::nullopt;
  return value;
}

}  // namespace

void encode(const Batch& batch, Buffer& into) {
  write(batch, into);
}
void encode(const Findings& findings, Buffer& into) {
  write(findings, into);
}
void encode(const AddressQuestion& question, Buffer& into) {
  write(question, into);
}
void encode(const pinhole::Senders& senders, Buffer& into) {
  write(senders, into);
}
void encode(const pinhole::Sources& answer, Buffer& into) {
  write(answer, into);
}
void encode(base::Interface interface, Buffer& into) {
  write(interface, into);
}
void encode(const std::vector<base::Interface>& answer, Buffer& into) {
  Encoder encoder(into);
  list(encoder, answer, each);
}
void encode(const std::string& answer, Buffer& into) {
  Encoder encoder(into);
  text(encoder, answer, limits::host_name_length);
}

std::optional<Batch> decode_batch(base::Bytes content) {
  return read<Batch>(content);
}
std::optional<Findings> decode_findings(base::Bytes content) {
  return read<Findings>(content);
}
std::optional<AddressQuestion> decode_address_question(base::Bytes content) {
  return read<AddressQuestion>(content);
}
std::optional<pinhole::Senders> decode_senders(base::Bytes content) {
  return read<pinhole::Senders>(content);
}
std::optional<pinhole::Sources> decode_sources(base::Bytes content) {
  return read<pinhole::Sources>(content);
}
std::optional<base::Interface> decode_interface(base::Bytes content) {
  return read<base::Interface>(content);
}

std::optional<std::vector<base::Interface>> decode_interfaces(base::Bytes content) {
  Decoder decoder(content);
  std::vector<base::Interface> interfaces;
  list(decoder, interfaces, each);
  if (!decoder.finished()) return std::nullopt;
  return interfaces;
}

std::optional<std::string> decode_text(base::Bytes content) {
  Decoder decoder(content);
  std::string value;
  text(decoder, value, limits::host_name_length);
  if (!decoder.finished()) return std::nullopt;
  return value;
}

}  // namespace dpinholer::codec
