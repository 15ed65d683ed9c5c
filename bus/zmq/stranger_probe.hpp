// A stranger for the proof at the start of a node (bus/zmq/encryption.hpp): dials the node's own port with a random key
// and reports the outcome. Used once, by the thread that makes it. wait() blocks for at most kProofPatience.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <zmq.hpp>

#include "bus/keys/key_pair.hpp"
#include "protocol/clock.hpp"

namespace herd::bus {

// The answer needs only a connection of this host with itself. A machine under load may need more than its usual
// milliseconds.
inline constexpr protocol::Nanoseconds kProofPatience = std::chrono::seconds(3);

class StrangerProbe {
 public:
  // Begins to dial `address` (tcp://IP:PORT; a wildcard is dialled at 127.0.0.1), where a CURVE server with the key
  // `server` listens. Throws zmq::error_t if ZeroMQ refuses.
  StrangerProbe(zmq::context_t& context, const std::string& address, const std::string& server);
  ~StrangerProbe();
  StrangerProbe(const StrangerProbe&) = delete;
  StrangerProbe& operator=(const StrangerProbe&) = delete;

  // Its public key.
  [[nodiscard]] const std::string& key() const { return pair_.public_key; }

  enum class Outcome : std::uint8_t { Refused, Accepted, NoAnswer };
  // Waits for the outcome. Calls `serve` whenever `descriptor` may be readable.
  [[nodiscard]] Outcome wait(int descriptor, const std::function<void()>& serve);

 private:
  KeyPair pair_ = make_key_pair();
  zmq::socket_t dealer_;
  zmq::socket_t monitor_;
};

}  // namespace herd::bus
