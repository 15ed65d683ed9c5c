// The publisher's side of ZMTP 3.0 and 3.1 (rfc.zeromq.org/spec/23 and 37) with the NULL mechanism, as far as a
// monitor needs it: what a subscriber may send, and what is sent to it. Pure: bytes come in, events go out. A
// subscriber sends
//
//     greeting (64 bytes), READY with Socket-Type SUB or XSUB,
//     then any number of: a subscription or its end, as a message (\1 or \0, then the prefix) or as a command of
//     ZMTP 3.1 (SUBSCRIBE, CANCEL); PING
//
// and nothing else: the first byte that does not fit breaks the connection. So a decoder holds one frame at most.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace herd::node::zmtp {

inline constexpr std::size_t kGreetingBytes = 64;
// READY carries a few short properties; an application of libzmq may add some of its own (ZMQ_METADATA).
inline constexpr std::size_t kMaxReadyBytes = 512;
// The longest topic has 83 bytes, and a longer prefix covers nothing.
inline constexpr std::size_t kMaxPrefixBytes = 255;
inline constexpr std::size_t kMaxPingContextBytes = 16;  // of the specification
// What a decoder holds at most beside the bytes it was fed last: a long frame's header and the longest body.
inline constexpr std::size_t kMaxHeldBytes = 9 + kMaxReadyBytes;

class Decoder {
 public:
  enum class Kind : std::uint8_t {
    Greeting,   // it speaks ZMTP 3: READY may be sent
    Ready,      // it is a subscriber: messages may be sent
    Subscribe,  // text: the prefix
    Cancel,     // text: the prefix
    Ping,       // text: the context, which PONG returns
  };
  struct Event {
    Kind kind;
    std::string_view text;  // valid until the next call
  };

  // The next bytes, in segments of any size. Call next() until it returns nothing before more is fed.
  void feed(std::string_view bytes);

  // The next event; nothing if more bytes are needed, or if the connection is broken.
  [[nodiscard]] std::optional<Event> next();

  // The reason for the log; empty while all is well. A broken decoder stays so.
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
  std::size_t used_ = 0;  // bytes of held_ that were taken
  std::string_view broken_;
};

// What is sent: at once, after the subscriber's greeting, and then.
[[nodiscard]] std::string greeting();
[[nodiscard]] std::string ready();
[[nodiscard]] std::string pong(std::string_view context);

// A message of two frames.
[[nodiscard]] std::string message(std::string_view topic, std::string_view body);

}  // namespace herd::node::zmtp
