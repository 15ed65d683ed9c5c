#include "node/observe/zmtp.hpp"

#include <array>
#include <string>
#include <vector>

#include "tests/catch.hpp"
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

}  // namespace
}  // namespace herd::node::zmtp
