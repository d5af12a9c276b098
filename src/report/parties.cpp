// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/parties.h"

namespace dpinholer::report {

Parties::Parties(const Call& call) {
  for (const Row& row : call.rows) {
    const bool message = row.kind == Row::Kind::message;
    if (message && row.source.address == row.destination.address) shared_.insert(row.source.address);
  }
}

std::string Parties::name(const base::Endpoint& endpoint) const {
  return shared_.contains(endpoint.address) ? to_string(endpoint) : endpoint.address.to_string();
}

}  // namespace dpinholer::report
