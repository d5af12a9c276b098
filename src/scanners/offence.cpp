// SPDX-License-Identifier: GPL-2.0-or-later
#include "scanners/offence.h"

namespace dpinholer::scanners {

std::string_view name(Cause cause) {
  switch (cause) {
    case Cause::user_agent:
      return "user-agent";
    case Cause::from:
      return "from";
    case Cause::request_uri:
      return "request-uri";
    case Cause::failures:
      return "failures";
  }
  return "";
}

}  // namespace dpinholer::scanners
