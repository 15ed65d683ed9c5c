// The store of a node: one record per client, and the feed of their changes.
//
// merge() is the only way to change a record. It stores an update if it is greater than the client's record in the
// order of docs/PROTOCOL.md, rule 1; then the record gets the next change number, at the feed's tail. Records are never
// deleted; an operator's reset is an update too.
//
// Parts: the cells hold the records' bytes, the index of clients finds a record by its client's id, the origins are a
// table of the nodes that accepted records, the feed orders the records by their last change, the digests serve the
// comparison with other stores. All of them name a record by its RecordIndex, which never changes.
//
// Pure: no clock, no socket, no log. Owned by the replica, used on the loop's thread only.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "bus/store/client_index.hpp"
#include "bus/store/digest.hpp"
#include "bus/store/feed.hpp"
#include "bus/store/origins.hpp"
#include "bus/store/packed_record.hpp"
#include "bus/store/record.hpp"
#include "bus/store/record_cells.hpp"
#include "bus/store/superseded_changes.hpp"
#include "protocol/update.hpp"

namespace herd::bus {

class Store {
 public:
  // `hash_seed`: of the index of clients; random in production, so that an attacker cannot choose ids that collide.
  // `base`: the first change gets the number base + 1.
  explicit Store(std::uint64_t hash_seed, ChangeNumber base = 0);

  enum class Merged : std::uint8_t {
    Changed,    // the update is the client's record now, with the feed's next change number
    Unchanged,  // the client's record is equal to the update or greater
  };

  // The result of locate(): a client's record without its texts, or that there is none. Valid until the store changes.
  struct Slot {
    ClientIndex::Found at;
    RecordCells::Cell cell{};  // only if found()
    RecordFields known{};      // only if found()
    [[nodiscard]] bool found() const { return at.index.has_value(); }
    [[nodiscard]] RecordIndex index() const { return *at.index; }
  };
  // The key of a search: the client's id, its hash, and the guess of look_ahead().
  struct ClientKey {
    std::string_view client;
    std::uint64_t hash = 0;
    std::optional<RecordIndex> guess;  // locate() tries this record first; it need not be the client's
  };
  [[nodiscard]] ClientKey key_of(std::string_view client) const { return {client, index_->hash_of(client), {}}; }
  [[nodiscard]] Slot locate(const ClientKey& key) const;
  [[nodiscard]] Slot locate(std::string_view client) const { return locate(key_of(client)); }

  // Stores `update` if it is greater than the client's record by (epoch, time, origin, coordinates, time text,
  // difference). Merging is commutative, associative and idempotent. The update must be valid: read_texts() of
  // bus/store/update_texts.hpp returned true for it, or the command parser produced it. `by`: the link by which it
  // came, or kFromClient. Copies the texts.
  Merged merge(const protocol::Update& update, PeerIndex by) { return merge(update, by, locate(update.client)); }
  // The same, with the result of locate(update.client).
  Merged merge(const protocol::Update& update, PeerIndex by, const Slot& slot);

  // Prepares a series of locate() or merge() calls, one for each of these clients: computes the hashes and guesses, and
  // prefetches the memory of all records together, so that the cache misses overlap. Pays from about five up to a few
  // dozen clients. Keys with an empty `client` are skipped.
  void look_ahead(std::span<ClientKey> clients) const;
  // A hint to the processor: the record with this index is read soon.
  void prefetch(RecordIndex index) const { cells_.prefetch(index); }

  // The next change gets the number `base` + 1. `base` must not be below the feed's tail.
  void skip_to(ChangeNumber base) { feed_.skip_to(base); }

  // The client's record, or nullopt if there is none. Its views are valid until the store changes.
  [[nodiscard]] std::optional<RecordView> find(std::string_view client) const;

  // The record with this index, which must exist (has()).
  [[nodiscard]] RecordView record_at(RecordIndex index) const;
  // The same as the update to send to a peer. Its views are valid as long as `texts`, and until the store changes.
  [[nodiscard]] protocol::Update update_at(RecordIndex index, UpdateTexts& texts) const;
  // The link by which the record came, or kFromClient.
  [[nodiscard]] PeerIndex came_by(RecordIndex index) const;
  // The packed bytes, for the journal, which writes them unchanged; and the meaning of the origin's index in them.
  [[nodiscard]] RecordCells::Cell packed_at(RecordIndex index) const { return cells_.at(index); }
  [[nodiscard]] const Origins::Origin& origin_at(OriginIndex index) const { return origins_.at(index); }
  // Records that `run` of this node accepted count as accepted by run `to` from now on.
  void rename_run(std::string_view node, std::uint64_t run, std::uint64_t to) { origins_.rename_run(node, run, to); }
  // The change number of the record in the feed.
  [[nodiscard]] ChangeNumber number_of(RecordIndex index) const;
  // The same for a client's record; 0 if there is none.
  [[nodiscard]] ChangeNumber number_of(std::string_view client) const;

  // Changes that are superseded here but not in the journal (bus/store/superseded_changes.hpp).
  [[nodiscard]] SupersededChanges& superseded() { return superseded_; }
  [[nodiscard]] const SupersededChanges& superseded() const { return superseded_; }

  [[nodiscard]] const Feed& feed() const { return feed_; }

  // The number of clients with a record.
  [[nodiscard]] std::size_t size() const { return feed_.size(); }

  // Equal digests mean equal stores. Covers exactly the fields of the order; the same on every machine.
  [[nodiscard]] std::uint64_t digest() const { return digests_.total(); }
  // The sum of each bucket, and the first record of each.
  [[nodiscard]] const BucketDigests& digests() const { return digests_; }

  // The records of a bucket are a list, from digests().first(bucket) to BucketDigests::kEnd. The newest clients come
  // first, so clients that are added during a walk do not affect it.
  [[nodiscard]] RecordIndex next_in_bucket(RecordIndex index) const { return cells_.next_in_bucket(index); }
  // Whether a record has this index. Any number is allowed.
  [[nodiscard]] bool has(std::uint64_t index) const { return cells_.has(index); }

  // Asserts that the parts have legal states and agree: each record is in the feed once, with its number, in the index
  // of clients and in its bucket; its hash is that of its fields, and is in the sums; each origin has as many uses as
  // records. O(n) of the records, about 1 us for each, and 10 us for an empty store.
  void check_invariants() const;

 private:
  [[nodiscard]] bool is_greater(const protocol::Update& update, const Slot& slot) const;
  // Moves the record's entry in the feed from the number `old` to the tail; returns its new number.
  ChangeNumber move_to_tail(RecordIndex index, ChangeNumber old);
  void check_record(RecordIndex index, Bucket bucket) const;

  RecordCells cells_;
  std::unique_ptr<ClientIndex> index_;
  Origins origins_;
  Feed feed_;
  SupersededChanges superseded_;
  BucketDigests digests_;
};

}  // namespace herd::bus
