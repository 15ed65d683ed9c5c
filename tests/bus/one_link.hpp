// One link in a test's hands: the test is the peer and the clock.
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
  ChangeNumber written = 0;  // in our journal
  protocol::Now now{100s, 1'700'000'000s};

  explicit OneLink(LinkLimits limits = {}) : link(self, kThisLink, limits) { runs.begin({kOurIncarnation, 0}); }
  OneLink(const OneLink&) = delete;
  OneLink& operator=(const OneLink&) = delete;

  [[nodiscard]] ChangeNumber tail() const { return store.feed().tail(); }
  [[nodiscard]] OurFeed our_feed() const { return {runs, tail(), written}; }

  // Time passes, and the loop turns once at its end.
  void advance(protocol::Nanoseconds time) {
    now.steady += time;
    now.wall += time;
    link.tick(now);
  }

  // A client moves: a change in our feed, heard by a link or told here.
  void move(const std::string& client, PeerIndex by = kFromClient) {
    const ChangeNumber number = tail() + 1;
    protocol::Update update = sample_update(client, number);
    update.time = protocol::Nanoseconds{static_cast<std::int64_t>(number)};
    (void)store.merge(update, by);
  }
  // `count` clients that were not there before.
  void fill(std::size_t count, PeerIndex by = kFromClient) {
    for (std::size_t i = 0; i < count; ++i) move("client" + std::to_string(tail()), by);
  }

  // The peer says something.
  [[nodiscard]] protocol::Hello peers_hello(std::uint64_t life = kPeerIncarnation,
                                            std::uint64_t feed = kPeerFeed) const {
    protocol::Hello hello;
    hello.herd = "herd";
    hello.node = "Smith";
    hello.incarnation = life;
    hello.feed_id = feed;
    hello.attempt = 1;
    hello.clock = now.wall;
    return hello;
  }
  void hello(std::uint64_t life = kPeerIncarnation, std::uint64_t feed = kPeerFeed) {
    link.receive(peers_hello(life, feed), now, tail());
  }
  CursorClaim welcome(ChangeNumber cursor, std::uint64_t attempt, std::uint64_t life = kPeerIncarnation,
                      std::uint64_t run = kOurIncarnation, ChangeNumber run_written = 0) {
    return link.receive(protocol::Welcome{{life, kOurIncarnation}, kOurFeed, cursor, attempt, run, run_written}, now,
                        our_feed());
  }
  CursorClaim ack(ChangeNumber merged, std::uint64_t attempt = 1, ChangeNumber durable = 0) {
    return link.receive(protocol::Ack{{kPeerIncarnation, kOurIncarnation}, attempt, merged, durable}, now, tail());
  }
  // True if it was used. `run`: of the WELCOME that it answers.
  bool batch(ChangeNumber from, ChangeNumber to, std::uint64_t attempt = 1, std::uint64_t run = 0) {
    const protocol::Batch batch{{kPeerIncarnation, kOurIncarnation}, attempt, from, to, run, 0};
    if (!link.accepts(batch, now)) return false;
    link.merged(batch);
    return true;
  }

  // All that the link has to say now, batches aside.
  std::vector<protocol::Message> messages() {
    std::vector<protocol::Message> said;
    while (auto message = link.take_message(now, tail())) said.push_back(*message);
    return said;
  }
  // The next batch, with the number of records that go in it.
  struct Sent {
    protocol::Batch batch;
    std::size_t records = 0;
    std::vector<std::string> clients;
  };
  std::optional<Sent> send() {
    auto range = link.next_range(store, now, store.feed().tail());
    if (!range) return std::nullopt;
    range->records.insert(range->records.end(), range->newest.begin(), range->newest.end());
    Sent sent{link.send(range->to, store, written, now), range->records.size(), {}};
    for (const Feed::Entry& entry : range->records) sent.clients.emplace_back(store.record_at(entry.index).client);
    return sent;
  }

  // The peer has said HELLO and, once asked, WELCOME: batches flow, and nothing is owed.
  void open(ChangeNumber cursor = 0) {
    hello();
    const std::uint64_t attempt = hello_attempt();
    welcome(cursor, attempt);
    for (const protocol::Message& message : messages()) answer_ping(message);
  }
  // Says what is due, and returns the attempt of the HELLO among it.
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

template <typename M>
const M* one_of(const std::vector<protocol::Message>& said) {
  for (const protocol::Message& message : said) {
    if (const M* found = std::get_if<M>(&message)) return found;
  }
  return nullptr;
}

}  // namespace herd::bus
