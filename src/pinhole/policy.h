// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <optional>

#include "base/address.h"
#include "negotiation/cause.h"
#include "negotiation/media.h"
#include "pinhole/host.h"
#include "pinhole/policy_settings.h"

namespace dpinholer::pinhole {

/// What is refused whatever an SDP says (calls.md section 5). Who may speak for which side is judged before
/// (sides.h); the transport carries it.
class Policy {
 public:
  /// `host` may be null: then no address is its own. It must live longer.
  explicit Policy(PolicySettings settings, Host* host = nullptr)
      : settings_(std::move(settings)), host_(host) {}

  /// Why media may not go to `transport`, announced in a message that came from `announced_by`; nothing when
  /// it may. Of several reasons the first in the order address, other-side,
  /// networks, tcp-off, port-policy.
  std::optional<negotiation::Cause> refusal(const negotiation::Transport& transport,
                                            const base::Address& announced_by) const;

  /// Whether an address that was announced in a message from `announced_by` may count as a source of media.
  bool admits_source(const base::Address& address, const base::Address& announced_by) const;

  /// Whether media.networks leaves an address in: it lists it, or nothing.
  bool is_in_networks(const base::Address& address) const;

  bool bind_to_peer() const { return settings_.bind_to_peer; }
  bool is_own(const base::Address& address) const { return host_ != nullptr && host_->is_own(address); }

 private:
  std::optional<negotiation::Cause> address_refusal(const base::Address& address,
                                                    const base::Address& announced_by) const;
  bool refused_port(std::uint32_t port) const;

  PolicySettings settings_;
  Host* host_;
};

/// Whether an address is one that a host can have. A loopback address is.
bool is_of_a_host(const base::Address& address);

}  // namespace dpinholer::pinhole
