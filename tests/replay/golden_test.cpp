// SPDX-License-Identifier: GPL-2.0-or-later
// Every capture of pcaps/ against its golden output beside it, byte for byte. scripts/update-goldens.sh
// writes them anew; each change of one is to be read by eye before it is committed.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "replay.h"
#include "settings.h"

namespace dpinholer {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> captures() {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(fs::path(DPINHOLER_SOURCE_DIR) / "pcaps")) {
    if (entry.path().extension() == ".pcap") names.push_back(entry.path().stem().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

fs::path path_of(const std::string& name, const char* extension) {
  return fs::path(DPINHOLER_SOURCE_DIR) / "pcaps" / (name + extension);
}

// Settings of the configuration beside the capture, or the defaults.
PipelineSettings settings_of(const std::string& name) {
  PipelineSettings settings;
  settings.policy.same_side = pinhole::SameSide::off;
  const fs::path configuration = path_of(name, ".toml");
  if (!fs::exists(configuration)) return settings;
  const auto config = system::load_config(configuration.string());
  EXPECT_TRUE(config) << config.error();
  if (!config) return settings;
  settings = pipeline_settings(*config);
  settings.policy.same_side = pinhole::SameSide::configured;
  return settings;
}

// The output of `dpinholer replay --format json`.
std::string replayed(const std::string& name) {
  const PipelineSettings settings = settings_of(name);
  auto capture = system::Capture::open(path_of(name, ".pcap").string());
  EXPECT_TRUE(capture) << capture.error();
  if (!capture) return "";
  std::string text;
  const auto done = replay(*capture, settings, [&](const Event& event) {
    text += std::visit([](const auto& value) { return system::json_line(value); }, event) + "\n";
  });
  EXPECT_TRUE(done) << done.error();
  return text;
}

// The events of a capture when the outcome of `batch` frames at a time is taken, as the daemon takes it.
std::string events_in_batches(const std::string& name, std::size_t batch) {
  Pipeline pipeline(settings_of(name));
  auto capture = system::Capture::open(path_of(name, ".pcap").string());
  EXPECT_TRUE(capture) << capture.error();
  if (!capture) return "";
  std::string text;
  Outcome outcome;
  auto take = [&] {
    for (const auto& change : outcome.changes) {
      if (change.kind != pinhole::Change::Kind::refresh) text += system::json_line(change) + "\n";
    }
    outcome.changes.clear();
  };
  std::size_t frames = 0;
  for (auto frame = capture->next(); frame && *frame; frame = capture->next()) {
    pipeline.advance((*frame)->time, outcome);
    if ((*frame)->packet) pipeline.process(*(*frame)->packet, (*frame)->time, outcome);
    if (++frames % batch == 0) take();
  }
  take();
  return text;
}

// "line N: expected ..., found ..." of the first line that differs.
std::string first_difference(const std::string& expected, const std::string& found) {
  std::size_t begin = 0;
  for (int line = 1;; ++line) {
    const std::string wanted = expected.substr(begin, expected.find('\n', begin) - begin);
    const std::string got = found.substr(begin, found.find('\n', begin) - begin);
    if (wanted != got)
      return "line " + std::to_string(line) + ":\n  expected " + wanted + "\n  found    " + got;
    begin += wanted.size() + 1;
    if (begin > expected.size() || begin > found.size())
      return "line " + std::to_string(line) + ": one ends here";
  }
}

class Golden : public testing::TestWithParam<std::string> {};

TEST_P(Golden, ReplayPrintsItByteForByte) {
  const fs::path golden = path_of(GetParam(), ".jsonl");
  std::ifstream in(golden, std::ios::binary);
  ASSERT_TRUE(in) << golden << " is missing; scripts/update-goldens.sh writes it";
  const std::string expected((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  const std::string found = replayed(GetParam());
  EXPECT_TRUE(found == expected) << GetParam() << ".jsonl, " << first_difference(expected, found);
}

TEST_P(Golden, TheSameInputGivesTheSameOutputTwice) {
  EXPECT_TRUE(replayed(GetParam()) == replayed(GetParam()));
}

TEST_P(Golden, TheSameInputGivesTheSameOutputAtAnyBatchSize) {
  const std::string one_by_one = events_in_batches(GetParam(), 1);
  for (std::size_t batch : {2U, 7U, 128U, 100000U})
    EXPECT_EQ(events_in_batches(GetParam(), batch), one_by_one) << batch;
}

INSTANTIATE_TEST_SUITE_P(Captures, Golden, testing::ValuesIn(captures()), [](const auto& capture) {
  std::string name = capture.param;
  std::replace_if(
      name.begin(), name.end(), [](char c) { return c == '-' || c == '.'; }, '_');
  return name;
});

TEST(GoldenFiles, A24_TheHostInsideIsRefusedAtBothCrossings) {
  const std::string events = replayed("reported__a24-through-a-proxy");
  EXPECT_EQ(events.find("\"open\""), std::string::npos) << events;
  const std::size_t first = events.find("\"other-side\"");
  EXPECT_NE(events.find("\"other-side\"", events.find("\"time\":1.0", first)), std::string::npos) << events;
}

TEST(GoldenFiles, A27_WhatIsBoundStaysBound) {
  const std::string events = replayed("reported__a27-a-strangers-offer");
  EXPECT_NE(events.find("\"bind\""), std::string::npos) << events;
  const std::size_t stranger = events.find("\"time\":3.0");
  EXPECT_EQ(events.find("\"bind\"", std::min(stranger, events.size())), std::string::npos) << events;
}

TEST(GoldenFiles, A30_AnAnswerThatNeverCameEndsWithTheCall) {
  const std::string events = replayed("reported__an_answer_that_never_came_ends_with_the_call");
  EXPECT_NE(events.find("\"opened\":2,\"closed\":2,\"open_at_end\":0"), std::string::npos) << events;
  EXPECT_NE(events.find("\"time\":0.500000,\"event\":\"close\""), std::string::npos) << events;
}

TEST(GoldenFiles, EachBelongsToACapture) {
  ASSERT_GE(captures().size(), 32U);
  for (const auto& entry : fs::directory_iterator(fs::path(DPINHOLER_SOURCE_DIR) / "pcaps")) {
    if (entry.path().extension() != ".jsonl" && entry.path().extension() != ".toml") continue;
    EXPECT_TRUE(fs::exists(path_of(entry.path().stem().string(), ".pcap"))) << entry.path();
  }
}

TEST(GoldenFiles, ADifferenceIsNamedByItsLine) {
  EXPECT_EQ(first_difference("a\nb\n", "a\nc\n"), "line 2:\n  expected b\n  found    c");
  EXPECT_EQ(first_difference("a\nb\n", "a\n"), "line 2:\n  expected b\n  found    ");
  EXPECT_EQ(first_difference("a\n", "a\nb\n"), "line 2:\n  expected \n  found    b");
  EXPECT_EQ(first_difference("a\n", "a"), "line 1: one ends here");
}

}  // namespace
}  // namespace dpinholer
