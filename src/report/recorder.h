// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "report/story.h"

namespace dpinholer::report {

/// Makes a story of what a replay tells, in the order in which it tells it. Time must not go backwards.
class Recorder {
 public:
  explicit Recorder(std::string file) { story_.file = std::move(file); }

  void message(const message::SipMessage& message, const base::Endpoint& source,
               const base::Endpoint& destination, base::TimePoint now);
  void unread(const message::UnreadEvent& event);
  /// A packet that was judged, and the pinhole that let it through.
  void media(base::Protocol protocol, const base::Endpoint& source, const base::Endpoint& destination,
             const std::optional<pinhole::Key>& pinhole, base::TimePoint now);
  void change(const pinhole::Change& change);
  void refusal(const pinhole::Refusal& refusal);

  /// `error`: what broke the capture off; empty if nothing did. The recorder is of no use after this.
  Story finish(const system::Summary& summary, std::string error);

 private:
  struct Place {
    Index call = 0;
    Index pinhole = 0;
  };
  using FlowKey =
      std::tuple<base::Protocol, base::Endpoint, base::Endpoint, std::optional<std::pair<Index, Index>>>;

  /// One piece more, if there is room.
  bool afford();
  Call* call_of(const std::string& call_id, base::TimePoint now, bool begin);
  /// Keeps the first and the last rows of a call; nothing when there is no room.
  Row* add_row(Call& call, Row row);
  void add_media_rows(Index call);
  Row* row_for(Call& call, base::TimePoint time);
  void open(Call& call, const pinhole::Change& change);
  void count(const FlowKey& key, Fate fate, base::TimePoint now);
  void count_row(Index call, const base::Endpoint& source, Index pinhole, bool passed, base::TimePoint now);
  base::Endpoint party(Index call, base::Protocol protocol, const base::Endpoint& endpoint) const;
  void settle_outside();

  Story story_;
  std::size_t pieces_ = 0;
  std::map<std::string, Index, std::less<>> calls_;
  std::map<pinhole::Key, Place> first_;  // pinholes at an endpoint: the first
  std::map<pinhole::Key, Place> last_;   // and the last, which may be open
  std::map<FlowKey, std::size_t> flows_;
  std::map<Index, std::vector<Row>> media_;  // of calls: since their last row
};

}  // namespace dpinholer::report
