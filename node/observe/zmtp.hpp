// The publisher's side of ZMTP 3.0 and 3.1 (rfc.zeromq.org/spec/23 and 37) with the NULL mechanism, as far as the
// monitor needs it: a decoder of the bytes of a subscriber, and encoders of the bytes for it. Pure; any thread. A
// subscriber may send
//
//     greeting = 64 bytes
//     READY    = a command with Socket-Type SUB or XSUB
//     then any number of: a subscription or its end, as a message (\1 or \0, then the prefix) or as a command of
//     ZMTP 3.1 (SUBSCRIBE or CANCEL, then the prefix); PING
//
// and nothing else. The first invalid byte breaks the connection, so a decoder holds at most one frame.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace herd::node::zmtp {

inline constexpr std::size_t kGreetingBytes = 64;
// READY contains a few short properties; an application of libzmq may add its own (ZMQ_METADATA).
inline constexpr std::size_t kMaxReadyBytes = 512;
// The longest topic has 83 bytes, and a longer prefix matches nothing.
inline constexpr std::size_t kMaxPrefixBytes = 255;
inline constexpr std::size_t kMaxPingContextBytes = 16;  // from the specification
// The most bytes that a decoder holds between calls of feed(): the header of a long frame and the longest body.
inline constexpr std::size_t kMaxHeldBytes = 9 + kMaxReadyBytes;

class Decoder {
 public:
  enum class Kind : std::uint8_t {
    Greeting,   // the other side speaks ZMTP 3: send READY
    Ready,      // the other side is a subscriber: messages may be sent
    Subscribe,  // `text` is the prefix
    Cancel,     // `text` is the prefix
    Ping,       // `text` is the context, which PONG must return
  };
  struct Event {
    Kind kind;
    std::string_view text;  // valid until the next call of feed() or next()
  };

  // Adds received bytes, in segments of any size. Call next() until it returns nullopt before you feed more.
  void feed(std::string_view bytes);

  // Returns the next event; nullopt if it needs more bytes, or if the connection is broken.
  [[nodiscard]] std::optional<Event> next();

  // Why the connection is broken, for the log; empty while it is not. A broken decoder stays broken.
  [[nodiscard]] std::string_view broken() const { return broken_; }

  [[nodiscard]] bool is_ready() const { return phase_ == Phase::Traffic; }
  [[nodiscard]] std::size_t held_bytes() const { return held_.size() - used_; }

 private:
  enum class Phase : std::uint8_t { Greeting, Handshake, Traffic };
  struct Frame {
    bool command = false;
    std::string_view body;
  };

  std::optional<Event> next_of_greeting();
  std::optional<Frame> next_frame();
  std::optional<Event> ready(const Frame& frame);
  std::optional<Event> command(std::string_view body);
  std::optional<Event> subscription(Kind kind, std::string_view prefix);
  std::nullopt_t fail(std::string_view reason);

  Phase phase_ = Phase::Greeting;
  std::string held_;
  std::size_t used_ = 0;  // bytes of held_ that are consumed
  std::string_view broken_;
};

// The bytes for the subscriber: the greeting at once, READY after the subscriber's greeting, a PONG for each PING.
[[nodiscard]] std::string greeting();
[[nodiscard]] std::string ready();
[[nodiscard]] std::string pong(std::string_view context);

// A message of two frames. Send it only after Kind::Ready.
[[nodiscard]] std::string message(std::string_view topic, std::string_view body);

}  // namespace herd::node::zmtp
