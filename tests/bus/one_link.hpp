// One link with a store. The test takes the part of the peer and of the clock.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "bus/link/link.hpp"
#include "bus/store/store.hpp"
#include "tests/bus/sample_update.hpp"

namespace herd::bus {

constexpr std::uint64_t kOurIncarnation = 100;
constexpr std::uint64_t kOurFeed = 101;
constexpr std::uint64_t kPeerIncarnation = 200;
constexpr std::uint64_t kPeerFeed = 201;
constexpr PeerIndex kThisLink = 3;

class OneLink {
 public:
  Self self{"herd", "Hill", kOurIncarnation, kOurFeed};
  Store store{1};
  Link link;
  Runs runs;
  ChangeNumber written = 0;  // up to which change our journal contains our feed
  protocol::Now now{100s, 1'700'000'000s};

  explicit OneLink(LinkLimits limits = {}, const PeerCursor& restored = {}) : link(self, kThisLink, limits, restored) {
    runs.begin({kOurIncarnation, 0});
  }
  OneLink(const OneLink&) = delete;
  OneLink& operator=(const OneLink&) = delete;

  [[nodiscard]] ChangeNumber tail() const { return store.feed().tail(); }
  [[nodiscard]] OurFeed our_feed() const { return {runs, tail(), written}; }

  // Time passes; at its end the link's tick() is called once.
  void advance(protocol::Nanoseconds time) {
    now.steady += time;
    now.wall += time;
    link.tick(now);
  }

  // A client reports: a change in our feed, which came by a link or from the client.
  void move(const std::string& client, PeerIndex by = kFromClient) {
    const ChangeNumber number = tail() + 1;
    protocol::Update update = sample_update(client, number);
    update.time = protocol::Nanoseconds{static_cast<std::int64_t>(number)};
    (void)store.merge(update, by);
  }
  // Adds `count` new clients.
  void fill(std::size_t count, PeerIndex by = kFromClient) {
    for (std::size_t i = 0; i < count; ++i) move("client" + std::to_string(tail()), by);
  }

  // The next functions are messages from the peer.
  [[nodiscard]] protocol::Hello peers_hello(std::uint64_t incarnation = kPeerIncarnation,
                                            std::uint64_t feed = kPeerFeed) const {
    protocol::Hello hello;
    hello.herd = "herd";
    hello.node = "Smith";
    hello.incarnation = incarnation;
    hello.feed_id = feed;
    hello.attempt = 1;
    hello.clock = now.wall;
    return hello;
  }
  void hello(std::uint64_t incarnation = kPeerIncarnation, std::uint64_t feed = kPeerFeed) {
    link.receive(peers_hello(incarnation, feed), now, tail());
  }
  CursorClaim welcome(ChangeNumber cursor, std::uint64_t attempt, std::uint64_t incarnation = kPeerIncarnation,
                      std::uint64_t run = kOurIncarnation, ChangeNumber run_written = 0) {
    return link.receive(protocol::Welcome{{incarnation, kOurIncarnation}, kOurFeed, cursor, attempt, run, run_written},
                        now, our_feed());
  }
  CursorClaim ack(ChangeNumber merged, std::uint64_t attempt = 1, ChangeNumber durable = 0) {
    return link.receive(protocol::Ack{{kPeerIncarnation, kOurIncarnation}, attempt, merged, durable}, now, tail());
  }
  // True if the link used it. `run`: of the WELCOME that it answers.
  bool batch(ChangeNumber from, ChangeNumber to, std::uint64_t attempt = 1, std::uint64_t run = 0) {
    const protocol::Batch batch{{kPeerIncarnation, kOurIncarnation}, attempt, from, to, run, 0};
    if (!link.accepts(batch, now)) return false;
    link.merged(batch);
    return true;
  }

  // All messages that the link has to send now, except batches.
  std::vector<protocol::Message> messages() {
    std::vector<protocol::Message> sent;
    while (auto message = link.take_message(now, tail())) sent.push_back(*message);
    return sent;
  }
  // The next batch, with its number of records and their clients.
  struct Sent {
    protocol::Batch batch;
    std::size_t records = 0;
    std::vector<std::string> clients;
  };
  std::optional<Sent> send() {
    auto range = link.sending().next_range(store, now, store.feed().tail());
    if (!range) return std::nullopt;
    range->records.insert(range->records.end(), range->newest.begin(), range->newest.end());
    Sent sent{link.send(range->to, tail(), written, now), range->records.size(), {}};
    for (const Feed::Entry& entry : range->records) sent.clients.emplace_back(store.record_at(entry.index).client);
    return sent;
  }

  // The handshake: the peer sends HELLO, and WELCOME to our HELLO. Then batches may be sent, and no message is due.
  void open(ChangeNumber cursor = 0) {
    hello();
    const std::uint64_t attempt = hello_attempt();
    welcome(cursor, attempt);
    for (const protocol::Message& message : messages()) answer_ping(message);
  }
  // Takes all messages that are due; returns the attempt of the HELLO among them.
  std::uint64_t hello_attempt() {
    std::uint64_t attempt = 0;
    for (const protocol::Message& message : messages()) {
      if (const auto* hello = std::get_if<protocol::Hello>(&message)) attempt = hello->attempt;
    }
    return attempt;
  }
  void answer_ping(const protocol::Message& message) {
    if (const auto* ping = std::get_if<protocol::Ping>(&message)) {
      link.receive(protocol::Pong{ping->nonce, now.wall}, now);
    }
  }
};

// The first message of this type, or nullptr.
template <typename M>
const M* one_of(const std::vector<protocol::Message>& messages) {
  for (const protocol::Message& message : messages) {
    if (const M* found = std::get_if<M>(&message)) return found;
  }
  return nullptr;
}

}  // namespace herd::bus
