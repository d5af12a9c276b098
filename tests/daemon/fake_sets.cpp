// SPDX-License-Identifier: GPL-2.0-or-later
#include "fake_sets.h"

#include <algorithm>
#include <cerrno>
#include <utility>

namespace dpinholer {

using pinhole::ElementChange;
using pinhole::ElementKey;
using system::CommitError;
using system::ElementState;
using system::SystemError;

namespace {

ElementState state_of(const ElementKey& key, const FakeSets::Element& element) {
  ElementState state;
  state.key = key;
  state.timeout = state.expires = std::chrono::seconds{300};
  state.packets = element.packets;
  state.comment = element.comment;
  return state;
}

}  // namespace

void FakeSets::flush() {
  for (const auto& [key, element] : elements) news.removed.push_back(state_of(key, element));
  elements.clear();
}

void FakeSets::destroy() {
  elements.clear();
  missing = true;
  news.sets = true;
}

void FakeSets::restore() {
  missing = false;
  news.sets = true;
}

void FakeSets::add(const ElementKey& key, const std::string& comment, bool told) {
  const auto [place, is_new] = elements.try_emplace(key, Element{comment, 0});
  if (is_new && told) news.added.push_back(state_of(key, place->second));
}

void FakeSets::remove(const ElementKey& key, bool told) {
  const auto place = elements.find(key);
  if (place == elements.end()) return;
  if (told) news.removed.push_back(state_of(key, place->second));
  elements.erase(place);
}

std::set<ElementKey> FakeSets::keys() const {
  std::set<ElementKey> all;
  for (const auto& [key, element] : elements) all.insert(key);
  return all;
}

std::vector<std::string> FakeSets::faults() {
  return missing ? std::vector<std::string>{"no sets"} : std::vector<std::string>{};
}

void FakeSets::fail_next(Fault what) {
  fault = what;
  at = steps_;
  struck = false;
}

// What goes wrong with a transaction of so many changes, and with which.
FakeSets::Fault FakeSets::strike(std::size_t changes, std::size_t& index) {
  const std::size_t first = std::exchange(steps_, steps_ + changes);
  if (struck || fault == Fault::none || at < first || at >= first + changes) return Fault::none;
  struck = true;
  index = at - first;
  return fault;
}

// The errno of a change that is refused.
std::optional<int> FakeSets::apply(const ElementChange& change, Elements& to,
                                   std::vector<ElementState>& removed) const {
  if (missing) return ENOENT;
  const auto place = to.find(change.key);
  const bool is_new = place == to.end();
  if (!is_new && change.kind != ElementChange::Kind::add) {
    removed.push_back(state_of(place->first, place->second));
    to.erase(place);
  }
  if (change.kind == ElementChange::Kind::remove || (!is_new && change.kind == ElementChange::Kind::add)) {
    return std::nullopt;
  }
  const auto held = std::count_if(elements.begin(), elements.end(),
                                  [&](const auto& element) { return element.first.set == change.key.set; });
  if (is_new && static_cast<std::size_t>(held) >= size) return ENFILE;
  to[change.key] = {change.comment, 0};
  return std::nullopt;
}

tl::expected<void, CommitError> FakeSets::commit(std::span<const ElementChange> changes,
                                                 std::vector<ElementState>* removed) {
  const std::lock_guard lock(ruleset);
  ++commits_;
  std::size_t index = 0;
  const Fault now = strike(changes.size(), index);
  if (now == Fault::flush_before) flush();
  if (now == Fault::fill) size = 0;
  CommitError error;
  Elements after = elements;
  std::vector<ElementState> gone;
  for (std::size_t i = 0; i < changes.size(); ++i) {
    auto code = apply(changes[i], after, gone);
    if (now == Fault::refuse && i == index) code = ENOMEM;
    if (code) error.refused.push_back({i, *code});
  }
  if (!error.refused.empty()) error.error = {"element", error.refused.front().code, "of a test"};
  if (now == Fault::fail) error.error = {"transaction", ENOBUFS, "of a test"};
  const bool waited = now == Fault::wait_if_done || now == Fault::wait_if_not;
  const CommitError lost{{"acknowledgement", waited ? ETIMEDOUT : ENOBUFS, "of a test"}, 0, {}, true};
  if (now == Fault::lose_if_not || now == Fault::wait_if_not) error = lost;
  if (error.error.code != 0) {
    ++aborts_;
    return tl::unexpected(std::move(error));
  }
  elements = std::move(after);
  if (now == Fault::lose_if_done || now == Fault::wait_if_done) return tl::unexpected(lost);
  if (removed != nullptr) removed->insert(removed->end(), gone.begin(), gone.end());
  if (now == Fault::flush_after) flush();
  if (now == Fault::destroy_after) {
    destroy();
    restore();
  }
  return {};
}

tl::expected<std::vector<std::optional<ElementState>>, SystemError> FakeSets::find_all(
    std::span<const ElementKey> keys) {
  lookups_ += keys.size();
  if (blind > 0) {
    --blind;
    return tl::unexpected(SystemError{"find", ENOBUFS, "of a test"});
  }
  std::vector<std::optional<ElementState>> found;
  for (const ElementKey& key : keys) {
    const auto place = elements.find(key);
    found.push_back(place == elements.end() ? std::nullopt : std::optional(state_of(key, place->second)));
  }
  return found;
}

void FakeSets::visit_all(pinhole::Set set, const std::function<void(const ElementState&)>& visit) {
  const bool passes_over = resizing > 0;
  if (passes_over) --resizing;
  std::size_t place = 0;
  for (const auto& [key, element] : elements) {
    if (key.set != set || (passes_over && ++place % 2 == 0)) continue;
    visit(state_of(key, element));
  }
}

tl::expected<bool, SystemError> FakeSets::for_each(pinhole::Set set,
                                                   const std::function<void(const ElementState&)>& visit) {
  if (blind > 0) {
    --blind;
    return tl::unexpected(SystemError{"list", ENOBUFS, "of a test"});
  }
  visit_all(set, visit);
  return !restless;
}

tl::expected<void, SystemError> FakeSets::begin_reading(pinhole::Set set) {
  reading_.clear();
  visit_all(set, [&](const ElementState& state) { reading_.push_back(state); });
  return {};
}

tl::expected<bool, SystemError> FakeSets::read_some(const std::function<void(const ElementState&)>& visit) {
  if (missing) return tl::unexpected(SystemError{"read", ENOENT, "of a test"});
  if (blind > 0) {
    --blind;
    return tl::unexpected(SystemError{"read", ENOBUFS, "of a test"});
  }
  for (int i = 0; i < 3 && !reading_.empty(); ++i) {
    visit(reading_.back());
    reading_.pop_back();
  }
  return !reading_.empty();
}

}  // namespace dpinholer
