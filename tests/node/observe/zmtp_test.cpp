#include "node/observe/zmtp.hpp"

#include <array>
#include <string>
#include <vector>

#include "tests/catch.hpp"
#include "tests/node/curve_client.hpp"
#include "tests/node/zmtp_bytes.hpp"

namespace herd::node::zmtp {
namespace {

using namespace std::string_literals;
using Kind = Decoder::Kind;

// Returns all events as text, or the reason why the connection is broken.
std::vector<std::string> read(const std::string& bytes, std::size_t segment = 1 << 20) {
  static constexpr std::array<std::string_view, 5> kNames{"greeting", "ready", "subscribe ", "cancel ", "ping "};
  Decoder decoder;
  std::vector<std::string> events;
  for (std::size_t place = 0; place < bytes.size(); place += segment) {
    decoder.feed(std::string_view(bytes).substr(place, segment));
    while (const auto event = decoder.next()) {
      events.emplace_back(kNames[static_cast<std::size_t>(event->kind)]).append(event->text);
    }
  }
  if (!decoder.broken().empty()) events.push_back("broken: " + std::string(decoder.broken()));
  return events;
}

std::string fault_of(const std::string& bytes) {
  const auto events = read(bytes);
  return events.empty() || events.back().rfind("broken: ", 0) != 0 ? "" : events.back().substr(8);
}

TEST_CASE("the bytes of a subscriber give the same events, however they are split") {
  const std::string bytes = subscriber_start() + as_message("\1herd."s) + as_command("\x9SUBSCRIBEherd.INFO."s) +
                            as_message("\0herd."s) + as_command("\6CANCELherd.INFO."s) +
                            as_command("\4PING\0\1context"s) + as_message("\1"s);
  const std::vector<std::string> expected{
      "greeting",          "ready",        "subscribe herd.", "subscribe herd.INFO.", "cancel herd.",
      "cancel herd.INFO.", "ping context", "subscribe "};
  for (const std::size_t segment : {std::size_t{1}, std::size_t{2}, std::size_t{7}, std::size_t{64}, bytes.size()}) {
    CHECK(read(bytes, segment) == expected);
  }
}

TEST_CASE("the greeting of a server with CURVE names the mechanism and the role") {
  const CurveSession session(bus::make_key_pair());
  CHECK(greeting(&session).substr(0, 33) == "\xff\0\0\0\0\0\0\0\0\x7f\3\1CURVE\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1"s);
  CHECK(greeting(&session).size() == kGreetingBytes);
}

TEST_CASE("a greeting of another protocol, an old one or another mechanism is refused at its first wrong byte") {
  CHECK(fault_of("G") == "does not speak ZMTP 3: libzmq 4.0 and later do");    // HTTP
  CHECK(fault_of("\1"s) == "does not speak ZMTP 3: libzmq 4.0 and later do");  // ZMTP 1.0
  CHECK(fault_of("\xff\0\0\0\0\0\0\0\1"s).empty());
  CHECK(fault_of("\xff\0\0\0\0\0\0\0\1\x7e"s) == "does not speak ZMTP");
  CHECK(fault_of("\xff\0\0\0\0\0\0\0\1\x7f\1"s) == "speaks ZMTP 2: libzmq 4.0 and later speak ZMTP 3");
  CHECK(fault_of("\xff\0\0\0\0\0\0\0\1\x7f\3"s).empty());
  CHECK(fault_of(subscriber_greeting("CURVE")) == "wants another security mechanism than NULL");
  CHECK(fault_of(subscriber_greeting("NULL\1")) == "wants another security mechanism than NULL");
  CHECK(fault_of(subscriber_greeting("NULL")).empty());
}

TEST_CASE("READY must name the socket type of a subscriber") {
  const auto fault_of_ready = [](const std::string& properties) {
    return fault_of(subscriber_greeting("NULL") + as_command("\5READY" + properties));
  };
  const std::string sub = "\xbSocket-Type\0\0\0\3SUB"s;
  CHECK(fault_of_ready(sub).empty());
  CHECK(fault_of_ready("\xbsocket-TYPE\0\0\0\3SUB"s).empty());
  CHECK(fault_of_ready("\xbSocket-Type\0\0\0\4XSUB"s).empty());
  CHECK(fault_of_ready("\x8Identity\0\0\0\2me"s + sub + "\3X-a\0\0\0\0"s).empty());
  for (const auto& wrong : {""s, "\xbSocket-Type\0\0\0\3PUB"s,
                            "\xbSocket-Type\0\0\0\5"s
                            "DEALER",
                            sub + sub, sub + "\1"s, sub + "\1x\0\0\0\1"s, sub + "\0\0\0\0\0"s,
                            "\xbSocket-Type\xff\xff\xff\xffSUB"s, "\xbSocket-Typo\0\0\0\3SUB"s}) {
    CHECK(fault_of_ready(wrong) == "is not a SUB or XSUB socket");
  }
  CHECK(fault_of(subscriber_greeting("NULL") + as_command("\4PING\0\0"s)) == "does not begin with READY");
  CHECK(fault_of(subscriber_greeting("NULL") + as_message("\5READY" + sub)) == "does not begin with READY");
  CHECK(fault_of(subscriber_greeting("NULL") + as_message("\1herd."s)) == "does not begin with READY");
}

TEST_CASE("each frame that a subscriber must not send breaks the connection") {
  const auto fault_after_start = [](const std::string& bytes) { return fault_of(subscriber_start() + bytes); };
  CHECK(fault_after_start("\0\0"s) == "sends a message that is not a subscription");
  CHECK(fault_after_start(as_message("\2herd."s)) == "sends a message that is not a subscription");
  CHECK(fault_after_start("\1"s) == "sends a message of several frames");
  CHECK(fault_after_start("\x8"s) == "sends a frame with unknown flags");
  CHECK(fault_after_start(as_command(""s)) == "sends an unknown command");
  CHECK(fault_after_start(as_command("\4PONG"s)) == "sends an unknown command");
  CHECK(fault_after_start(as_command("\xffPING"s)) == "sends an unknown command");
  CHECK(fault_after_start(as_command("\4PING\0"s)) == "sends a malformed PING");
  CHECK(fault_after_start("\2\xff\xff\xff\xff\xff\xff\xff\xff"s) == "sends a frame that is too long");
}

TEST_CASE("the longest prefix, context and frame are accepted, and longer ones are not") {
  const auto fault_after_start = [](const std::string& bytes) { return fault_of(subscriber_start() + bytes); };
  const std::string longest(kMaxPrefixBytes, 'x');
  CHECK(read(subscriber_start() + as_message("\1" + longest)).back() == "subscribe " + longest);
  CHECK(read(subscriber_start() + as_command("\x9SUBSCRIBE" + longest)).back() == "subscribe " + longest);
  CHECK(fault_after_start(as_message("\1" + longest + "x")) == "sends a subscription that is too long");
  CHECK(fault_after_start(as_command("\6CANCEL" + longest + "x")) == "sends a subscription that is too long");
  const std::string context(kMaxPingContextBytes, 'c');
  CHECK(read(subscriber_start() + as_command("\4PING\0\0"s + context)).back() == "ping " + context);
  CHECK(fault_after_start(as_command("\4PING\0\0"s + context + "c")) == "sends a malformed PING");
  const std::string fill(kMaxReadyBytes - subscriber_ready().size() - 8, 'x');
  const std::string property =
      "\3X-a"s + std::string{0, 0, static_cast<char>(fill.size() >> 8U), static_cast<char>(fill.size() & 255U)};
  CHECK(fault_of(subscriber_greeting("NULL") + as_command(subscriber_ready() + property + fill)).empty());
  CHECK(fault_of(subscriber_greeting("NULL") + as_command(subscriber_ready() + property + fill + "x")) ==
        "sends a frame that is too long");
}

TEST_CASE("a decoder holds one frame at most, and nothing once it is broken") {
  Decoder decoder;
  decoder.feed(subscriber_start());
  while (decoder.next()) {
  }
  CHECK(decoder.is_ready());
  CHECK(decoder.held_bytes() == 0);
  const std::string frame = as_message("\1" + std::string(kMaxPrefixBytes, 'x'));
  for (int round = 0; round < 1000; ++round) {
    decoder.feed(frame);
    decoder.feed("");  // without a frame in between
    while (decoder.next()) {
    }
    CHECK(decoder.held_bytes() <= kMaxHeldBytes);
  }
  decoder.feed("\x40");
  CHECK_FALSE(decoder.next());
  CHECK(decoder.held_bytes() == 0);
  decoder.feed(frame);
  CHECK(decoder.held_bytes() == 0);
}

TEST_CASE("the encoded bytes have the form of the specification") {
  CHECK(greeting().size() == kGreetingBytes);
  CHECK(greeting().substr(0, 16) == "\xff\0\0\0\0\0\0\0\0\x7f\3\1NULL"s);
  CHECK(greeting().substr(16) == std::string(48, '\0'));
  CHECK(ready() == "\4\x1a\5READY\xbSocket-Type\0\0\0\4XPUB"s);
  CHECK(pong("") == "\4\5\4PONG"s);
  CHECK(pong("context") == "\4\xc\4PONGcontext"s);
  CHECK(message("topic", "body") == "\1\5topic\0\4body"s);
  CHECK(message("t", std::string(255, 'x')) == "\1\1t\0\xff"s + std::string(255, 'x'));
  CHECK(message("t", std::string(256, 'x')) == "\1\1t\2\0\0\0\0\0\0\1\0"s + std::string(256, 'x'));
}

// A decoder with CURVE, and a client that knows its node.
struct Encrypted {
  bus::KeyPair node = bus::make_key_pair();
  CurveSession session{node};
  CurveClient client{bus::make_key_pair(), node.public_key};
  Decoder decoder{&session};

