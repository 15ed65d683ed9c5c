#include "node/base/socket_poll.hpp"

#include <sys/socket.h>

#include <array>
#include <optional>
#include <set>
#include <system_error>
#include <vector>

#include "node/base/socket.hpp"
#include "tests/catch.hpp"

using namespace herd::node;

namespace {

constexpr SocketPoll::Interest kNothing{};
constexpr SocketPoll::Interest kToReceive{.to_receive = true};
constexpr SocketPoll::Interest kToSend{.to_send = true};

// Two connected sockets.
struct Pair {
  std::optional<Socket> one;
  std::optional<Socket> other;

  Pair() {
    std::array<int, 2> ends{};
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends.data()) == 0);
    one.emplace(ends[0]);
    other.emplace(ends[1]);
  }
  [[nodiscard]] int descriptor() const { return one->descriptor(); }
  void say(std::string_view text) {
    std::error_code error;
    REQUIRE(other->send(text, error) == text.size());
  }
};

}  // namespace

TEST_CASE("a socket is ready while there are bytes to receive") {
  SocketPoll poll;
  Pair pair;
  REQUIRE(poll.watch(pair.descriptor(), &pair, kNothing, kToReceive));
  CHECK(poll.take_ready().empty());
  pair.say("kiwi");
  for (int round = 0; round < 3; ++round) {
    const auto ready = poll.take_ready();
    REQUIRE(ready.size() == 1);
    CHECK(ready[0].owner == &pair);
    CHECK(ready[0].to_receive);
  }
  std::array<char, 16> buffer{};
  std::error_code error;
  CHECK(pair.one->receive(buffer, error) == 4);
  CHECK(poll.take_ready().empty());
}

TEST_CASE("a socket that is watched for sending only is ready while there is space, and ignores input") {
  SocketPoll poll;
  Pair pair;
  pair.say("kiwi");
  REQUIRE(poll.watch(pair.descriptor(), &pair, kNothing, kToSend));
  const auto ready = poll.take_ready();
  REQUIRE(ready.size() == 1);
  CHECK_FALSE(ready[0].to_receive);
}

TEST_CASE("a socket that is not watched is never ready, not even at the end of its input") {
  SocketPoll poll;
  Pair pair;
  REQUIRE(poll.watch(pair.descriptor(), &pair, kNothing, kToReceive));
  REQUIRE(poll.watch(pair.descriptor(), &pair, kToReceive, kNothing));
  pair.other.reset();
  CHECK(poll.take_ready().empty());
  REQUIRE(poll.watch(pair.descriptor(), &pair, kNothing, kToReceive));
  const auto ready = poll.take_ready();
  REQUIRE(ready.size() == 1);
  CHECK(ready[0].to_receive);  // the end of the input
}

TEST_CASE("a closed socket is no longer watched") {
  SocketPoll poll;
  Pair pair;
  REQUIRE(poll.watch(pair.descriptor(), &pair, kNothing, kToReceive));
  pair.say("kiwi");
  pair.one->close();
  CHECK(poll.take_ready().empty());
  CHECK_FALSE(poll.watch(pair.descriptor(), &pair, kToReceive, kToSend));
}

TEST_CASE("with more ready sockets than kMostAtOnce, all are returned in turn") {
  SocketPoll poll;
  std::vector<Pair> pairs(SocketPoll::kMostAtOnce + SocketPoll::kMostAtOnce / 2);
  for (Pair& pair : pairs) {
    REQUIRE(poll.watch(pair.descriptor(), &pair, kNothing, kToReceive));
    pair.say("kiwi");
  }
  std::set<const void*> received;
  for (int round = 0; round < 2; ++round) {
    const auto ready = poll.take_ready();
    CHECK(ready.size() == SocketPoll::kMostAtOnce);
    for (const SocketPoll::Ready& one : ready) received.insert(one.owner);
  }
  CHECK(received.size() == pairs.size());
}

TEST_CASE("a socket reports missing input, missing space, and the end of the input") {
  Pair pair;
  std::array<char, 16> buffer{};
  std::error_code error;
  CHECK(pair.one->receive(buffer, error) == 0);
  CHECK(try_again(error));
  CHECK_FALSE(pair.one->has_bytes());
  pair.say("kiwi");
  CHECK(pair.one->has_bytes());
  error.clear();
  const std::string much(1 << 20, 'x');
  while (pair.one->send(much, error) > 0) {
  }
  CHECK(try_again(error));
  error.clear();
  pair.other->end_sending(error);
  CHECK_FALSE(error);
  CHECK(pair.one->receive(buffer, error) == 4);
  CHECK(pair.one->receive(buffer, error) == 0);
  CHECK_FALSE(error);
  pair.other.reset();
  (void)pair.one->send("x", error);
  CHECK(error);
  CHECK_FALSE(try_again(error));
}
