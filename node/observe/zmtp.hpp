// The publisher's side of ZMTP 3.0 and 3.1 (rfc.zeromq.org/spec/23 and 37), as far as the monitor needs it: a decoder
// of the bytes of a subscriber, and encoders of the bytes for it. Pure; any thread. A subscriber may send
//
//     greeting = 64 bytes
//     READY    = a command with Socket-Type SUB or XSUB; with the mechanism CURVE: HELLO, then INITIATE with it
//     then any number of: a subscription or its end, as a message (\1 or \0, then the prefix) or as a command of
//     ZMTP 3.1 (SUBSCRIBE or CANCEL, then the prefix); PING
//
// and nothing else. The first invalid byte breaks the connection, so a decoder holds at most one frame. With CURVE
// (node/observe/curve.hpp), each frame after the handshake is inside a MESSAGE; the decoder opens it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "node/observe/curve.hpp"

namespace herd::node::zmtp {

inline constexpr std::size_t kGreetingBytes = 64;
// READY contains a few short properties; an application of libzmq may add its own (ZMQ_METADATA).
inline constexpr std::size_t kMaxReadyBytes = 512;
// The longest topic has 83 bytes, and a longer prefix matches nothing.
inline constexpr std::size_t kMaxPrefixBytes = 255;
inline constexpr std::size_t kMaxPingContextBytes = 16;  // from the specification
inline constexpr std::size_t kPongBytes = 7;             // of PONG without its context
// INITIATE contains the same properties.
inline constexpr std::size_t kMaxInitiateBytes = CurveSession::kInitiateBytes + kMaxReadyBytes;
// The most bytes that a decoder holds between calls of feed(): the header of a long frame and the longest body.
inline constexpr std::size_t kMaxHeldBytes = 9 + kMaxInitiateBytes;

class Decoder {
 public:
  enum class Kind : std::uint8_t {
    Greeting,   // the other side speaks ZMTP 3: without CURVE, send READY
    Ready,      // the other side is a subscriber: messages may be sent; with CURVE, send READY first
    Subscribe,  // `text` is the prefix
    Cancel,     // `text` is the prefix
    Ping,       // `text` is the context, which PONG must return
    Hello,      // CURVE: send WELCOME
    Initiate,   // CURVE: the session knows the other side's key; call admit() if it may connect
  };
  struct Event {
    Kind kind;
    std::string_view text;  // valid until the next call of feed() or next()
  };

  // `session`: of the connection, which it must outlive; null: without CURVE.
  explicit Decoder(CurveSession* session = nullptr) : session_(session) {}

  // Adds received bytes, in segments of any size. Call next() until it returns nullopt before you feed more.
  void feed(std::string_view bytes);

  // Returns the next event; nullopt if it needs more bytes, or if the connection is broken.
  [[nodiscard]] std::optional<Event> next();

  // The key of Kind::Initiate may connect. Until this call, next() returns nothing more.
  void admit();

  // Why the connection is broken, for the log; empty while it is not. A broken decoder stays broken.
  [[nodiscard]] std::string_view broken() const { return broken_; }

  [[nodiscard]] bool is_ready() const { return phase_ == Phase::Traffic; }
  [[nodiscard]] std::size_t held_bytes() const { return held_.size() - used_; }

 private:
  enum class Phase : std::uint8_t {
    Greeting,
    Handshake,  // READY or HELLO is next
    Initiate,   // the next frame
    Judgement,  // of the key
    Admitted,   // the properties of INITIATE are next
    Traffic
  };
  struct Frame {
    bool command = false;
    std::string_view body;
  };

  std::optional<Event> next_of_greeting();
  std::optional<Frame> next_frame();
  std::optional<Event> ready(const Frame& frame);
  std::optional<Event> ready_for(std::string_view properties);
  std::optional<Event> curve_command(const Frame& frame);
  std::optional<Event> traffic(const Frame& frame);
  std::optional<Event> command(std::string_view body);
  std::optional<Event> subscription(Kind kind, std::string_view prefix);
  std::nullopt_t fail(std::string_view reason);

  CurveSession* session_;
  Phase phase_ = Phase::Greeting;
  std::string held_;
  std::size_t used_ = 0;  // bytes of held_ that are consumed
  std::string_view broken_;
};

// The bytes for the subscriber. `session`: null without CURVE, as for the decoder. The greeting at once, WELCOME after
// Kind::Hello, READY as the kinds say, a PONG for each PING.
[[nodiscard]] std::string greeting(const CurveSession* session = nullptr);
[[nodiscard]] std::string welcome(CurveSession& session);
[[nodiscard]] std::string ready(CurveSession* session = nullptr);
[[nodiscard]] std::string pong(std::string_view context, CurveSession* session = nullptr);

// ERROR, instead of READY: the key is refused for good. libzmq does not dial again after it.
[[nodiscard]] std::string refusal();

// A message of two frames. Send it only after Kind::Ready. With CURVE, what is sent is sealed() of it.
[[nodiscard]] std::string message(std::string_view topic, std::string_view body);
[[nodiscard]] std::string sealed(std::string_view message, CurveSession& session);

}  // namespace herd::node::zmtp