  // Feeds the bytes one by one; returns the last event.
  std::optional<Decoder::Event> take(const std::string& bytes) {
    std::optional<Decoder::Event> last;
    for (const char byte : bytes) {
      decoder.feed({&byte, 1});
      if (auto event = decoder.next()) last = event;
    }
    return last;
  }
  void shake_hands(const std::string& properties = kSubscriberProperties) {
    REQUIRE(take(subscriber_greeting("CURVE"))->kind == Kind::Greeting);
    REQUIRE(take(as_command(client.hello()))->kind == Kind::Hello);
    REQUIRE(take(as_command(client.initiate(welcome(session).substr(2), properties)))->kind == Kind::Initiate);
  }
};

TEST_CASE("with CURVE a subscriber is ready only after its key is admitted, and its frames are opened") {
  Encrypted viewer;
  viewer.shake_hands();
  CHECK_FALSE(viewer.decoder.next());
  CHECK_FALSE(viewer.decoder.is_ready());
  viewer.decoder.admit();
  CHECK(viewer.decoder.next()->kind == Kind::Ready);
  CHECK(viewer.decoder.is_ready());
  for (const bool is_command : {false, true}) {
    const auto event =
        viewer.take(as_message(viewer.client.message(is_command ? "\x9SUBSCRIBEherd." : "\1herd.", is_command)));
    REQUIRE(event);
    CHECK(event->kind == Kind::Subscribe);
    CHECK(event->text == "herd.");
  }
  CHECK(viewer.take(as_command(viewer.client.message("\4PING\0\0x"s, true)))->text == "x");
  CHECK_FALSE(viewer.take(as_message("\1herd.")));
  CHECK(viewer.decoder.broken() == "sends a frame that is not encrypted with the key of its connection");
}

TEST_CASE("with CURVE a subscriber without a key, for another node, or of another socket type is refused") {
  Encrypted plain;
  CHECK_FALSE(plain.take(subscriber_greeting("NULL")));
  CHECK(plain.decoder.broken().starts_with("has no key: this monitor speaks CURVE"));

  Encrypted other;
  (void)other.take(subscriber_greeting("CURVE"));
  CurveClient lost(bus::make_key_pair(), bus::make_key_pair().public_key);
  CHECK_FALSE(other.take(as_command(lost.hello())));
  CHECK(other.decoder.broken() == "does not know the public key of this node");

  Encrypted forged;
  (void)forged.take(subscriber_greeting("CURVE"));
  REQUIRE(forged.take(as_command(forged.client.hello())));
  CHECK_FALSE(forged.take(as_command(std::string(300, 'x'))));
  CHECK(forged.decoder.broken() == "does not prove its key");

  Encrypted dealer;
  dealer.shake_hands(std::string("\xbSocket-Type\0\0\0\6DEALER", 22));
  dealer.decoder.admit();
  CHECK_FALSE(dealer.decoder.next());
  CHECK(dealer.decoder.broken() == "is not a SUB or XSUB socket");
}

TEST_CASE("with CURVE no frame is longer than an INITIATE") {
  Encrypted viewer;
  (void)viewer.take(subscriber_greeting("CURVE"));
  CHECK_FALSE(viewer.take("\6\0\0\0\0\0\0\3\2"s));  // 770 bytes
  CHECK(viewer.decoder.broken() == "sends a frame that is too long");
  static_assert(kMaxInitiateBytes == 769);
}

TEST_CASE("a sealed message is its frames one by one, also a long one") {
  Encrypted viewer;
  viewer.shake_hands();
  const std::string body(300, 'b');
  const std::string bytes = sealed(message("herd.a", body), viewer.session);
  constexpr std::size_t kTopic = CurveSession::kMessageBytes + 6;
  REQUIRE(bytes.size() == 2 + kTopic + 9 + CurveSession::kMessageBytes + body.size());
  CHECK(bytes.substr(0, 2) == std::string{'\0', static_cast<char>(kTopic)});
  CHECK(viewer.client.open(bytes.substr(2, kTopic)) == "\1herd.a");
  CHECK(viewer.client.open(bytes.substr(2 + kTopic + 9)) == "\0"s + body);
}

}  // namespace
}  // namespace herd::node::zmtp
