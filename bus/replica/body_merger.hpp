// The receiving side of a replica: merges the updates that peers send into the store. In a busy herd this takes most of
// the time.
//
// Flooding brings every update once over each link. A repeat is dropped as early as possible:
//
//   1. the whole body was sent or merged lately (bus/replica/recent_bodies.hpp): not even decoded
//   2. the update's identity was merged lately (bus/link/seen_set.hpp): its texts are not parsed
//   3. the record is as new or newer: the store's order decides
//
// Updates that cannot be read, or are out of bounds, are counted and skipped as if they had been merged, so that no
// peer can block a link (docs/PROTOCOL.md, rule 10). A body of which every update changed the store is remembered:
// other links can send it unchanged.
//
// Owned by the replica (bus/replica/replica.hpp), which checks that a message is of a peer; loop thread only. Bounded
// by the seen-set, and by the body that is merged.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "bus/link/handshake.hpp"
#include "bus/link/seen_set.hpp"
#include "bus/replica/event_collector.hpp"
#include "bus/replica/recent_bodies.hpp"
#include "bus/store/store.hpp"
#include "protocol/body.hpp"

namespace herd::bus {

class BodyMerger {
 public:
  // All must outlive the merger. `self`: this node, which knows the updates of its own run by their numbers.
  BodyMerger(const Self& self, Store& store, RecentBodies& recent, EventCollector& events)
      : self_(&self), store_(&store), recent_(&recent), events_(&events) {}

  // The peer that sent a body, and the body frame of its message, if there is one. Any bytes are allowed.
  struct Received {
    PeerIndex peer = 0;     // its index among the replica's peers, which the store records
    std::string_view name;  // of the peer, for events
    std::optional<std::string_view> body;
    protocol::Nanoseconds wall{};  // the time of this node's clock, since 1970
  };

  // The result of a merge.
  struct Merged {
    bool is_readable = true;  // false: the body could not be decoded, and counts as empty
    std::size_t updates = 0;  // that could be decoded, repeats included
    std::size_t changed = 0;  // of them, those that changed the store
  };

  // The body of a BATCH.
  Merged merge_batch(const Received& received);
  // The body of an ANSWER, for which the seen-set is not asked: reconciliation repairs also what was merged before.
  Merged merge_answer(const Received& received);

  // Frees the memory of what was merged from this origin, of which a peer was removed (bus/link/seen_set.hpp).
  void forget(std::string_view origin) { seen_.forget(origin); }

 private:
  // Of the updates with the origin of the last one looked at.
  struct OfOrigin {
    std::size_t origin = 0;             // index in body_.origins; its size if none was looked at
    SeenSet::Window* window = nullptr;  // nullptr: its updates have no identities
    ChangeNumber accepted_to = 0;       // all numbers of the origin from 1 to this one are known
  };
  enum class Repeats : std::uint8_t { Dropped, Merged };

  [[nodiscard]] bool read(const Received& received, std::string_view message);
  [[nodiscard]] bool is_seen(const protocol::Body::Entry& entry, OfOrigin& of);
  std::size_t merge_updates(const Received& received, Repeats repeats);
  [[nodiscard]] bool merge_update(const Received& received, const protocol::Update& update,
                                  const Store::ClientKey& key);
  void remember(const Received& received, ChangeNumber before);

  const Self* self_;
  Store* store_;
  RecentBodies* recent_;
  EventCollector* events_;
  SeenSet seen_;
  protocol::Body body_;  // the one that is merged; a member to save allocations
};

}  // namespace herd::bus
