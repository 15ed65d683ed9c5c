// The bus connects a replica (bus/replica/replica.hpp) to its peers by ZeroMQ. It decides nothing about updates: it
// passes received messages and the time to the replica. The pump (bus/loop/pump.hpp) decides when it sends which of the
// replica's messages.
//
// A node binds one ROUTER, on which it receives from all peers, and opens one DEALER to each peer's ROUTER, by which it
// sends everything, acknowledgements included. So no link depends on how a ROUTER routes, what it drops at its
// high-water mark, or when it hands an identity over to a new connection. The ROUTER itself sends only CONFLICT, which
// may be lost (docs/PROTOCOL.md, One name, two processes).
//
// With keys (bus/zmq/encryption.hpp) all connections are encrypted by CURVE, and each message names the node that its
// connection belongs to. Without keys the bus is for loopback addresses only.
//
// libzmq gets IP addresses only. The host names of peers are looked up by a resolver of the node, and looked up again
// when a link is lost (bus/zmq/peer_address.hpp).
//
// Owned by the node; loop thread only. It owns its sockets from open() to its destructor. Nothing here blocks. The
// ROUTER is read even if a DEALER cannot send: if nodes stopped reading until they could send, they could wait for each
// other in a circle.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <zmq.hpp>

#include "bus/keys/bus_keys.hpp"
#include "bus/link/numbered.hpp"
#include "bus/loop/transport.hpp"
#include "bus/replica/connections.hpp"
#include "bus/replica/replica.hpp"
#include "bus/zmq/connection_guard.hpp"
#include "bus/zmq/encryption.hpp"
#include "bus/zmq/peer_addresses.hpp"
#include "protocol/result.hpp"

namespace herd::bus {

class Bus : public Transport, private Connections {
 public:
  struct Addresses {
    std::vector<std::string> bind;     // tcp://IP:port, all with the same port; at least one
    std::vector<std::string> peers;    // tcp://HOST:port, of the replica's peers, in the order of their numbers
    NameResolver* resolver = nullptr;  // must outlive the bus; needed if the host of a peer is a name
  };

  // Binds the ROUTER and connects the DEALERs, those to host names later, when their addresses are known. The replica
  // must outlive the bus. The Error names the address that is in use or invalid. `keys`: nullopt: the bus is not
  // encrypted. Else it first proves that a stranger is refused, which takes milliseconds and at most kProofPatience;
  // the context may have no other bus with keys.
  [[nodiscard]] static protocol::Result<std::unique_ptr<Bus>> open(zmq::context_t& context, const Addresses& addresses,
                                                                   Replica& replica,
                                                                   std::optional<BusKeys> keys = std::nullopt);

  // The descriptors to wait for: of the sockets, of the connection guard and of the encryption. They become readable
  // when there may be something to do, and are edge-triggered: after each wake-up call note_readable() with each
  // readable one, and let the pump run before the next wait. add_peer() and remove_peer() change them: stop waiting
  // before the call, and begin again after it.
  [[nodiscard]] std::vector<int> descriptors() const;
  void note_readable(int descriptor);

  // Opens a connection to a peer that the replica has added. The Error says what is wrong with the address; then there
  // is no connection, and remove_peer() must not be called.
  [[nodiscard]] protocol::Result<void> add_peer(PeerIndex peer, const std::string& address);
  // Closes both connections of a peer at once. Call it before the replica removes the peer.
  void remove_peer(PeerIndex peer);
  // The address of a peer in the configuration. If it is another one than before, the connection is opened there.
  // Returns whether it is. The Error says what is wrong with it; then there is no connection until the next call.
  [[nodiscard]] protocol::Result<bool> set_address(PeerIndex peer, const std::string& address);

  // Transport. receive() also lets the connection guard act.
  [[nodiscard]] bool receive(protocol::Now now) override;
  bool receive_back(PeerIndex peer, protocol::Now now) override;
  [[nodiscard]] bool touched(PeerIndex peer) const override { return outputs_[peer]->touched; }
  [[nodiscard]] bool was_writable(PeerIndex peer) const override { return outputs_[peer]->writable; }
  [[nodiscard]] bool writable(PeerIndex peer) override;
  void send(PeerIndex peer, const Outgoing& message) override;
  void reconnect(PeerIndex peer) override;
  [[nodiscard]] protocol::Nanoseconds due() const override;

