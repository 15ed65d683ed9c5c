// Events and counters of the replica. Layers below the node do not log: the replica collects events as values, and the
// node takes them once per loop iteration, logs each once and publishes it on the monitor. Loop thread only.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bus/link/link.hpp"
#include "bus/replica/claims.hpp"

namespace herd::bus {

// The state of a link has changed.
struct LinkChanged {
  std::string peer;
  Connected state = Connected::Down;
  std::size_t lag = 0;  // as in PeerStatus
};

// A node was refused, or a message or an update was unusable. The same event may repeat often: rate-limit its log line.
struct PeerRefused {
  std::string peer;    // the name that it gives itself; may be empty
  std::string reason;  // one sentence without control bytes
};

// Reconciliation fetched records that this node lacked although the link's cursors covered them: a fault somewhere.
struct DivergenceRepaired {
  std::string peer;         // from which they came
  std::size_t records = 0;  // since the last take_events()
};

// Two processes claim one node's name.
struct NameConflict {
  enum class Role : std::uint8_t {
    Witness,  // both claim the name of a peer of this node
    Kept,     // this process keeps its name; another one is refused
    Refused,  // another process has the name of this one
  };
  Role role = Role::Witness;
  std::string peer;   // Witness: the peer with that name. Else: the peer that reports it
  Claimant holder{};  // Witness: the process that keeps the name
  Claimant other{};   // Witness: the process that is refused. Else: the other process with this node's name
  bool over = false;  // the conflict has ended
};

// A peer's cursor proved that this node's journal is not the newest one of its feed, so the node has renewed its feed.
struct FeedRenewed {
  std::string peer;           // that has this cursor
  std::uint64_t feed_id = 0;  // of the new feed
};

struct Events {
  std::vector<NameConflict> conflicts;
  std::vector<LinkChanged> links;
  std::vector<DivergenceRepaired> repaired;
  std::vector<PeerRefused> refused;
  std::vector<FeedRenewed> renewed;
};

// Counts since the replica was made; they never fall.
struct ReplicaCounters {
  std::uint64_t batches_sent = 0;
  std::uint64_t updates_sent = 0;
  std::uint64_t bodies_shared = 0;  // batches sent with a body that needed no encoding (bus/replica/recent_bodies.hpp)
  std::uint64_t bodies_repeated = 0;  // batches received with a body that had been sent or received before
  std::uint64_t batches_received = 0;
  std::uint64_t updates_received = 0;
  std::uint64_t updates_merged = 0;      // received updates that changed the store
  std::uint64_t updates_repeated = 0;    // ... that had been received before
  std::uint64_t updates_older = 0;       // ... that were not newer than the record
  std::uint64_t updates_unreadable = 0;  // ... that could not be decoded, or were out of bounds
  std::uint64_t messages_refused = 0;    // unreadable, from strangers, or of another herd or version
  std::uint64_t messages_damaged = 0;    // with a wrong checksum (bus/zmq/checksum.hpp), or no message of a node
  std::uint64_t messages_unknown = 0;    // of a type that this version does not know
  std::uint64_t digest_rounds = 0;       // reconciliation rounds that this node has begun
  std::uint64_t buckets_pulled = 0;  // buckets that this node asked peers for, because they differed for long enough
  std::uint64_t divergences_healed = 0;  // records repaired by reconciliation
  std::uint64_t timeouts = 0;            // ACKs and PONGs that were overdue
  std::uint64_t feeds_renewed = 0;       // renewals of the feed, because the journal was not its newest one
};

}  // namespace herd::bus
