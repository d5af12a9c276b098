// SPDX-License-Identifier: GPL-2.0-or-later
// The one file that includes libosip2; docs/libosip2.md says what it reads wrong.
//
// framing.h finds the fields and field_values.h reads them, strictly, in every message. Of messages that may
// change a call libosip2 reads From, To and Via as well, and where it reads something else the message is
// ambiguous: an endpoint might read it so too. That it refuses a value means nothing, it refuses many that
// are right. Media types and dispositions, which decide what a body is, are libosip2's alone.
//
// Not osip_message_parse: it copies the whole message, refuses it for a fault in a field that is of no
// interest here, and for a header field that is there twice with one value. Its parsers of single values
// share no state: nothing has to be initialised (parser_init fills a table of osip_message_parse) and any
// thread may use them.
#include "message/sip_message.h"

#include <osipparser2/headers/osip_content_disposition.h>
#include <osipparser2/osip_message.h>

#include <algorithm>
#include <array>
#include <memory>
#include <span>

#include "base/limits.h"
#include "message/field_values.h"
#include "message/fields.h"
#include "message/framing.h"
#include "message/lexical.h"
#include "message/multipart.h"

namespace dpinholer::message {

namespace {

namespace limits = base::limits;

// ---- Owners of what libosip2 allocates --------------------------------------------------------------------

template <typename T, void (*release)(T*)>
struct Release {
  void operator()(T* object) const { release(object); }
};
template <typename T, int (*create)(T**), void (*release)(T*)>
std::unique_ptr<T, Release<T, release>> make() {
  T* object = nullptr;
  if (create(&object) != OSIP_SUCCESS) throw std::bad_alloc();
  return std::unique_ptr<T, Release<T, release>>(object);
}

// ---- What libosip2 reads ----------------------------------------------------------------------------------

// As Parameter, but owns its text.
struct OwnedParameter {
  std::string value;
  bool repeated = false;
};

OwnedParameter find_in_list(const osip_list_t& parameters, std::string_view name) {
  OwnedParameter found;
  bool seen = false;
  osip_list_iterator_t at;
  for (void* entry = osip_list_get_first(&parameters, &at); entry != nullptr;
       entry = osip_list_get_next(&at)) {
    const auto* parameter = static_cast<const osip_generic_param_t*>(entry);
    if (!equal_ignoring_case(trim(parameter->gname), name)) continue;
    if (!seen && parameter->gvalue != nullptr) found.value = trim(parameter->gvalue);
    found.repeated = seen;
    seen = true;
  }
  return found;
}

// libosip2 walks a list to its end for each element that it adds: the 32,000 parameters that fit into one
// datagram take it seconds. It is not given such a value.
bool is_bounded(std::string_view value) {
  return value.size() <= limits::value_length &&
         static_cast<std::size_t>(std::count(value.begin(), value.end(), ';')) <= limits::value_semicolons;
}

// Whether libosip2 reads another tag in a From or To.
bool reads_other_tag(const std::string& value, std::string_view tag) {
  auto address = make<osip_from_t, osip_from_init, osip_from_free>();
  if (osip_from_parse(address.get(), value.c_str()) != OSIP_SUCCESS) return false;
  return find_in_list(address->gen_params, "tag").value != tag;
}

// Whether libosip2 reads another branch in a single Via value.
bool reads_other_branch(const std::string& value, std::string_view branch) {
  auto via = make<osip_via_t, osip_via_init, osip_via_free>();
  if (osip_via_parse(via.get(), value.c_str()) != OSIP_SUCCESS) return false;
  return find_in_list(via->via_params, "branch").value != branch;
}

// ---- Bodies -----------------------------------------------------------------------------------------------

struct MediaType {
  std::string type;
  std::string subtype;
  std::string boundary;  // empty when there is none, or more than one

