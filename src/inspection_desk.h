// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <unordered_map>
#include <vector>

#include "base/time.h"
#include "gatekeeper.h"
#include "inspection.h"
#include "ip/streams.h"
#include "pinhole/pinhole.h"
#include "pinhole/recovered.h"
#include "pipeline.h"
#include "system/host_networks.h"

namespace dpinholer {

/// Between the daemon and whoever reads SIP for it: starts one, tells it what is open, asks it, and has the
/// gatekeeper judge what it wants.
class InspectionDesk {
 public:
  struct Daemon {
    std::function<void(int fd)> watch;  ///< a descriptor upon which `failed` is to be called
    std::function<void()> finish;       ///< carry the outcome out, and empty it
  };

  /// All must live longer. Findings go to `outcome`.
  InspectionDesk(Inspection& inspection, Gatekeeper& gatekeeper, system::HostNetworks& networks, bool observe,
                 Outcome& outcome, Daemon daemon);

  /// The first one takes over what a daemon before this one had open, and its connections. Throws
  /// NoInspection.
  void take_over(std::vector<Connection> connections, base::TimePoint now);
  /// Another one, if there is to be one now, goes on where the last one was.
  void start(base::TimePoint now);
  /// The one that there is has ended by itself, or is not wanted any more.
  void failed();
  void dismissed() { inspecting_ = false; }

  /// The inspector's findings on the packets. Nothing when it failed, which this has counted and logged, or
  /// when there is none. When it fails after some packets, the findings on the others are empty.
  std::optional<std::vector<Findings::Packet>> inspect(Batch batch, base::TimePoint now);
  /// Asks the inspector for what is due without a packet.
  void run_timers(base::TimePoint now);
  /// Of calls that were to be closed with the last batch, those that there were.
  std::uint32_t closed() const { return closed_; }

  void media_seen(const pinhole::Key& key, const std::optional<base::Address>& source, base::TimePoint when) {
    media_.push_back({key, source, when});
  }
  void networks_changed() { networks_changed_ = true; }
  /// Connections that are followed, from now on; those beyond it are not resumed.
  void set_most_connections(std::size_t most) { most_connections_ = most; }

  /// When `start` or `run_timers` has something to do.
  std::optional<base::TimePoint> next_deadline() const;

  std::vector<Connection> connections() const;    ///< that could be resumed
  const Counters& seen() const { return seen_; }  ///< by all that there were
  const Inspection& inspection() const { return inspection_; }

 private:
  // The inspector learns from this what goes on in the kernel, and nothing else.
  class KernelAnswers : public Questions {
   public:
    KernelAnswers(system::HostNetworks& networks, Gatekeeper& gatekeeper, bool observe)
        : networks_(networks), gatekeeper_(gatekeeper), observe_(observe) {}

    std::vector<base::Interface> owners(const base::Address& address) override {
      return networks_.owners(address);
    }
    std::vector<base::Interface> ways_to(const base::Address& address, base::Interface arrival) override {
      return networks_.ways_to(address, arrival);
    }
    std::string name(base::Interface interface) override { return networks_.name(interface); }
    // A daemon that only observes does not know.
    pinhole::Sources has_media(const pinhole::Senders& asked) override {
      return observe_ ? asked.sources : gatekeeper_.has_media(asked);
    }

   private:
    system::HostNetworks& networks_;
    Gatekeeper& gatekeeper_;
    bool observe_;
  };

  std::optional<Findings> ask(const Batch& batch, base::TimePoint now);
  void adopt(std::vector<pinhole::Recovered> open, std::vector<Connection> connections, base::TimePoint now);
  void note(const std::vector<Findings::ConnectionNews>& news);

  Inspection& inspection_;
  Gatekeeper& gatekeeper_;
  KernelAnswers kernel_;
  Outcome& outcome_;
  Daemon daemon_;
  std::size_t most_connections_ = 0;

  bool inspecting_ = false;  // there is somebody
  bool networks_changed_ = false;
  std::optional<base::TimePoint> timer_due_;
  std::vector<Batch::Media> media_;  // seen since it was asked last
  Counters seen_;
  Counters seen_before_;  // by those before this one
  std::unordered_map<ip::StreamId, Connection> connections_;
  std::vector<Connection> left_;  // by earlier inspectors, until this one has taken note
  std::uint32_t closed_ = 0;
};

}  // namespace dpinholer
