// The server's side of CURVE (rfc.zeromq.org/spec/26) for one connection to the monitor: the handshake, in which both
// ends prove their keys, and the encryption of what follows. libsodium computes.
//
//   HELLO -> WELCOME      the viewer knows this node's public key; both draw keys for this connection only
//   INITIATE -> READY     the viewer proves its own key; whether that key may connect is not decided here
//   MESSAGE in both directions: each contains one frame in an encrypted box
//
// Pure, but for the random numbers of the operating system. Each function takes and returns the body of a command. One
// thread; the secrets are overwritten when the session ends.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "bus/keys/key_pair.hpp"

namespace herd::node::zmtp {

class CurveSession {
 public:
  static constexpr std::size_t kHelloBytes = 200;
  static constexpr std::size_t kInitiateBytes = 257;  // without the properties of the socket, which follow
  static constexpr std::size_t kMessageBytes = 33;    // what a box adds to the text of a frame

  // `own`: the key pair of this node.
  explicit CurveSession(const bus::KeyPair& own);
  ~CurveSession();
  CurveSession(const CurveSession&) = delete;
  CurveSession& operator=(const CurveSession&) = delete;

  // False: it is no HELLO of a viewer that knows this node's public key.
  [[nodiscard]] bool take_hello(std::string_view command);
  // The answer to it. Call it once.
  [[nodiscard]] std::string welcome();

  // False: it is no INITIATE of the viewer that has sent HELLO, or does not prove the key that it names.
  [[nodiscard]] bool take_initiate(std::string_view command);
  // After that: the viewer's public key in Z85, and the properties of its socket.
  [[nodiscard]] const std::string& viewer_key() const { return viewer_key_; }
  [[nodiscard]] std::string_view properties() const { return properties_; }
  // The answer to it, if the key may connect. `properties`: of this side's socket.
  [[nodiscard]] std::string ready(std::string_view properties);

  // A frame inside a MESSAGE.
  struct Frame {
    bool more = false;
    bool command = false;
    std::string_view text;  // of open(): valid until its next call
  };
  // nullopt: the message was not encrypted by this viewer, was changed, or is a repetition.
  [[nodiscard]] std::optional<Frame> open(std::string_view message);
  [[nodiscard]] std::string seal(const Frame& frame);

 private:
  using Key = std::array<unsigned char, 32>;

  Key own_public_{};
  Key own_secret_{};
  Key viewer_transient_{};  // the viewer's public key of this connection
  Key transient_secret_{};  // this side's
  Key shared_{};            // of the boxes: until welcome() of HELLO and WELCOME, then of this connection
  std::array<unsigned char, 96> cookie_{};  // of WELCOME, which INITIATE must return
  std::uint64_t received_ = 0;              // the number of the last box; the viewer counts upwards
  std::uint64_t sent_ = 0;
  std::string viewer_key_;
  std::string properties_;
  std::string opened_;
};

}  // namespace herd::node::zmtp
