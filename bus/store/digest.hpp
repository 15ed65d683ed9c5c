// The digests of the store. A bucket contains all clients with equal upper 12 bits of their ids' hash. For each
// bucket there is the sum of its records' hashes; the store's digest is the sum of all. By comparing sums, two nodes
// find the buckets in which their stores differ. The first record of each bucket is held too, so that reconciliation
// reads only the records of these buckets. Pure; owned by the store, used on the loop's thread only.
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

// The bucket of a client: the same on every machine.
[[nodiscard]] Bucket bucket_of(std::string_view client);

// The hash of a record. It covers the client and exactly the fields of the order, and is the same on every machine;
// docs/PROTOCOL.md specifies the bytes ("hash of a record").
[[nodiscard]] std::uint64_t hash_of(const Ordered& record);

class BucketDigests {
 public:
  // The end of a bucket's list: no record.
  static constexpr RecordIndex kEnd = UINT32_MAX;

  BucketDigests() { first_.fill(kEnd); }

  // Adds a new record, which becomes the first of its bucket. Returns the former first one, or kEnd: the next in the
  // list after the new one (RecordCells::chain).
  [[nodiscard]] RecordIndex add(Bucket bucket, std::uint64_t hash, RecordIndex index);
  // The hash of a record in the bucket has changed.
  void replace(Bucket bucket, std::uint64_t old_hash, std::uint64_t hash) {
    sums_[bucket] += hash - old_hash;
    total_ += hash - old_hash;
  }

  // The sum of all records' hashes, modulo 2^64: equal digests mean equal stores.
  [[nodiscard]] std::uint64_t total() const { return total_; }
  // The sum of each bucket.
  [[nodiscard]] const std::array<std::uint64_t, protocol::kBuckets>& sums() const { return sums_; }

  // The newest record of a bucket, or kEnd.
  [[nodiscard]] RecordIndex first(Bucket bucket) const { return first_[bucket]; }

 private:
  std::uint64_t total_ = 0;
  std::array<std::uint64_t, protocol::kBuckets> sums_{};
  std::array<RecordIndex, protocol::kBuckets> first_{};
};

}  // namespace herd::bus
