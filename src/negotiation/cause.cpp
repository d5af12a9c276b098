// SPDX-License-Identifier: GPL-2.0-or-later
#include "negotiation/cause.h"

namespace dpinholer::negotiation {

std::string_view name(Cause cause) {
  switch (cause) {
    case Cause::offer:
      return "offer";
    case Cause::answer:
      return "answer";
    case Cause::candidate:
      return "candidate";
    case Cause::recovered:
      return "recovered";
    case Cause::bye:
      return "bye";
    case Cause::rejected:
      return "rejected";
    case Cause::cancelled:
      return "cancelled";
    case Cause::replaced:
      return "replaced";
    case Cause::held:
      return "held";
    case Cause::expired:
      return "expired";
    case Cause::session_expired:
      return "session-expired";
    case Cause::idle:
      return "idle";
    case Cause::early_timeout:
      return "early-timeout";
    case Cause::fork:
      return "fork";
    case Cause::requested:
      return "requested";
    case Cause::shutdown:
      return "shutdown";
    case Cause::other_side:
      return "other-side";
    case Cause::networks:
      return "networks";
    case Cause::tcp_off:
      return "tcp-off";
    case Cause::port_policy:
      return "port-policy";
    case Cause::address:
      return "address";
    case Cause::ambiguous:
      return "ambiguous";
    case Cause::limit:
      return "limit";
    case Cause::no_request:
      return "no-request";
  }
  return "";
}

}  // namespace dpinholer::negotiation
