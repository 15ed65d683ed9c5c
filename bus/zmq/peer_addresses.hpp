// The addresses of all peers of one bus (bus/zmq/peer_address.hpp has the rules), and the questions to the resolver.
// Owned by the bus; loop thread only. Nothing here blocks.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "bus/link/numbered.hpp"
#include "bus/store/packed_record.hpp"
#include "bus/zmq/name_resolver.hpp"
#include "bus/zmq/peer_address.hpp"
#include "protocol/clock.hpp"

namespace herd::bus {

class PeerAddresses {
 public:
  // `resolver` must outlive this object; it may be nullptr if no host is ever a name.
  explicit PeerAddresses(NameResolver* resolver) : resolver_(resolver) {}

  // The address of a new peer, or a new one of a peer: tcp://HOST:PORT. `peer`: the number of its link.
  void set(PeerIndex peer, const std::string& configured);
  void remove(PeerIndex peer);

  // The endpoint to dial, with an IP address; empty: none is known yet.
  [[nodiscard]] const std::string& endpoint(PeerIndex peer) const { return peers_[peer].endpoint(); }

  // The connection to the peer is opened again: its name is looked up soon.
  void reconnecting(PeerIndex peer) { peers_[peer].ask_soon(); }

  // Asks and takes answers; call it in each loop iteration. Returns the peers to dial anew.
  using IsUp = std::function<bool(PeerIndex)>;
  [[nodiscard]] std::vector<PeerIndex> update(const IsUp& is_up, protocol::Now now);
  // The steady time at which update() must be called even if no answer has come; max() for never.
  [[nodiscard]] protocol::Nanoseconds due() const;

  // The newest change of each peer since the last call.
  struct Change {
    PeerIndex peer = 0;
    AddressChange change;
  };
  [[nodiscard]] std::vector<Change> take_changes();

 private:
  Numbered<PeerAddress> peers_;
  std::vector<PeerIndex> named_;  // the peers of which the host is a name
  NameResolver* resolver_;
};

}  // namespace herd::bus
