// Decides with which of a peer's keys a node dials it, and when it dials anew. ZeroMQ itself opens a broken connection
// again, always with the same keys. That is not enough in two cases:
//
//   - The peer uses another of its keys now. Every handshake fails, so after two failures the next key is tried.
//   - The peer refused this node's key for good (status 400 of ZAP, RFC 27), or does not speak CURVE, because a peer
//     without encryption or another program has its port. ZeroMQ then never dials again.
//
// Both are slow on purpose: neither is urgent, and a node must not flood a peer with handshakes. Owned by the bus, one
// for each peer. Pure; loop thread only.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

#include "protocol/clock.hpp"

namespace herd::bus {

// The shortest time for which a key of a peer is tried before the next one, except the first key.
inline constexpr protocol::Nanoseconds kKeyPatience = std::chrono::seconds(1);
// The failed handshakes after which the next key is tried. One failure may be a peer that is just ending.
inline constexpr std::size_t kFailuresOfKey = 2;
// How long a node waits after a refusal before it dials again.
inline constexpr protocol::Nanoseconds kRefusedWait = std::chrono::seconds(5);

class Dialler {
 public:
  // Sets the valid keys of the peer. Returns true if the key in use is not among them: dial anew with key().
  [[nodiscard]] bool set_keys(std::vector<std::string> keys);

  // The key to dial with; nullptr: the peer has no valid key, so do not dial.
  [[nodiscard]] const std::string* key() const { return keys_.empty() ? nullptr : &keys_[index_]; }

  // What became of a handshake.
  void succeeded();
  void failed(protocol::Now now);
  void refused(protocol::Now now);

  // True: end the connection and dial anew with key(), which may have changed.
  [[nodiscard]] bool take_dial(protocol::Now now);
  // The steady time at which take_dial() returns true; max() for never.
  [[nodiscard]] protocol::Nanoseconds due() const { return due_; }

 private:
  std::vector<std::string> keys_;
  std::size_t index_ = 0;     // of the key in use
  std::size_t failures_ = 0;  // of that key, since it was chosen or last worked
  protocol::Nanoseconds chosen_at_{};
  protocol::Nanoseconds due_ = protocol::Nanoseconds::max();
  bool next_key_ = false;  // the dial that is due uses the next key
};

}  // namespace herd::bus
