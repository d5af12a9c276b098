// SPDX-License-Identifier: GPL-2.0-or-later
#include "negotiation/media.h"

namespace dpinholer::negotiation {

std::string_view name(Component component) {
  switch (component) {
    case Component::rtp:
      return "rtp";
    case Component::rtcp:
      return "rtcp";
    case Component::data:
      return "data";
  }
  return "";
}

}  // namespace dpinholer::negotiation