  bool is(std::string_view its_type, std::string_view its_subtype) const {
    return equal_ignoring_case(type, its_type) && equal_ignoring_case(subtype, its_subtype);
  }
};

std::optional<MediaType> read_media_type(std::string_view value) {
  auto parsed = make<osip_content_type_t, osip_content_type_init, osip_content_type_free>();
  if (osip_content_type_parse(parsed.get(), std::string(value).c_str()) != OSIP_SUCCESS) return std::nullopt;
  if (parsed->type == nullptr || parsed->subtype == nullptr) return std::nullopt;
  const auto boundary = find_in_list(parsed->gen_params, "boundary");
  return MediaType{parsed->type, parsed->subtype, boundary.repeated ? "" : unquote(boundary.value)};
}

enum class Disposition : std::uint8_t { session, early_session, other };

// RFC 3261 section 20.11: absent means session for application/sdp.
Disposition read_disposition(std::optional<std::string_view> value) {
  if (!value) return Disposition::session;
  auto parsed = make<osip_content_disposition_t, osip_call_info_init, osip_call_info_free>();
  const std::string text(*value);
  if (osip_content_disposition_parse(parsed.get(), text.c_str()) != OSIP_SUCCESS ||
      parsed->element == nullptr) {
    return Disposition::other;
  }
  const std::string_view type = trim(parsed->element);
  if (equal_ignoring_case(type, "session")) return Disposition::session;
  return equal_ignoring_case(type, "early-session") ? Disposition::early_session : Disposition::other;
}

// The encoding of a body, as "Content-Encoding gzip"; nothing when it is as it is.
std::optional<std::string> read_encoding(Fields& fields) {
  static constexpr std::string_view identity[] = {"", "identity"};
  static constexpr std::string_view as_they_are[] = {"binary", "8bit", "7bit"};
  const auto find = [&](FieldName name, std::span<const std::string_view> plain) {
    std::optional<std::string> found;
    fields.any(name, [&](std::string_view value) {
      const bool is_plain =
          std::ranges::any_of(plain, [&](std::string_view word) { return equal_ignoring_case(value, word); });
      if (!is_plain) found = value;
      return !is_plain;
    });
    return found;
  };
  if (const auto coding = find(FieldName::content_encoding, identity)) return "Content-Encoding " + *coding;
  if (const auto coding = find(FieldName::content_transfer_encoding, as_they_are))
    return "Content-Transfer-Encoding " + *coding;
  return std::nullopt;
}

// RFC 3261 section 23.4.3, RFC 1847 section 2.2. What is only signed stands in a multipart of its own.
bool is_encrypted(const MediaType& type) {
  return type.is("application", "pkcs7-mime") || type.is("application", "x-pkcs7-mime") ||
         type.is("multipart", "encrypted");
}

// Looks for session descriptions in a body and its parts.
class BodyReader {
 public:
  BodyReader(SipMessage& message, const DescriptionLimits& limits) : message_(message), limits_(limits) {}

  /// `beyond`: what Content-Length leaves out of the body.
  void read(Fields& fields, std::string_view body, std::string_view beyond) {
    Descriptions found;
    read(fields, body, found, 0);
    take(found.session, message_.session);
    take(found.early_session, message_.early_session);
    take(found.ice_fragment, message_.ice_fragment);
    // A part that was not read is no loss where another one has a session description.
    if (message_.session || message_.early_session || message_.ice_fragment) fault_.reset();
    if (!message_.unread) message_.unread = std::move(fault_);
    if (leaves_out_description(fields, beyond)) {
      message_.unread =
          unread(UnreadCause::cut, "Content-Length " + std::to_string(body.size()) + ", the body has " +
                                       std::to_string(body.size() + beyond.size()) + " octets");
    }
  }

 private:
  struct Described {
    SessionDescription description;
    std::optional<Unread> unread;  // of it
  };
  struct Descriptions {
    std::optional<Described> session;
    std::optional<Described> early_session;
    std::optional<Described> ice_fragment;
  };

  void take(std::optional<Described>& found, std::optional<SessionDescription>& description) {
    if (!found) return;
    description = std::move(found->description);
    if (!message_.unread) message_.unread = std::move(found->unread);
  }

  void note(UnreadCause cause, std::string_view text) {
    if (!fault_) fault_ = unread(cause, text);
  }

