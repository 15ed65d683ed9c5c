// The store's digest: sums of the hashes of its records, one for each bucket of clients, so that two nodes that differ
// find out where; and with which record each bucket begins, so that they need not look through all of them.
// Pure; owned by the store, used on the loop's thread only.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "bus/store/feed.hpp"
#include "bus/store/record.hpp"
#include "protocol/limits.hpp"

namespace herd::bus {

using Bucket = std::uint32_t;  // below protocol::kBuckets

// Of a client: the same on every machine.
[[nodiscard]] Bucket bucket_of(std::string_view client);

// Covers exactly the fields of the order, and is the same on every machine (docs/PROTOCOL.md says how).
[[nodiscard]] std::uint64_t hash_of(const Ordered& record);

class BucketDigests {
 public:
  // No record.
  static constexpr RecordIndex kEnd = UINT32_MAX;

  BucketDigests() { first_.fill(kEnd); }

  // A new record, which becomes the first of its bucket. Returns the one that was the first, to be chained behind it.
  [[nodiscard]] RecordIndex add(Bucket bucket, std::uint64_t hash, RecordIndex index);
  // A record of the bucket gets another hash.
  void replace(Bucket bucket, std::uint64_t old_hash, std::uint64_t hash) {
    sums_[bucket] += hash - old_hash;
    total_ += hash - old_hash;
  }

  // Of all records: equal digests, equal stores.
  [[nodiscard]] std::uint64_t total() const { return total_; }
  [[nodiscard]] const std::array<std::uint64_t, protocol::kBuckets>& sums() const { return sums_; }

  // The newest record of a bucket, or kEnd.
  [[nodiscard]] RecordIndex first(Bucket bucket) const { return first_[bucket]; }

 private:
  std::uint64_t total_ = 0;
  std::array<std::uint64_t, protocol::kBuckets> sums_{};
  std::array<RecordIndex, protocol::kBuckets> first_{};
};

}  // namespace herd::bus
