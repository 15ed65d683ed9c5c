#include "node/observe/curve.hpp"

#include "tests/catch.hpp"
#include "tests/node/curve_client.hpp"

namespace herd::node::zmtp {
namespace {

using namespace std::string_literals;
using bus::KeyPair;
using bus::make_key_pair;

// A node and a viewer that knows its public key.
struct Pair {
  KeyPair node = make_key_pair();
  KeyPair viewer = make_key_pair();
  CurveSession session{node};
  CurveClient client{viewer, node.public_key};

  bool shake_hands() {
    return session.take_hello(client.hello()) && session.take_initiate(client.initiate(session.welcome()));
  }
};

std::string changed(std::string text, std::size_t at) {
  text[at] = static_cast<char>(text[at] ^ 1);
  return text;
}

TEST_CASE("after the handshake the session knows the viewer's key and its properties, and both ends read each other") {
  Pair pair;
  REQUIRE(pair.shake_hands());
  CHECK(pair.session.viewer_key() == pair.viewer.public_key);
  CHECK(pair.session.properties() == kSubscriberProperties);
  CHECK(pair.client.open(pair.session.ready("properties")) == "properties");
  CHECK(pair.client.open(pair.session.seal({.more = true, .text = "topic"})) == "\1topic");
  CHECK(pair.client.open(pair.session.seal({.command = true, .text = "\4PONG"})) == "\2\4PONG");
  const auto opened = pair.session.open(pair.client.message("\1herd."));
  REQUIRE(opened);
  CHECK_FALSE(opened->command);
  CHECK(opened->text == "\1herd.");
  CHECK(pair.session.open(pair.client.message("", true))->command);
}

TEST_CASE("a HELLO is refused if any part of it is changed, or if it is for another node") {
  Pair pair;
  const std::string hello = pair.client.hello();
  for (const std::size_t at : {std::size_t{0}, std::size_t{5}, std::size_t{6}, std::size_t{80}, std::size_t{111},
                               std::size_t{112}, std::size_t{120}, std::size_t{199}}) {
    INFO(at);
    CHECK_FALSE(pair.session.take_hello(changed(hello, at)));
  }
  CHECK_FALSE(pair.session.take_hello(hello.substr(0, 199)));
  CHECK_FALSE(pair.session.take_hello(hello + "x"));
  CHECK_FALSE(pair.session.take_hello(""));
  CHECK_FALSE(pair.session.take_hello(CurveClient(pair.viewer, make_key_pair().public_key).hello()));
  std::string zero_key = hello;
  zero_key.replace(80, 32, 32, '\0');  // the result of the key exchange would not depend on this node's key
  CHECK_FALSE(pair.session.take_hello(zero_key));
  CHECK(pair.session.take_hello(hello));
}

TEST_CASE("an INITIATE is refused if any part of it is changed, or if it answers the WELCOME of another connection") {
  Pair pair;
  REQUIRE(pair.session.take_hello(pair.client.hello()));
  const std::string initiate = pair.client.initiate(pair.session.welcome());
  for (const std::size_t at : {std::size_t{0}, std::size_t{9}, std::size_t{104}, std::size_t{105}, std::size_t{113},
                               std::size_t{256}, initiate.size() - 1}) {
    INFO(at);
    CHECK_FALSE(pair.session.take_initiate(changed(initiate, at)));
  }
  CHECK_FALSE(pair.session.take_initiate(initiate.substr(0, 256)));
  CHECK_FALSE(pair.session.take_initiate(""));
  CHECK(pair.session.viewer_key().empty());

  CurveSession later(pair.node);
  CurveClient again(pair.viewer, pair.node.public_key);
  REQUIRE(later.take_hello(again.hello()));
  (void)later.welcome();
  CHECK_FALSE(later.take_initiate(initiate));
  CHECK(pair.session.take_initiate(initiate));
}

TEST_CASE("a stranger cannot connect with the public key of a viewer") {
  Pair pair;
  CurveClient stranger({pair.viewer.public_key, make_key_pair().secret_key}, pair.node.public_key);
  REQUIRE(pair.session.take_hello(stranger.hello()));
  CHECK_FALSE(pair.session.take_initiate(stranger.initiate(pair.session.welcome())));
  CHECK(pair.session.viewer_key().empty());
}

TEST_CASE("a message is refused if it is changed, repeated, older than the last one, or of another connection") {
  Pair pair;
  REQUIRE(pair.shake_hands());
  const std::string first = pair.client.message("\1one");
  const std::string second = pair.client.message("\1two");
  for (const std::size_t at : {std::size_t{0}, std::size_t{15}, std::size_t{16}, first.size() - 1}) {
    INFO(at);
    CHECK_FALSE(pair.session.open(changed(first, at)));
  }
  CHECK_FALSE(pair.session.open(first.substr(0, 32)));
  CHECK_FALSE(pair.session.open(""));
  CHECK(pair.session.open(second)->text == "\1two");
  CHECK_FALSE(pair.session.open(second));
  CHECK_FALSE(pair.session.open(first));
  Pair other;
  REQUIRE(other.shake_hands());
  CHECK_FALSE(other.session.open(pair.client.message("\1three")));
}

}  // namespace
}  // namespace herd::node::zmtp
