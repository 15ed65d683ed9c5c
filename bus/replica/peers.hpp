// The peers of a replica: the link to each, the number of the link, and the connection that the peer's messages come
// by. Peers come and go while the node runs (docs/PROTOCOL.md, rules 27 to 30). A link keeps its number; the number of
// a removed peer is given out again (bus/link/numbered.hpp).
//
// Pure. Owned by the replica (bus/replica/replica.hpp), which decides who comes and goes; loop thread only. Others read
// it. Bounded by protocol::kMaxNodes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "bus/link/handshake.hpp"
#include "bus/link/link.hpp"
#include "bus/link/numbered.hpp"
#include "bus/link/reconciler.hpp"
#include "bus/replica/claims.hpp"
#include "bus/store/feed_position.hpp"

namespace herd::bus {

// Messages of one direction of a link since the peer was added, and the bytes of their header and body frames.
struct Traffic {
  std::uint64_t messages = 0;
  std::uint64_t bytes = 0;
  void count(std::string_view header, std::string_view body) {
    ++messages;
    bytes += header.size() + body.size();
  }
};

struct Peer {
  std::string name;
  Link link;
  Reconciler reconciler;
  Claims claims{};                        // the processes that claim its name, and the route of its messages
  Connected announced = Connected::Down;  // the state that the last event reported
  Traffic sent{};                         // taken for the peer
  Traffic received{};                     // by its accepted route
};

class Peers {
 public:
  // What each new link is made with.
  struct LinkOptions {
    LinkLimits limits;
    ReconcileLimits reconcile;
    std::uint64_t jitter_seed = 0;  // of the times of reconciliation rounds
  };
  // `self` must outlive the peers.
  Peers(const Self& self, const LinkOptions& options) : self_(&self), options_(options) {}

  // A peer of the configuration at the start of the node. `restored`: as in ReceivingCursor.
  void begin_with(std::string name, const PeerCursor& restored);
  // The links, also those that are made later, acknowledge as `limits` state: prompt_durable and ack_delay. The other
  // limits stay.
  void acknowledge_as(const LinkLimits& limits);
  // A peer is added while the node runs; it must not be one already. Returns the number of its link.
  PeerIndex add(std::string name);
  // A peer is removed. Messages by its route belong to no peer from now on.
  void remove(PeerIndex number);
  // Rises with each add() and remove().
  [[nodiscard]] std::uint64_t changes() const { return changes_; }

  // Whether a link has this number. Any number is allowed.
  [[nodiscard]] bool has(PeerIndex number) const { return peers_.has(number); }
  // The number of the link to this peer; nullopt if it is no peer.
  [[nodiscard]] std::optional<PeerIndex> number_of(std::string_view name) const;
  // The number of the link to the peer that sends by this route: its accepted HELLO came by it. nullopt: it belongs to
  // no peer.
  [[nodiscard]] std::optional<PeerIndex> number_by(std::string_view route) const;
  // All numbers are below this one.
  [[nodiscard]] PeerIndex end_number() const { return peers_.end_number(); }
  [[nodiscard]] std::size_t size() const { return peers_.size(); }

  // The peer of the link with this number, which must be in use.
  [[nodiscard]] Peer& operator[](PeerIndex number) { return peers_[number]; }
  [[nodiscard]] const Peer& operator[](PeerIndex number) const { return peers_[number]; }
  [[nodiscard]] auto begin() { return peers_.begin(); }
  [[nodiscard]] auto end() { return peers_.end(); }
  [[nodiscard]] auto begin() const { return peers_.begin(); }
  [[nodiscard]] auto end() const { return peers_.end(); }

  // The process that makes this claim is the peer's from now on, and its connection the peer's route. If the route was
  // another peer's, that peer loses it, because it sends by it no more.
  void take(PeerIndex number, const Claims::Claim& claim);

  // Asserts that names are unique, that the links have legal states, and that the routes are those of the claims.
  void check_invariants(ChangeNumber feed_tail) const;

 private:
  [[nodiscard]] Peer make(std::string name, const PeerCursor& restored) const;

  const Self* self_;
  LinkOptions options_;
  Numbered<Peer> peers_;
  std::uint64_t links_made_ = 0;  // since the start
  std::uint64_t changes_ = 0;
  std::unordered_map<std::string, PeerIndex> routes_;  // at most one for each peer: the route of its claims
};

}  // namespace herd::bus
