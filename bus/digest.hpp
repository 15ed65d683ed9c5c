// The store's digest: sums of the hashes of its records, one for each bucket of clients, so that two nodes that differ
// find out where; and which records a bucket holds, so that they need not look through all of them.
// Pure; owned by the store, used on the loop's thread only.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <string_view>

#include "bus/feed.hpp"
#include "protocol/limits.hpp"

namespace herd::bus {

using Bucket = std::uint32_t;  // below protocol::kBuckets

// Of a client: the same on every machine.
[[nodiscard]] Bucket bucket_of(std::string_view client);

// Covers exactly the fields of the order, and is the same on every machine (docs/PROTOCOL.md says how).
[[nodiscard]] std::uint64_t hash_of(const RecordView& record);

class BucketDigests {
 public:
  // No record.
  static constexpr RecordIndex kEnd = UINT32_MAX;

  BucketDigests() { first_.fill(kEnd); }

  // A new record. Indexes come in order, from 0.
  void add(const RecordView& record, RecordIndex index);
  // A record takes the place of an older one of the same client.
  void replace(const RecordView& old, const RecordView& record);

  // Of all records: equal digests, equal stores.
  [[nodiscard]] std::uint64_t total() const { return total_; }
  [[nodiscard]] const std::array<std::uint64_t, protocol::kBuckets>& sums() const { return sums_; }

  // The records of a bucket, newest clients first, so indexes fall: records that come meanwhile do not disturb who
  // walks.
  [[nodiscard]] RecordIndex first(Bucket bucket) const { return first_[bucket]; }
  [[nodiscard]] RecordIndex next(RecordIndex index) const { return next_[index]; }
  [[nodiscard]] std::size_t size() const { return next_.size(); }

 private:
  std::uint64_t total_ = 0;
  std::array<std::uint64_t, protocol::kBuckets> sums_{};
  std::array<RecordIndex, protocol::kBuckets> first_{};
  std::deque<RecordIndex> next_;  // by record; growing copies nothing
};

}  // namespace herd::bus
