// The bus's part of a loop iteration: receives from the peers, lets the replica handle its timeouts, and sends each
// peer what the replica has for it. The replica (bus/replica/replica.hpp) decides what is sent; the transport
// (bus/loop/transport.hpp) carries it.
//
// Owned by the loop (bus/loop/loop.hpp). Pure; loop thread only.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "bus/link/reconnect_backoff.hpp"
#include "bus/loop/transport.hpp"
#include "bus/replica/replica.hpp"

namespace herd::bus {

class Pump {
 public:
  // Both must outlive the pump.
  Pump(Replica& replica, Transport& transport) : replica_(replica), transport_(transport) {}

  // Receives, then calls the replica's tick(), then sends. True if messages are left, because the work of one iteration
  // is bounded: call it again without waiting.
  [[nodiscard]] bool run(protocol::Now now);

  // The steady time at which run() must be called even if nothing has arrived; max() for never.
  [[nodiscard]] protocol::Nanoseconds next_deadline(protocol::Now now) const;

 private:
  [[nodiscard]] bool serve(PeerIndex peer, protocol::Now now);

  Replica& replica_;
  Transport& transport_;
  // By link number. The first run() makes them, as it knows the time; a run() after peers came or went makes them anew.
  std::vector<ReconnectBackoff> backoffs_;
  std::optional<std::uint64_t> peer_changes_;  // that the backoffs know of; nullopt: there was no run() yet
};

}  // namespace herd::bus
