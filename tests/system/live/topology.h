// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "system/live/live.h"

namespace dpinholer::live {

/// Two hosts with a routing gateway between them:
///
///   outside                    gateway                                inside
///   203.0.113.5      --  203.0.113.1  192.0.2.1      --      192.0.2.10
///   2001:db8:1::5        2001:db8:1::1  2001:db8::1          2001:db8::10
///                        (interfaces out0 and in0)
struct Topology {
  Topology();

  Namespace outside;
  Namespace gateway;
  Namespace inside;
};

}  // namespace dpinholer::live
