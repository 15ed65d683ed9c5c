// What a node knows: the newest record of each client, in the order of rule 1, and the feed of their changes.
// Pure: no clock, no socket, no log. Owned by the replica, used on the loop's thread only.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bus/digest.hpp"
#include "bus/displaced.hpp"
#include "bus/feed.hpp"
#include "bus/origins.hpp"
#include "bus/record.hpp"
#include "protocol/update.hpp"

namespace herd::bus {

// Which link a record came by; kToldHere: a client said it to this node.
using LinkIndex = std::uint8_t;
inline constexpr LinkIndex kToldHere = 255;

class Store {
 public:
  // `hash_seed`: random in production, so that nobody can choose client ids that collide.
  explicit Store(std::uint64_t hash_seed, ChangeNumber base = 0);
  ~Store();
  Store(Store&&) noexcept;
  Store& operator=(Store&&) = delete;

  enum class Merged : std::uint8_t {
    Changed,    // the record took the update's place, and the feed's next number
    Unchanged,  // the record is the same or greater in the order
  };

  // Keeps the greater of the record and `update` by (epoch, time, origin, coordinates, time text, difference):
  // commutative, associative and idempotent. The texts must be valid (protocol/limits.hpp); they are copied.
  Merged merge(const protocol::Update& update, LinkIndex by);

  // The next change gets the number `base` + 1 at least. Not below the feed's tail.
  void skip_to(ChangeNumber base) { feed_.skip_to(base); }

  [[nodiscard]] std::optional<RecordView> find(std::string_view client) const;

  // The record that a feed entry names: as it is, and as it would be told to a peer.
  [[nodiscard]] RecordView record_at(RecordIndex index) const { return view(at(index), origins_); }
  [[nodiscard]] protocol::Update update_at(RecordIndex index) const;
  [[nodiscard]] LinkIndex came_by(RecordIndex index) const;
  // Under which number it stands in the feed.
  [[nodiscard]] ChangeNumber number_of(RecordIndex index) const;
  // The same of a client's record; 0 if there is none.
  [[nodiscard]] ChangeNumber number_of(std::string_view client) const;

  // What was taken out of the feed since the journal last read it (bus/displaced.hpp).
  [[nodiscard]] Displaced& displaced() { return displaced_; }
  [[nodiscard]] const Displaced& displaced() const { return displaced_; }

  [[nodiscard]] const Feed& feed() const { return feed_; }

  // Clients known.
  [[nodiscard]] std::size_t size() const { return feed_.size(); }

  // Equal digests: equal stores. It covers exactly the fields of the order, and is the same on every machine.
  [[nodiscard]] std::uint64_t digest() const { return digests_.total(); }
  // The same by buckets.
  [[nodiscard]] const BucketDigests& digests() const { return digests_; }

 private:
  struct Record;
  class Index;

  [[nodiscard]] Record& at(RecordIndex index) const;
  [[nodiscard]] static RecordView view(const Record& record, const Origins& origins);
  RecordIndex create();
  void assign(Record& record, const protocol::Update& update, LinkIndex by);

  std::vector<std::unique_ptr<Record[]>> blocks_;  // never moved: growing copies nothing
  RecordIndex count_ = 0;
  std::unique_ptr<Index> index_;
  Origins origins_;
  Feed feed_;
  Displaced displaced_;
  BucketDigests digests_;
};

}  // namespace herd::bus
