// What a node knows: the newest record of each client, in the order of rule 1, and the feed of their changes.
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
  // `hash_seed`: random in production, so that nobody can choose client ids that collide.
  explicit Store(std::uint64_t hash_seed, ChangeNumber base = 0);

  enum class Merged : std::uint8_t {
    Changed,    // the record took the update's place, and the feed's next number
    Unchanged,  // the record is the same or greater in the order
  };

  // Where a client's record stands, or would, and what it says but for its texts. Good until the store is next changed.
  struct Slot {
    ClientIndex::Found at;
    RecordCells::Cell cell{};  // where there is a record
    RecordFields known{};      // likewise
    [[nodiscard]] bool found() const { return at.index.has_value(); }
    [[nodiscard]] RecordIndex index() const { return *at.index; }
  };
  // A client that is looked for, and what is known of where it stands.
  struct ClientKey {
    std::string_view client;
    std::uint64_t hash = 0;
    std::optional<RecordIndex> guess;  // to be looked at first
  };
  [[nodiscard]] ClientKey key_of(std::string_view client) const { return {client, index_->hash_of(client), {}}; }
  [[nodiscard]] Slot locate(const ClientKey& key) const;
  [[nodiscard]] Slot locate(std::string_view client) const { return locate(key_of(client)); }

  // Keeps the greater of the record and `update` by (epoch, time, origin, coordinates, time text, difference):
  // commutative, associative and idempotent. The texts must be valid, and the time what its text says
  // (bus/store/update_texts.hpp); they are copied.
  Merged merge(const protocol::Update& update, PeerIndex by) { return merge(update, by, locate(update.client)); }
  // The same, for whoever has looked where `update.client` stands.
  Merged merge(const protocol::Update& update, PeerIndex by, const Slot& slot);

  // These clients are going to be looked for or merged, soon and all of them: fills in what helps then. Memory is asked
  // for all of their records at once, instead of for each when it is needed. Worth it from a handful on, up to a few
  // dozen. One without a client is passed over.
  void look_ahead(std::span<ClientKey> clients) const;

  // The next change gets the number `base` + 1 at least. Not below the feed's tail.
  void skip_to(ChangeNumber base) { feed_.skip_to(base); }

  [[nodiscard]] std::optional<RecordView> find(std::string_view client) const;

  // The record that a feed entry or a place names: as it is, and as it would be told to a peer. The update's views are
  // good as long as `texts` stand, and until the store is next changed.
  [[nodiscard]] RecordView record_at(RecordIndex index) const;
  [[nodiscard]] protocol::Update update_at(RecordIndex index, UpdateTexts& texts) const;
  [[nodiscard]] PeerIndex came_by(RecordIndex index) const;
  // The bytes as they lie here, for whoever keeps them as they are; and what their index of an origin means.
  [[nodiscard]] RecordCells::Cell packed_at(RecordIndex index) const { return cells_.at(index); }
  [[nodiscard]] const Origins::Origin& origin_at(OriginIndex index) const { return origins_.at(index); }
  // Records that this run of a node accepted count as another's from now on.
  void rename_run(std::string_view node, std::uint64_t run, std::uint64_t to) { origins_.rename_run(node, run, to); }
  // Under which number it stands in the feed.
  [[nodiscard]] ChangeNumber number_of(RecordIndex index) const;
  // The same of a client's record; 0 if there is none.
  [[nodiscard]] ChangeNumber number_of(std::string_view client) const;

  // What was taken out of the feed since the journal last read it (bus/store/superseded_changes.hpp).
  [[nodiscard]] SupersededChanges& superseded() { return superseded_; }
  [[nodiscard]] const SupersededChanges& superseded() const { return superseded_; }

  [[nodiscard]] const Feed& feed() const { return feed_; }

  // Clients known.
  [[nodiscard]] std::size_t size() const { return feed_.size(); }

  // Equal digests: equal stores. It covers exactly the fields of the order, and is the same on every machine.
  [[nodiscard]] std::uint64_t digest() const { return digests_.total(); }
  // The same by buckets.
  [[nodiscard]] const BucketDigests& digests() const { return digests_; }

  // The records of a bucket, newest clients first, so that records that come meanwhile do not disturb who walks.
  [[nodiscard]] RecordIndex first_of(Bucket bucket) const { return digests_.first(bucket); }
  [[nodiscard]] RecordIndex next_in_bucket(RecordIndex index) const { return cells_.chained(index); }
  // Is there a record of this index? Any number may be asked about.
  [[nodiscard]] bool has(std::uint64_t index) const { return cells_.has(index); }

 private:
  [[nodiscard]] bool is_greater(const protocol::Update& update, const Slot& slot) const;
  ChangeNumber move_to_tail(RecordIndex index, ChangeNumber old);

  RecordCells cells_;
  std::unique_ptr<ClientIndex> index_;
  Origins origins_;
  Feed feed_;
  SupersededChanges superseded_;
  BucketDigests digests_;
};

}  // namespace herd::bus