  bool is_description(const MediaType& type) const {
    return message_.method == Method::info ? type.is("application", "trickle-ice-sdpfrag")
                                           : type.is("application", "sdp");
  }

  bool leaves_out_description(Fields& fields, std::string_view beyond) const {
    const auto value = fields.first(FieldName::content_type);
    if (!value || !is_bounded(*value) || beyond.find_first_not_of("\r\n") == std::string_view::npos)
      return false;
    const auto type = read_media_type(*value);
    return type && (is_description(*type) || equal_ignoring_case(type->type, "multipart"));
  }

  void read(Fields& fields, std::string_view body, Descriptions& found, std::size_t depth) {
    if (body.empty()) return;
    // Without a type it is no session description (RFC 3261 section 20.15), even when it looks like one.
    const auto value = fields.first(FieldName::content_type);
    if (!value) {
      if (depth == 0) note(UnreadCause::syntax, "a body without Content-Type");
      return;
    }
    const auto disposition = fields.first(FieldName::content_disposition);
    if (!is_bounded(*value) || (disposition && !is_bounded(*disposition)))
      return note(UnreadCause::syntax, "Content-Type or Content-Disposition is too long");
    const auto type = read_media_type(*value);
    if (!type || !is_token(type->subtype))
      return note(UnreadCause::syntax, "Content-Type " + std::string(*value));
    if (is_encrypted(*type)) return note(UnreadCause::encrypted, type->type + "/" + type->subtype);
    const bool multipart = equal_ignoring_case(type->type, "multipart");
    if (!multipart && !is_description(*type)) return;
    if (fields.differ(FieldName::content_type) || fields.differ(FieldName::content_disposition)) {
      note(UnreadCause::syntax, "two of Content-Type or Content-Disposition, which differ");
    } else if (const auto encoding = read_encoding(fields)) {
      note(UnreadCause::encoding, *encoding);
    } else if (multipart) {
      read_parts(*type, body, found, depth);
    } else if (message_.method == Method::info) {
      if (!found.ice_fragment) found.ice_fragment = {read_session_description(body, limits_), std::nullopt};
    } else {
      read_session(read_disposition(disposition), body, found);
    }
  }

  void read_parts(const MediaType& type, std::string_view body, Descriptions& found, std::size_t depth) {
    if (type.boundary.empty() || type.boundary.size() > limits::boundary_length)
      return note(UnreadCause::syntax, "multipart/" + type.subtype + " without a boundary that can be read");
    if (depth == limits::body_depth) return note(UnreadCause::syntax, "multiparts in multiparts, too deep");
    const auto parts = split_multipart(body, type.boundary, limits::body_parts);
    if (parts.empty()) note(UnreadCause::syntax, "multipart/" + type.subtype + " without a part");
    const bool alternative = equal_ignoring_case(type.subtype, "alternative");
    Descriptions last;
    for (std::string_view part : parts) {
      if (++parts_ > limits::body_parts) {
        note(UnreadCause::syntax, "a body of too many parts");
        break;
      }
      Header header;
      if (!read_part_header(part, header)) {
        note(UnreadCause::syntax, "the header of a part");
        continue;
      }
      Fields fields(header);
      const std::string_view content = part.substr(header.length);
      if (!alternative) {
        read(fields, content, found, depth + 1);
        continue;
      }
      // RFC 2046 section 5.1.4: the last part that the receiver understands counts.
      Descriptions one;
      read(fields, content, one, depth + 1);
      replace(last.session, one.session);
      replace(last.early_session, one.early_session);
      replace(last.ice_fragment, one.ice_fragment);
    }
    if (!found.session) replace(found.session, last.session);
    if (!found.early_session) replace(found.early_session, last.early_session);
    if (!found.ice_fragment) replace(found.ice_fragment, last.ice_fragment);
  }

  void read_session(Disposition disposition, std::string_view body, Descriptions& found) {
    if (disposition == Disposition::other) return;
    auto& into = disposition == Disposition::session ? found.session : found.early_session;
    if (into) return;
    into.emplace();
    into->description = read_session_description(body, limits_, into->unread);
  }

