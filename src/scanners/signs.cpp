// SPDX-License-Identifier: GPL-2.0-or-later
#include "scanners/signs.h"

#include <algorithm>

#include "message/lexical.h"

namespace dpinholer::scanners {

namespace {

std::vector<std::string> lowered(std::vector<std::string> texts) {
  for (std::string& text : texts) std::ranges::transform(text, text.begin(), message::lower);
  return texts;
}

void append(std::vector<std::string>& texts, const std::vector<std::string>& more) {
  texts.insert(texts.end(), more.begin(), more.end());
}

const std::string* find_in(std::string_view value, const std::vector<std::string>& texts) {
  const auto found = std::ranges::find_if(texts, [&](const std::string& text) {
    auto same = [](char one, char lowered) { return message::lower(one) == lowered; };
    return std::search(value.begin(), value.end(), text.begin(), text.end(), same) != value.end();
  });
  return found == texts.end() ? nullptr : &*found;
}

}  // namespace

std::vector<std::string> well_known_user_agents() {
  return {"friendly-request", "friendly-scanner", "pplsip",         "sip-scan", "siparmyknife",
          "sipcli",           "sipptk",           "sippts",         "sipscan",  "sipvicious",
          "sundayddr",        "vaxipuseragent",   "vaxsipuseragent"};
}

std::vector<std::string> well_known_from() {
  return {"sipvicious"};
}

Signs::Signs(const Settings& settings)
    : user_agents_(lowered(settings.user_agents)),
      from_(lowered(settings.from)),
      request_uris_(lowered(settings.request_uris)) {
  if (!settings.well_known) return;
  append(user_agents_, well_known_user_agents());
  append(from_, well_known_from());
}

std::optional<Signs::Sign> Signs::find(const message::SipMessage& message) const {
  const auto& [user_agent, from, uri] = message.introduction;
  if (const auto* text = find_in(user_agent, user_agents_)) return Sign{Cause::user_agent, *text};
  if (const auto* text = find_in(from, from_)) return Sign{Cause::from, *text};
  if (const auto* text = find_in(uri, request_uris_)) return Sign{Cause::request_uri, *text};
  return std::nullopt;
}

}  // namespace dpinholer::scanners
