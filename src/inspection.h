// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/interface.h"
#include "base/time.h"
#include "pinhole/host.h"
#include "pinhole/pinhole.h"
#include "pinhole/recovered.h"
#include "pipeline.h"
#include "system/error.h"

/// The plain values that the gatekeeper and the inspector send each other (architecture.md, two processes).
namespace dpinholer {

/// The work of an inspector, in the order in which it stands here.
struct Batch {
  struct Packet {
    base::Bytes octets;  ///< from the IP header on; valid until the batch was looked at
    base::Interface arrival = base::Interface::unknown;
  };
  struct Media {
    pinhole::Key key;
    std::optional<base::Address> source;  ///< nothing: the pinhole is open to anybody
    base::TimePoint seen;
  };

  base::TimePoint now;
  bool networks_changed = false;  ///< what was said of the host's addresses and routes is not true any more
  std::vector<pinhole::Recovered> recovered;  ///< to be taken over, before the first packet: whole calls
  std::vector<Connection> connections;        ///< to be resumed
  std::vector<Media> media;                   ///< that went through pinholes
  std::vector<std::string> close;             ///< calls to be closed (Pipeline::close)
  std::vector<Packet> packets;                ///< at most limits::queue_batch
};

/// The inspector's answer to a batch.
struct Findings {
  /// Where a connection is now; nothing when it can't be resumed. See ConnectionObserver.
  struct ConnectionNews {
    ip::StreamId stream = 0;
    std::optional<Connection> now;
  };
  struct Packet {
    Reading reading;
    bool changes_something = false;
  };

  /// One for each of the first packets of the batch: of all, unless these were enough for one answer. Then
  /// the others are to be given again.
  std::vector<Packet> packets;
  Outcome outcome;
  std::optional<base::TimePoint> next_deadline;  ///< when it has to be asked again, be it with nothing
  Counters counters;
  std::uint32_t closed = 0;                 ///< of the calls that were to be closed, those that there are
  std::vector<ConnectionNews> connections;  ///< in the order in which it happened
};

/// The questions of an inspector while it looks.
class Questions : public pinhole::Host {
 public:
  /// The sources of `asked` whose packets went through an open pinhole since the last question about each;
  /// when it is open to others than was thought, those of all its sources.
  virtual pinhole::Sources has_media(const pinhole::Senders& asked) = 0;
};

/// No inspector can be started any more; one line with its remedy.
struct NoInspection : system::KernelError {
  using KernelError::KernelError;
};

/// Reads packets: in this process (inspector.h), or in another (inspector_process.h).
class Inspection {
 public:
  virtual ~Inspection() = default;

  /// To be called first, and again after `inspect` has failed: from then on there is an inspector that knows
  /// nothing yet; its first batches are to bring everything that is open. Throws NoInspection.
  virtual void start(base::TimePoint now) = 0;
  /// Not to be called before this, if there is such a time.
  virtual std::optional<base::TimePoint> next_start() const = 0;

  /// Readable when it has failed while nobody asked it, which `notice` takes note of; -1: never. Another one
  /// after each start.
  virtual int fd() const { return -1; }
  virtual void notice() {}

  /// How often it has failed, and its process; 0: it is this one, or there is none.
  virtual std::uint64_t failures() const { return 0; }
  virtual int process() const { return 0; }

  /// Findings on at least one packet, if there are any. Nothing when the inspector failed: it has told
  /// nothing of these packets, and has lost all that it knew.
  virtual std::optional<Findings> inspect(const Batch& batch, Questions& questions) = 0;
};

}  // namespace dpinholer
