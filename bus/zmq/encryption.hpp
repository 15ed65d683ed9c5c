// The encryption of one bus: which keys its sockets use, who may connect, and to which node a message's sender belongs.
// docs/decisions/0031-curve.md has the measured reasons.
//
//   KeyTable    which key belongs to which node, and which are revoked
//   ZapServer   the answers to ZeroMQ's question whether a connection may be accepted
//   Dialler     one for each peer: with which of its keys it is dialled
//
// The ROUTER is a CURVE server with the node's own key, each DEALER a client that knows its peer's key. So both ends of
// each connection prove their keys, and a message is read only by the node that it is for. Owned by the bus; loop
// thread only. Nothing here blocks, except prove().
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <zmq.hpp>

#include "bus/keys/bus_keys.hpp"
#include "bus/keys/key_table.hpp"
#include "bus/link/numbered.hpp"
#include "bus/store/packed_record.hpp"
#include "bus/zmq/dialler.hpp"
#include "bus/zmq/zap.hpp"
#include "protocol/clock.hpp"
#include "protocol/result.hpp"

namespace herd::bus {

// Each frame takes this much more on the wire: a command name (8 bytes), a nonce (8), flags (1) and the sum that
// authenticates it (16).
inline constexpr std::uint64_t kEncryptedFrameBytes = 33;

// A connection that was refused, for the log.
struct RefusedConnection {
  std::string host;         // IP address of the other end; empty if ZeroMQ does not report it
  std::string key;          // its public key; empty if it proved none
  std::string_view reason;  // a clause without control bytes
};

class Encryption {
 public:
  // Throws zmq::error_t if the context has a ZAP server already.
  Encryption(zmq::context_t& context, BusKeys keys);

  // A peer with this link number and name comes or goes.
  void add_peer(PeerIndex peer, std::string name);
  void remove_peer(PeerIndex peer) { peers_.remove(peer); }

  // The descriptor of the ZAP server, edge-triggered: after a wake-up call touched(), then serve().
  [[nodiscard]] int descriptor() const { return zap_.descriptor(); }
  void touched() { touched_ = true; }
  // Answers the connections that ask to be accepted; bounded work. True: call it again without waiting.
  [[nodiscard]] bool serve();

  // Gives the ROUTER the key in use; for the next bind. Throws zmq::error_t if ZeroMQ refuses an option.
  void equip_receiver(zmq::socket_t& router) const;
  // Gives the DEALER the keys for its next connection to the peer. False: the peer has no valid key, so do not connect.
  [[nodiscard]] bool equip_sender(zmq::socket_t& dealer, PeerIndex peer) const;
  [[nodiscard]] Dialler& dialler(PeerIndex peer) { return peers_[peer].dialler; }
  // The steady time at which one of the diallers dials anew; max() for never.
  [[nodiscard]] protocol::Nanoseconds due() const;

  // The node that sent this frame of a message; nullopt if the connection's key is not valid any more.
  [[nodiscard]] std::optional<std::string_view> sender_of(zmq::message_t& frame) const;
  [[nodiscard]] bool is_valid(std::string_view key) const { return table_.judge(key) == Admission::Known; }

  // New keys, of a reload. What the bus must do then:
  struct Changes {
    bool any = false;                // they differ from the former ones
    bool bind = false;               // the node's own key is another: bind the ROUTER again
    std::vector<PeerIndex> dialled;  // to these peers, dial anew
  };
  [[nodiscard]] Changes set_keys(BusKeys keys);

  // Proves that a stranger is refused: dials the bound `address` with a random key, and waits until it is refused. This
  // takes milliseconds, at most kProofPatience (bus/zmq/stranger_probe.hpp). Call it before anything else is served.
  [[nodiscard]] protocol::Result<void> prove(zmq::context_t& context, const std::string& address);

  // A handshake failed at the ROUTER before a key was proven.
  void note_failure();
  // The refused connections since the last call, at most kMaxRefusedKept. refused() counts all since the start, without
  // that of prove().
  [[nodiscard]] std::vector<RefusedConnection> take_refused() { return std::exchange(news_, {}); }
  [[nodiscard]] std::uint64_t refused() const { return refused_; }

  static constexpr std::size_t kMaxRefusedKept = 16;

 private:
  struct Peer {
    std::string name;
    Dialler dialler;
  };

  [[nodiscard]] Admission judge(const ZapServer::Request& request);
  void note_refused(RefusedConnection refused);

  BusKeys keys_;
  KeyTable table_;
  Numbered<Peer> peers_;
  ZapServer zap_;
  bool touched_ = true;
  std::string stranger_;  // the key of the proof that is under way; else empty
  std::vector<RefusedConnection> news_;
  std::uint64_t refused_ = 0;
};

}  // namespace herd::bus