  static void replace(std::optional<Described>& one, std::optional<Described>& by) {
    if (by) one = std::move(by);
  }

  SipMessage& message_;
  const DescriptionLimits& limits_;
  std::optional<Unread> fault_;  // of a body or part that may have had one
  std::size_t parts_ = 0;
};

// ---- Messages ---------------------------------------------------------------------------------------------

struct MethodRow {
  Method method;
  std::string_view name;
  bool counts;        // may change a call (calls.md section 1)
  bool request_body;  // may carry an offer, an answer or candidates
  bool response_body;
};
constexpr MethodRow method_rows[] = {
    {Method::invite, "INVITE", true, true, true},
    {Method::ack, "ACK", true, true, false},
    {Method::bye, "BYE", true, false, false},
    {Method::cancel, "CANCEL", true, false, false},
    {Method::update, "UPDATE", true, true, true},
    {Method::prack, "PRACK", true, true, true},
    {Method::info, "INFO", true, true, false},
    {Method::message, "MESSAGE", false, false, false},
    {Method::notify, "NOTIFY", false, false, false},
    {Method::options, "OPTIONS", false, false, false},
    {Method::publish, "PUBLISH", false, false, false},
    {Method::refer, "REFER", false, false, false},
    {Method::register_, "REGISTER", false, false, false},
    {Method::subscribe, "SUBSCRIBE", false, false, false},
    {Method::other, "other", false, false, false},
};

const MethodRow& row_of(Method method) {
  return method_rows[static_cast<std::size_t>(method)];
}

// Methods are compared as they are written (RFC 3261 section 7.1).
Method method_of(std::string_view name) {
  for (const auto& row : method_rows) {
    if (name == row.name) return row.method;
  }
  return Method::other;
}

// Visible ASCII only: what they stand for is compared octet by octet, and ends up in logs.
bool take_parameter(std::optional<std::string_view> parameters, std::string_view name, std::size_t longest,
                    std::string& text, bool& ambiguous) {
  const auto parameter = parameters ? find_parameter(*parameters, name) : std::nullopt;
  if (!parameter || parameter->value.size() > longest) return false;
  if (!is_visible_text(parameter->value)) return false;
  text = parameter->value;
  ambiguous |= parameter->repeated;
  return true;
}

// Tags and branch. A Via that can't be read makes a message ambiguous that could change a call: the next
// proxy removes it, and what the message says goes on (attack A24).
bool read_identity(SipMessage& message, std::string_view from, std::string_view to, std::string_view vias) {
  const std::string_view via = first_of_list(vias);
  if (!is_bounded(from) || !is_bounded(to)) return false;
  bool& ambiguous = message.ambiguous;
  if (!take_parameter(address_parameters(from), "tag", limits::tag_length, message.from_tag, ambiguous) ||
      !take_parameter(address_parameters(to), "tag", limits::tag_length, message.to_tag, ambiguous)) {
    return false;
  }
  const bool knows_via = is_bounded(via) && take_parameter(via_parameters(via), "branch",
                                                           limits::branch_length, message.branch, ambiguous);
  if (!knows_via && !row_of(message.method).counts) return false;
  ambiguous |= !knows_via;
  // A message that can't change a call may well mean something else to others.
  if (!row_of(message.method).counts) return true;
  ambiguous = ambiguous || reads_other_tag(std::string(from), message.from_tag) ||
              reads_other_tag(std::string(to), message.to_tag) ||
              (knows_via && reads_other_branch(std::string(via), message.branch));
  return true;
}

std::optional<RAck> read_rack(std::string_view value) {
  const auto response_number = read_u32(take_word(value));
  const auto cseq = read_cseq(trim(value));
  if (!response_number || !cseq) return std::nullopt;
  return RAck{*response_number, cseq->number, method_of(cseq->method)};
}

// Reads fields that are there for the methods that count. One that can't be read is as if absent.
void read_extensions(SipMessage& message, Fields& fields) {
  if (const auto value = fields.first(FieldName::session_expires)) {
    if (const auto seconds = read_delta_seconds(*value)) message.session_expires = base::seconds(*seconds);
  }
  if (const auto value = fields.first(FieldName::rack); value && message.is_request())
    message.rack = read_rack(*value);
  const auto rseq = fields.first(FieldName::rseq);
  if (rseq && message.is_provisional() &&
      fields.any(FieldName::require, [](auto value) { return list_contains(value, "100rel"); })) {
    message.rseq = read_u32(*rseq);
  }
}

tl::expected<SipMessage, MessageError> read_all(const Header& header, std::string_view body,
                                                std::string_view beyond, const DescriptionLimits& limits) {
  const auto malformed = tl::make_unexpected(MessageError::malformed);
  Fields fields(header);
  const auto call_id = fields.first(FieldName::call_id);
  const auto cseq_text = fields.first(FieldName::cseq);
  const auto from = fields.first(FieldName::from);
  const auto to = fields.first(FieldName::to);
  const auto via = fields.first(FieldName::via);
  if (!call_id || !cseq_text || !from || !to || !via) return malformed;
  const auto cseq = read_cseq(*cseq_text);
  if (!cseq || !is_call_id(*call_id)) return malformed;

  SipMessage message;
  message.status = header.start.status;
  if (message.is_request() && cseq->method != header.start.method) return malformed;
  message.method = method_of(cseq->method);
  message.call_id = *call_id;
  message.cseq = cseq->number;
  message.ambiguous = header.content_length_ambiguous || fields.differ(FieldName::call_id) ||
                      fields.differ(FieldName::cseq) || fields.differ(FieldName::from) ||
                      fields.differ(FieldName::to);
  if (!read_identity(message, *from, *to, *via)) return malformed;
  if (message.is_request()) {
    message.introduction = {fields.as_written(FieldName::user_agent), fields.as_written(FieldName::from),
                            header.start.uri};
  }
  const MethodRow& row = row_of(message.method);
  if (row.counts) read_extensions(message, fields);
  if (message.is_request() ? row.request_body : row.response_body)
    BodyReader(message, limits).read(fields, body, beyond);
  return message;
}

// RFC 8489 section 5: two zero bits, a type, a length of words behind the header, the magic cookie.
bool is_stun(base::Bytes payload) {
  constexpr std::size_t header_length = 20;
  constexpr std::array<std::uint8_t, 4> magic_cookie{0x21, 0x12, 0xa4, 0x42};
  if (payload.size() < header_length || payload[0] >= 0x40) return false;
  const std::size_t length = std::size_t{payload[2]} * 256 + payload[3];
  return length % 4 == 0 && length == payload.size() - header_length &&
         std::ranges::equal(payload.subspan(4, magic_cookie.size()), magic_cookie);
}

}  // namespace

tl::expected<SipMessage, MessageError> read_message(const Header& header, std::string_view body,
                                                    const DescriptionLimits& limits) {
  return read_all(header, body, {}, limits);
}

std::string_view name(Method method) {
  return row_of(method).name;
}

tl::expected<SipMessage, MessageError> read_datagram_message(base::Bytes payload,
                                                             const DescriptionLimits& limits) {
  if (payload.empty()) return tl::make_unexpected(MessageError::empty);
  const std::string_view octets = base::as_text(payload);
  FramingProgress progress;
  Header header;
  switch (read_header(octets, Extent::datagram, progress, header)) {
    case FrameStatus::keep_alive:
      return tl::make_unexpected(MessageError::keep_alive);
    case FrameStatus::not_sip:
      return tl::make_unexpected(is_stun(payload) ? MessageError::stun : MessageError::not_sip);
    case FrameStatus::need_more:  // of streams only
    case FrameStatus::malformed:
      return tl::make_unexpected(MessageError::malformed);
    case FrameStatus::header:
      break;
  }
  const std::string_view rest = octets.substr(header.length);
  const std::uint64_t length =
      std::min<std::uint64_t>(header.content_length.value_or(rest.size()), rest.size());
  const std::string_view body = rest.substr(0, static_cast<std::size_t>(length));
  return read_all(header, body, rest.substr(body.size()), limits);
}

}  // namespace dpinholer::message
