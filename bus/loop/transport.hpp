// The connections to the peers, as the pump (bus/loop/pump.hpp) uses them. The bus (bus/zmq/bus.hpp) implements them
// with ZeroMQ, the simulator with its virtual network. Loop thread only. Nothing here blocks.
//
// A connection to a peer carries messages to it; a peer's messages arrive by another one. Only CONFLICT comes back over
// a connection to a peer (docs/PROTOCOL.md, One name, two processes).
#pragma once

#include "bus/link/outgoing.hpp"
#include "bus/store/packed_record.hpp"
#include "protocol/clock.hpp"

namespace herd::bus {

class Transport {
 public:
  virtual ~Transport() = default;

  // Gives the replica the messages that have arrived, in order, and at most as many as one loop iteration may handle.
  // True if more are left.
  [[nodiscard]] virtual bool receive(protocol::Now now) = 0;

  // Looks at the connection to this peer, and gives the replica what came back over it, at most 64 messages. True if
  // there was any.
  virtual bool receive_back(PeerIndex peer, protocol::Now now) = 0;

  // Whether something may have changed at the connection since the last look: it may have become writable, or
  // something may have come back.
  [[nodiscard]] virtual bool touched(PeerIndex peer) const = 0;
  // Whether the connection was writable at the last look. Costs no system call.
  [[nodiscard]] virtual bool was_writable(PeerIndex peer) const = 0;
  // Looks at the connection again: whether it can take a message now. A system call.
  [[nodiscard]] virtual bool writable(PeerIndex peer) = 0;

  // Sends a message. Call it only after writable() returned true. The message may be lost all the same.
  virtual void send(PeerIndex peer, const Outgoing& message) = 0;

  // Closes the connection to a peer and opens it again. Messages on their way are lost.
  virtual void reconnect(PeerIndex peer) = 0;

  // The steady time at which receive() must be called even if nothing has arrived; max() for never.
  [[nodiscard]] virtual protocol::Nanoseconds due() const = 0;
};

}  // namespace herd::bus
