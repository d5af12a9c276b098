// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <algorithm>
#include <array>
#include <forward_list>
#include <optional>
#include <string>
#include <string_view>

#include "message/framing.h"

namespace dpinholer::message {

/// The fields of one header by name, their values on one line each. Refers to the header, and what it returns
/// is valid as long as both are.
class Fields {
 public:
  explicit Fields(const Header& header) : header_(header) {
    for (const auto& field : header.fields) {
      auto& first = first_[static_cast<std::size_t>(field.name)];
      if (first == nullptr) {
        first = &field;
        ++kinds_;
      }
    }
  }

  std::optional<std::string_view> first(FieldName name) {
    const Field* field = first_[static_cast<std::size_t>(name)];
    if (field == nullptr) return std::nullopt;
    return text(*field);
  }

  /// The first one with its folds, if it has any: valid as long as the octets that the header refers to.
  std::string_view as_written(FieldName name) const {
    const Field* field = first_[static_cast<std::size_t>(name)];
    return field == nullptr ? std::string_view() : field->value;
  }

  /// Whether there are others than the first, of another value.
  bool differ(FieldName name) {
    if (header_.fields.size() == kinds_) return false;  // the usual case: each is there once
    const auto expected = first(name);
    return any(name, [expected](std::string_view value) { return value != expected; });
  }

  /// Whether `predicate` holds for the value of one of them.
  template <typename Predicate>
  bool any(FieldName name, Predicate predicate) {
    return std::any_of(header_.fields.begin(), header_.fields.end(),
                       [&](const Field& field) { return field.name == name && predicate(text(field)); });
  }

 private:
  std::string_view text(const Field& field) {
    return field.folded ? unfold(field, unfolded_.emplace_front()) : field.value;
  }

  static constexpr std::size_t names = static_cast<std::size_t>(FieldName::via) + 1;

  const Header& header_;
  std::array<const Field*, names> first_{};
  std::size_t kinds_ = 0;  // of fields that are there
  std::forward_list<std::string> unfolded_;
};

}  // namespace dpinholer::message
