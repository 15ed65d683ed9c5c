// The parts of a link agree, whatever messages come in whatever order (Link::check_invariants()).
#include <random>
#include <string>

#include "tests/bus/one_link.hpp"
#include "tests/catch.hpp"

using namespace herd::bus;
using namespace herd::protocol;

namespace {

class RandomPeer {
 public:
  explicit RandomPeer(std::uint64_t seed)
      : random_(seed),
        one_({.max_in_flight = 1 + random_() % 4,
              .max_batch = 1 + random_() % 8,
              .prompt_durable = random_() % 2 == 0,
              .ack_delay = 1ms}) {}

  void step() {
    one_.advance(Nanoseconds{static_cast<std::int64_t>(random_() % 200'000'000)});
    switch (random_() % 4) {
      case 0:
        receive();
        break;
      case 1:
        send();
        break;
      case 2:
        answer();
        break;
      default:
        change();
        break;
    }
    one_.link.check_invariants(one_.tail());
  }

 private:
  // Up to one more than the tail, so that some claims are impossible.
  ChangeNumber any() { return random_() % (one_.tail() + 2); }
  std::uint64_t incarnation() { return random_() % 8 == 0 ? kPeerIncarnation + random_() % 2 : peer_; }

  void receive() {
    const ChangeNumber from = random_() % 100;
    switch (random_() % 6) {
      case 0:
        one_.hello(peer_ = incarnation(), kPeerFeed + random_() % 2);
        break;
      case 1:
        one_.welcome(any(), random_() % 3 == 0 ? 0 : attempt_, incarnation());
        break;
      case 2:
        one_.ack(any(), attempt_, any());
        break;
      case 3:
        one_.link.receive(Bye{incarnation()}, one_.now);
        break;
      case 4:
        one_.link.receive(Ping{1, {}}, one_.now);
        break;
      default:
        one_.batch(from, from + random_() % 10, random_() % 3, peer_);
        break;
    }
  }
  void send() {
    if (one_.link.wants_to_send(one_.now, one_.tail())) {
      for (const Message& message : one_.messages()) {
        if (const auto* hello = std::get_if<Hello>(&message)) attempt_ = hello->attempt;
        if (random_() % 2 == 0) one_.answer_ping(message);
      }
    }
    (void)one_.send();
  }
  // What a correct peer would answer.
  void answer() {
    one_.hello(peer_);
    one_.welcome(one_.link.sending().cursors().merged, attempt_, peer_);
    const ChangeNumber sent = one_.link.sending().cursors().sent;
    (void)one_.link.receive(Ack{{peer_, kOurIncarnation}, attempt_, sent, sent / 2}, one_.now, one_.tail());
  }
  void change() {
    switch (random_() % 6) {
      case 0:
        one_.fill(random_() % 20);
        break;
      case 1:
        one_.move("client" + std::to_string(random_() % 50), kThisLink);
        break;
      case 2:
        one_.store.superseded().begin_flush(one_.tail());
        break;
      case 3:
        one_.link.receiving().durable({"Smith", kPeerFeed, {random_() % 100, peer_}});
        break;
      case 4:
        one_.link.sending().await(any());
        break;
      default:
        if (random_() % 10 == 0) one_.link.begin_feed(one_.now);
    }
  }

  std::mt19937_64 random_;
  OneLink one_;
  std::uint64_t peer_ = kPeerIncarnation;
  std::uint64_t attempt_ = 1;
};

}  // namespace

TEST_CASE("the parts of a link agree after any messages") {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    RandomPeer peer(seed);
    for (int i = 0; i < 500; ++i) peer.step();
  }
}
