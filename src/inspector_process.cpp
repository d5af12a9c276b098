// SPDX-License-Identifier: GPL-2.0-or-later
#include "inspector_process.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <utility>

#include "base/counted.h"
#include "base/limits.h"
#include "inspection_check.h"
#include "system/clock.h"
#include "system/error.h"
#include "system/log.h"

namespace dpinholer {

namespace {

namespace limits = base::limits;
using codec::Kind;
using system::Channel;

// A batch takes an inspector some milliseconds at the worst; what it asks about takes the kernel some more.
constexpr std::chrono::milliseconds inspector_patience{2000};
constexpr base::Duration longest_batch = std::chrono::seconds{5};

constexpr base::Duration first_pause = std::chrono::milliseconds{25};
constexpr base::Duration longest_pause = std::chrono::seconds{10};

// The first failure for a long time costs no pause at all.
base::Duration pause_after(unsigned failures_in_a_row) {
  if (failures_in_a_row <= 1) return base::Duration{0};
  return std::min(longest_pause, first_pause * (1U << std::min(failures_in_a_row - 2, 16U)));
}

}  // namespace

InspectorProcess::InspectorProcess(InspectorLauncher& launcher, CrashFolder folder, std::string order)
    : launcher_(launcher), folder_(std::move(folder)), order_(std::move(order)) {}

void InspectorProcess::replace(std::string order) {
  order_ = std::move(order);
  channel_.reset();
  next_start_.reset();
}

void InspectorProcess::start(base::TimePoint now) {
  channel_.emplace(launcher_.launch(order_));
  channel_->set_patience(inspector_patience);
  counted_ = {};
  started_ = now;
  next_start_.reset();
}

std::optional<base::TimePoint> InspectorProcess::next_start() const {
  return next_start_;
}

void InspectorProcess::notice() {
  if (channel_) fail({}, "it ended or spoke without being asked");
}

std::optional<Findings> InspectorProcess::inspect(const Batch& batch, Questions& questions) {
  std::string fault;
  auto findings = converse(batch, questions, fault);
  if (!findings) fail(batch, fault);
  return findings;
}

std::optional<Findings> InspectorProcess::converse(const Batch& batch, Questions& questions,
                                                   std::string& fault) {
  const auto began = system::now();
  codec::encode(batch, sending_);
  if (const auto sent = channel_->send(number_of(Kind::batch), sending_); !sent) {
    fault = sent.error().code == ETIMEDOUT ? "it did not read" : "it is gone";
    return std::nullopt;
  }
  for (std::size_t asked = 0; asked < limits::questions_per_batch; ++asked) {
    const auto frame = channel_->receive(limits::inspection_octets);
    const bool late = system::now() - began > longest_batch;
    if (!frame || late) {
      const int code = late ? ETIMEDOUT : frame.error().code;
      fault = code == ETIMEDOUT  ? "no answer in time"
              : code == EMSGSIZE ? "an overlong answer"
                                 : "it is gone";
      return std::nullopt;
    }
    if (frame->kind == number_of(Kind::findings)) {
      auto findings = codec::decode_findings(frame->content);
      if (!findings || !answers(*findings, batch) || !goes_on(findings->counters, counted_)) {
        fault = "an answer of the wrong form";
        return std::nullopt;
      }
      counted_ = findings->counters;
      return findings;
    }
    if (!answer(*frame, questions)) {
      fault = "a question of the wrong form";
      return std::nullopt;
    }
  }
  fault = "too many questions";
  return std::nullopt;
}

// False when it is none; one that can't be delivered shows when the next frame is awaited.
bool InspectorProcess::answer(const Channel::Frame& frame, Questions& questions) {
  auto reply = [&](const auto& value) {
    codec::encode(value, sending_);
    (void)channel_->send(number_of(Kind::answer), sending_);
    return true;
  };
  switch (Kind{frame.kind}) {
    case Kind::owners: {
      const auto question = codec::decode_address_question(frame.content);
      return question && reply(questions.owners(question->address));
    }
    case Kind::ways_to: {
      const auto question = codec::decode_address_question(frame.content);
      return question && reply(questions.ways_to(question->address, question->arrival));
    }
    case Kind::name: {
      const auto interface = codec::decode_interface(frame.content);
      return interface && reply(questions.name(*interface));
    }
    case Kind::has_media: {
      const auto asked = codec::decode_senders(frame.content);
      return asked && reply(questions.has_media(*asked));
    }
    case Kind::batch:
    case Kind::findings:
    case Kind::answer:
      return false;
  }
  return false;
}

void InspectorProcess::fail(const Batch& batch, const std::string& fault) {
  const base::TimePoint now = system::now();
  ++failures_;
  in_a_row_ = now - started_ > longest_pause ? 1 : in_a_row_ + 1;
  next_start_ = now + pause_after(in_a_row_);
  channel_.reset();
  const std::string ending = launcher_.end();
  if (launcher_.lost()) next_start_ = now;  // `start` says what to do
  std::string saved;
  if (!batch.packets.empty())
    saved = "; " + base::counted(batch.packets.size(), "packet", "packets") + " passed unread, " +
            folder_.save(batch);
  system::log::error("the inspector failed: " + fault + ", " + ending + saved);
}

}  // namespace dpinholer
