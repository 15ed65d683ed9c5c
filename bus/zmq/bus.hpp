// ZeroMQ around the replica: one ROUTER that receives, and a DEALER to each peer that sends everything,
// acknowledgements included. So no link depends on a ROUTER that routes, drops at its high-water mark, or is handed
// over. The ROUTER sends back only CONFLICT (docs/PROTOCOL.md, One name, two processes), which may be lost.
//
// Owned and called by the loop's thread only; it owns its sockets from open() to its end. Nothing here blocks, and the
// ROUTER is read whatever an output does: nodes that waited for each other's outputs could wait in a circle.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>
#include <zmq.hpp>

#include "bus/link/reconnect_backoff.hpp"
#include "bus/replica/connections.hpp"
#include "bus/replica/replica.hpp"
#include "bus/zmq/connection_guard.hpp"
#include "protocol/result.hpp"

namespace herd::bus {

class Bus : private Connections {
 public:
  struct Addresses {
    std::string bind;                // tcp://host:port
    std::vector<std::string> peers;  // in the order of the replica's peers
  };

  // Binds and connects. The replica must outlive the bus. An Error names the address that cannot be had.
  [[nodiscard]] static protocol::Result<std::unique_ptr<Bus>> open(zmq::context_t& context, const Addresses& addresses,
                                                                   Replica& replica);

  // Descriptors that become readable when there may be something to do: first the ROUTER's, then the DEALERs', then
  // those of the guard's monitors. They are edge-triggered: after each wake-up say touched(), then pump() before the
  // next wait.
  [[nodiscard]] const std::vector<int>& descriptors() const { return descriptors_; }
  void touched(std::size_t descriptor);

  // The end of a turn: hears what came, notices what is overdue, and sends what can be sent. True if it stopped before
  // everything was heard, so that clients get their turn: pump again without waiting.
  [[nodiscard]] bool pump(protocol::Now now);

  // When pump() must be called even if nothing comes, in steady time; max() for never.
  [[nodiscard]] protocol::Nanoseconds next_deadline(protocol::Now now) const;

  // Connections that were cut since the last call, at most ConnectionGuard::kMaxCutsKept; connections_cut() counts all.
  [[nodiscard]] std::vector<ConnectionCut> take_cuts() { return guard_->take_cuts(); }
  [[nodiscard]] std::uint64_t connections_cut() const { return guard_->cuts(); }

  // Says BYE to every peer. Nothing may be pumped afterwards.
  void leave();

 private:
  Bus(zmq::context_t& context, Replica& replica);

  using Frames = std::array<zmq::message_t, 3>;  // header, body, check: the most that a message has

  // A message that comes out of the ROUTER, perhaps in several iterations.
  struct Incomplete {
    bool begun = false;
    zmq::message_t route;
    Frames frames;
    zmq::message_t extra;  // each frame after the third
    std::size_t size = 0;  // frames after the route
    std::uint64_t wire_bytes = 0;
  };

  [[nodiscard]] bool receive(protocol::Now now);
  void receive_frame(protocol::Now now);
  void guard(bool& more, protocol::Now now);
  void serve(PeerIndex peer, protocol::Now now);
  void reconnect(PeerIndex peer);
  void receive(std::string_view route, const Frames& frames, std::size_t size, protocol::Now now);
  void send_all(PeerIndex peer, protocol::Now now);
  void receive_back(PeerIndex peer, protocol::Now now);
  static void send(zmq::socket_t& dealer, const Outgoing& message);
  [[nodiscard]] bool send_back(const std::string& route, const std::string& header) override;
  [[nodiscard]] std::string host() const override;

  Replica& replica_;
  zmq::socket_t router_;
  std::vector<zmq::socket_t> dealers_;
  std::vector<std::string> addresses_;      // that the DEALERs connect to
  std::vector<ReconnectBackoff> backoffs_;  // made by the first pump
  std::vector<int> descriptors_;
  std::vector<bool> touched_;
  std::vector<bool> writable_;             // as last seen
  bool again_ = false;                     // a DEALER had something to read: pump again
  const zmq::message_t* heard_ = nullptr;  // the header that the replica hears now
  Incomplete incomplete_;
  std::optional<ConnectionGuard> guard_;  // last, for it must go before the sockets
};

}  // namespace herd::bus
