// SPDX-License-Identifier: GPL-2.0-or-later
#include <unistd.h>

#include <map>
#include <utility>

#include "base/limits.h"
#include "inspection_codec.h"
#include "inspector.h"
#include "inspector_process.h"
#include "system/random.h"
#include "system/sandbox.h"

namespace dpinholer {

namespace {

namespace limits = base::limits;
using codec::Kind;
using system::Channel;

// Remembers answers about the host, and asks again only when the gatekeeper has said that they changed.
class RemoteQuestions : public Questions {
 public:
  explicit RemoteQuestions(Channel& channel) : channel_(channel) {}

  void forget() {
    owners_.clear();
    ways_.clear();
    names_.clear();
  }

  std::vector<base::Interface> owners(const base::Address& address) override {
    return remembered(owners_, address, [&] {
      return ask(Kind::owners, codec::AddressQuestion{address, base::Interface::unknown},
                 codec::decode_interfaces);
    });
  }
  std::vector<base::Interface> ways_to(const base::Address& address, base::Interface arrival) override {
    return remembered(ways_, std::pair(address, arrival), [&] {
      return ask(Kind::ways_to, codec::AddressQuestion{address, arrival}, codec::decode_interfaces);
    });
  }
  std::string name(base::Interface interface) override {
    return remembered(names_, interface, [&] { return ask(Kind::name, interface, codec::decode_text); });
  }
  pinhole::Sources has_media(const pinhole::Senders& asked) override {
    return ask(Kind::has_media, asked, codec::decode_sources);
  }

 private:
  template <typename Question, typename Value>
  const Value& remembered(std::map<Question, Value>& known, const Question& question, auto&& answer) {
    if (const auto at = known.find(question); at != known.end()) return at->second;
    if (known.size() >= limits::remembered_routes) known.clear();
    return known.emplace(question, answer()).first->second;
  }

  // A gatekeeper that does not answer has ended, or does not want this process any more.
  template <typename Question, typename Value>
  Value ask(Kind kind, const Question& question, std::optional<Value> (*decode)(base::Bytes)) {
    codec::encode(question, sending_);
    if (!channel_.send(number_of(kind), sending_)) _exit(0);
    const auto frame = channel_.receive(limits::inspection_octets);
    if (!frame || frame->kind != number_of(Kind::answer)) _exit(0);
    auto value = decode(frame->content);
    if (!value) _exit(0);
    return *value;
  }

  Channel& channel_;
  codec::Buffer sending_;
  std::map<base::Address, std::vector<base::Interface>> owners_;
  std::map<std::pair<base::Address, base::Interface>, std::vector<base::Interface>> ways_;
  std::map<base::Interface, std::string> names_;
};

// The memory of all calls and connections, with much to spare: docs/performance.md has what they take.
std::size_t memory_for(const PipelineSettings& settings) {
  constexpr std::size_t program = std::size_t{512} << 20;
  constexpr std::size_t call = std::size_t{16} << 10;
  constexpr std::size_t connection = std::size_t{8} << 10;
  return program + settings.negotiation.calls * call + settings.streams.flows * connection +
         limits::stream_octets + 4 * limits::inspection_octets;
}

}  // namespace

void serve_as_inspector(Channel& channel, PipelineSettings settings) {
  settings.hash_key = system::draw_hash_key();
  system::sandbox::confine_inspector(channel.fd(), memory_for(settings));
  Inspector inspector(settings);
  inspector.start({});
  RemoteQuestions questions(channel);
  codec::Buffer sending;
  while (const auto frame = channel.receive(limits::inspection_octets)) {
    const auto batch = codec::decode_batch(frame->content);
    if (frame->kind != number_of(Kind::batch) || !batch) return;
    if (batch->networks_changed) questions.forget();
    codec::encode(*inspector.inspect(*batch, questions), sending);
    if (!channel.send(number_of(Kind::findings), sending)) return;
  }
}

}  // namespace dpinholer
