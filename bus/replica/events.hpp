// What happened on the bus and somebody outside should know: the replica returns it as values, the node logs and counts
// it once.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bus/link/link.hpp"
#include "bus/replica/claims.hpp"

namespace herd::bus {

// A link became up, half or down.
struct LinkChanged {
  std::string peer;
  Connected state = Connected::Down;
  ChangeNumber lag = 0;  // change numbers the peer has not acknowledged
};

// A node was refused, or said something that cannot be used. The same sentence may come often: rate-limit it.
struct PeerRefused {
  std::string peer;    // as it calls itself; may be empty
  std::string reason;  // one sentence, clean of control bytes
};

// Records that a peer held and this node lacked, though the link's cursors said otherwise: a fault somewhere, found by
// comparing stores, and made good.
struct DivergenceRepaired {
  std::string peer;
  std::size_t records = 0;
};

// Two processes claim one node's name.
struct NameConflict {
  enum class Role : std::uint8_t {
    Witness,  // both claim the name of a peer of this node
    Kept,     // this process keeps its name; another one is refused
    Refused,  // another process has the name of this one
  };
  Role role = Role::Witness;
  std::string peer;   // Witness: the peer of that name. Else: the peer that says so
  Claimant holder{};  // Witness: the process that keeps the name
  Claimant other{};   // Witness: the process that is refused. Else: the other process
  bool over = false;  // no longer so
};

// A peer's cursor proved that this node's journal is not the newest of its feed, so the node has renewed its feed.
struct FeedRenewed {
  std::string peer;           // whose cursor it was
  std::uint64_t feed_id = 0;  // from now on
};

struct Events {
  std::vector<NameConflict> conflicts;
  std::vector<LinkChanged> links;
  std::vector<DivergenceRepaired> repaired;
  std::vector<PeerRefused> refused;
  std::vector<FeedRenewed> renewed;
};

// Rising only, since the replica was made.
struct ReplicaCounters {
  std::uint64_t batches_sent = 0;
  std::uint64_t updates_sent = 0;
  std::uint64_t bodies_shared = 0;  // batches that went out with a body that was there (bus/replica/recent_bodies.hpp)
  std::uint64_t bodies_repeated = 0;  // batches that came with a body that had been sent or heard before
  std::uint64_t batches_received = 0;
  std::uint64_t updates_received = 0;
  std::uint64_t updates_merged = 0;    // ... that changed the store
  std::uint64_t updates_repeated = 0;  // ... that had been heard before
  std::uint64_t updates_older = 0;     // ... that changed nothing
  std::uint64_t updates_unreadable = 0;
  std::uint64_t messages_refused = 0;    // unreadable, of strangers, or of another herd or version
  std::uint64_t messages_damaged = 0;    // on their way (bus/zmq/checksum.hpp), or of no node's making
  std::uint64_t messages_unknown = 0;    // of a type this version does not know
  std::uint64_t digest_rounds = 0;       // comparisons with a peer that this node has begun
  std::uint64_t buckets_pulled = 0;      // ... and buckets that differed for long enough to be fetched
  std::uint64_t divergences_healed = 0;  // records that this node lacked though cursors said otherwise
  std::uint64_t timeouts = 0;            // answers that did not come in time
  std::uint64_t feeds_renewed = 0;       // because an old journal had taken the place of the newest one
};

}  // namespace herd::bus
