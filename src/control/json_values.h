// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

/// Values of JSON objects that another program wrote: what is missing or of another type is empty or zero.
namespace dpinholer::control {

using Json = nlohmann::ordered_json;

/// An object; an empty one when `line` is none.
inline Json read_object(std::string_view line) {
  constexpr bool may_throw = false;
  Json object = Json::parse(line, nullptr, may_throw);
  return object.is_object() ? object : Json::object();
}

inline const Json& value(const Json& object, const char* key) {
  static const Json nothing;
  if (!object.is_object()) return nothing;
  const auto found = object.find(key);
  return found == object.end() ? nothing : *found;
}

inline std::string text(const Json& object, const char* key) {
  const auto* found = value(object, key).get_ptr<const std::string*>();
  return found == nullptr ? std::string() : *found;
}

inline double number(const Json& object, const char* key) {
  const Json& found = value(object, key);
  return found.is_number() ? found.get<double>() : 0;
}

inline std::uint64_t count(const Json& object, const char* key) {
  const Json& found = value(object, key);
  return found.is_number_unsigned() ? found.get<std::uint64_t>() : 0;
}

inline bool flag(const Json& object, const char* key) {
  const Json& found = value(object, key);
  return found.is_boolean() && found.get<bool>();
}

/// The elements of a list; none when it is no list.
inline const Json& list(const Json& object, const char* key) {
  static const Json none = Json::array();
  const Json& found = value(object, key);
  return found.is_array() ? found : none;
}

}  // namespace dpinholer::control
