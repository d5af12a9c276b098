// SPDX-License-Identifier: GPL-2.0-or-later
#include "negotiation/media.h"

#include <utility>

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

namespace {

constexpr std::pair<Media, std::string_view> media_names[] = {
    {Media::audio, "audio"},     {Media::video, "video"},
    {Media::text, "text"},       {Media::application, "application"},
    {Media::message, "message"}, {Media::image, "image"},
    {Media::data, "data"},       {Media::control, "control"},
    {Media::other, "other"},
};

}  // namespace

std::string_view name(Media media) {
  return media_names[static_cast<std::size_t>(media)].second;
}

Media media_of(std::string_view token) {
  for (const auto& [media, name] : media_names) {
    if (name == token) return media;
  }
  return Media::other;
}

}  // namespace dpinholer::negotiation
