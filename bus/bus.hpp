// ZeroMQ around the replica: one ROUTER that receives, and a DEALER to each peer that sends everything,
// acknowledgements included. So no ROUTER ever has to route, to drop at its high-water mark, or to be handed over.
//
// Owned and called by the loop's thread only; it owns its sockets from open() to its end. Nothing here blocks, and the
// ROUTER is read whatever an output does: nodes that waited for each other's outputs could wait in a circle.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <vector>
#include <zmq.hpp>

#include "bus/reopening.hpp"
#include "bus/replica.hpp"
#include "protocol/result.hpp"

namespace herd::bus {

class Bus {
 public:
  struct Addresses {
    std::string bind;                // tcp://host:port
    std::vector<std::string> peers;  // in the order of the replica's peers
  };

  // Binds and connects. The replica must outlive the bus. An Error names the address that cannot be had.
  [[nodiscard]] static protocol::Result<std::unique_ptr<Bus>> open(zmq::context_t& context, const Addresses& addresses,
                                                                   Replica& replica);

  // Descriptors that become readable when there may be something to do: first the ROUTER's, then the DEALERs'. They are
  // edge-triggered: after each wake-up say touched(), then pump() before the next wait.
  [[nodiscard]] const std::vector<int>& descriptors() const { return descriptors_; }
  void touched(std::size_t descriptor) { touched_[descriptor] = true; }

  // The end of a turn: hears what came, notices what is overdue, and sends what can be sent. True if it stopped before
  // everything was heard, so that clients get their turn: pump again without waiting.
  [[nodiscard]] bool pump(protocol::Now now);

  // When pump() must be called even if nothing comes, in steady time; max() for never.
  [[nodiscard]] protocol::Nanoseconds next_deadline(protocol::Now now) const;

  // Says BYE to every peer. Nothing may be pumped afterwards.
  void leave();

 private:
  Bus(zmq::context_t& context, Replica& replica);

  using Frames = std::array<zmq::message_t, 3>;  // header, body, check: the most that a message has

  [[nodiscard]] bool receive(protocol::Now now);
  void serve(PeerIndex peer, protocol::Now now);
  void reopen(PeerIndex peer);
  void hear(std::string_view route, const Frames& frames, std::size_t size, protocol::Now now);
  void send_all(PeerIndex peer, protocol::Now now);
  static void send(zmq::socket_t& dealer, const Outgoing& message);

  Replica& replica_;
  zmq::socket_t router_;
  std::vector<zmq::socket_t> dealers_;
  std::vector<std::string> addresses_;  // that the DEALERs connect to
  std::vector<Reopening> reopenings_;   // made by the first pump
  std::vector<int> descriptors_;
  std::vector<bool> touched_;
  std::vector<bool> writable_;  // as last seen
};

}  // namespace herd::bus