  // New keys of an encrypted bus. Connections of keys that are gone end at once, and others are dialled anew where they
  // must. If the node's own key in use changes, all connections end and are opened again; nothing is lost. Returns
  // whether the keys differ from the former ones.
  bool set_keys(BusKeys keys, protocol::Now now);
  // Why the port could not be bound again since the last call; nullopt: there is no such trouble.
  [[nodiscard]] std::optional<std::string> take_bind_trouble() { return std::exchange(bind_trouble_, std::nullopt); }
  // The connections that were refused in their handshake since the last call, at most Encryption::kMaxRefusedKept.
  [[nodiscard]] std::vector<RefusedConnection> take_refused();
  // The connections that were cut since the last call, at most ConnectionGuard::kMaxCutsKept of them.
  [[nodiscard]] std::vector<ConnectionCut> take_cuts() { return guard_->take_cuts(); }
  // All of both since the start.
  struct Counts {
    std::uint64_t refused = 0;
    std::uint64_t cut = 0;
  };
  [[nodiscard]] Counts counts() const { return {encryption_ ? encryption_->refused() : 0, guard_->cuts()}; }

  // The addresses at which this node dials its peers, and what changed: endpoint() and take_changes().
  [[nodiscard]] PeerAddresses& addresses() { return addresses_; }

  // Sends BYE to every peer. Do not send anything after it.
  void leave();

 private:
  Bus(zmq::context_t& context, const Addresses& addresses, Replica& replica, std::optional<BusKeys> keys);

  using Frames = std::array<zmq::message_t, 3>;  // header, body, checksum: the most that a message has

  // The message that is being read from the ROUTER, perhaps over several loop iterations.
  struct Incomplete {
    bool begun = false;  // its route has been read, and frames follow
    zmq::message_t route;
    Frames frames;
    zmq::message_t extra;          // the newest frame after the third
    std::size_t size = 0;          // number of frames after the route
    std::uint64_t wire_bytes = 0;  // of these frames
  };

  // The connection to a peer.
  struct Output {
    zmq::socket_t dealer;
    int descriptor;          // of the DEALER
    std::string configured;  // the peer's address in the configuration
    std::string dialled{};   // the endpoint that the DEALER is connected to; empty: none
    bool touched = true;     // its state may have changed since the last look
    bool writable = false;   // as of the last look
  };

  void bind();
  void bind_again(protocol::Now now);
  void dial(PeerIndex peer);
  void hang_up(PeerIndex peer);
  [[nodiscard]] std::string_view authenticate(zmq::message_t& frame, protocol::Now now);
  void note_handshakes(protocol::Now now);
  [[nodiscard]] std::uint64_t wire_bytes(const zmq::message_t& frame) const;
  [[nodiscard]] bool read_router(protocol::Now now);
  void receive_frame(protocol::Now now);
  void receive_message(std::string_view route, Frames& frames, std::size_t size, protocol::Now now);
  [[nodiscard]] int look_at(PeerIndex peer);
  void receive_answer(PeerIndex peer, protocol::Now now);
  [[nodiscard]] bool send_back(const std::string& route, const std::string& header) override;
  [[nodiscard]] std::string host() const override;

  zmq::context_t& context_;
  Replica& replica_;
  zmq::socket_t router_;
  Numbered<std::unique_ptr<Output>> outputs_;  // the guard keeps pointers to the sockets
  PeerAddresses addresses_;                    // to which the DEALERs connect
  std::vector<std::string> bound_;             // the addresses of the ROUTER; empty: not bound now
  const zmq::message_t* received_ = nullptr;   // the header that the replica receives now
  Incomplete incomplete_;
  std::optional<Encryption> encryption_;
  const std::vector<std::string> bind_addresses_;                  // as configured
  protocol::Nanoseconds bind_due_ = protocol::Nanoseconds::max();  // when to try to bind again
  int bind_failures_ = 0;                                          // in a row
  std::optional<std::string> bind_trouble_;
  std::optional<ConnectionGuard> guard_;  // last, because it must be destroyed before the sockets
};

}  // namespace herd::bus
