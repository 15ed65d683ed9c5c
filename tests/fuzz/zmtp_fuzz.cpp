// A subscriber's bytes in segments. However they are cut, the events are the same, memory stays bounded, and the
// viewer's subscriptions cover exactly the topics that a simple set of its prefixes covers. The first byte chooses the
// size of the segments. The same bytes also come to an encrypted monitor, in place of a handshake, and as the frames of
// a viewer that has shaken hands.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "node/observe/subscriptions.hpp"
#include "node/observe/zmtp.hpp"
#include "protocol/assert.hpp"
#include "tests/node/curve_client.hpp"
#include "tests/node/zmtp_bytes.hpp"

using herd::node::Subscriptions;
using herd::node::TopicSet;
using herd::node::zmtp::CurveClient;
using herd::node::zmtp::CurveSession;
using herd::node::zmtp::Decoder;

namespace {

using Kind = Decoder::Kind;

const std::vector<std::string> kTopics{"herd.INFO.stats.Hill", "herd.INFO.client.Hill", "herd.ERROR.node.Hill"};

struct Received {
  std::vector<std::string> events;
  std::string broken;
  bool operator==(const Received&) const = default;
};

Received receive(std::string_view bytes, std::size_t segment, CurveSession* session = nullptr) {
  Decoder decoder(session);
  Received received;
  for (; !bytes.empty(); bytes.remove_prefix(std::min(segment, bytes.size()))) {
    decoder.feed(bytes.substr(0, segment));
    while (const auto event = decoder.next()) {
      received.events.push_back(std::to_string(static_cast<int>(event->kind)) + std::string(event->text));
    }
    HERD_ASSERT(decoder.held_bytes() <= herd::node::zmtp::kMaxHeldBytes);
  }
  received.broken = decoder.broken();
  return received;
}

TopicSet covered_by(const std::set<std::string>& prefixes) {
  TopicSet topics = 0;
  for (const std::string& prefix : prefixes) {
    for (std::size_t topic = 0; topic < kTopics.size(); ++topic) {
      if (kTopics[topic].starts_with(prefix)) topics = static_cast<TopicSet>(topics | 1U << topic);
    }
  }
  return topics;
}

void subscribe(const Received& received) {
  Subscriptions subscriptions(kTopics);
  std::set<std::string> prefixes;
  TopicSet covered = 0;
  for (const std::string& event : received.events) {
    const auto kind = static_cast<Kind>(event[0] - '0');
    const std::string prefix = event.substr(1);
    if (kind == Kind::Subscribe) {
      prefixes.insert(prefix);
      covered = static_cast<TopicSet>(covered | subscriptions.add(prefix));
    } else if (kind == Kind::Cancel) {
      prefixes.erase(prefix);
      covered = static_cast<TopicSet>(covered & ~subscriptions.remove(prefix));
    }
    HERD_ASSERT(subscriptions.covered() == covered_by(prefixes) && covered == subscriptions.covered());
    HERD_ASSERT(subscriptions.size() <= prefixes.size());
  }
}

const herd::bus::KeyPair& node_keys() {
  static const herd::bus::KeyPair pair = herd::bus::make_key_pair();
  return pair;
}

// In place of a handshake: no bytes shake hands by chance.
Received receive_encrypted(std::string_view bytes, std::size_t segment) {
  CurveSession session(node_keys());
  return receive(bytes, segment, &session);
}

// As the frames of a viewer that has shaken hands, messages and commands in turn.
void receive_sealed(std::string_view bytes, std::size_t segment) {
  using namespace herd::node::zmtp;
  CurveSession session(node_keys());
  CurveClient client(herd::bus::make_key_pair(), node_keys().public_key);
  Decoder decoder(&session);
  const auto feed = [&decoder](const std::string& frame) {
    decoder.feed(frame);
    while (decoder.next()) {
    }
    HERD_ASSERT(decoder.held_bytes() <= kMaxHeldBytes);
  };
  feed(subscriber_greeting("CURVE"));
  feed(as_command(client.hello()));
  feed(as_command(client.initiate(session.welcome())));
  decoder.admit();
  bool is_command = false;
  for (; !bytes.empty(); bytes.remove_prefix(std::min(segment, bytes.size()))) {
    feed(as_message(client.message(std::string(bytes.substr(0, segment)), is_command)));
    is_command = !is_command;
  }
  HERD_ASSERT(decoder.is_ready());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const std::size_t segment = data[0] + std::size_t{1};
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const Received in_one_piece = receive(bytes, bytes.size() + 1);
  HERD_ASSERT(receive(bytes, segment) == in_one_piece);
  HERD_ASSERT(receive(bytes, 1) == in_one_piece);
  subscribe(in_one_piece);
  HERD_ASSERT(receive_encrypted(bytes, segment) == receive_encrypted(bytes, bytes.size() + 1));
  receive_sealed(bytes, segment);
  return 0;
}
