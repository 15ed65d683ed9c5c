#include "bus/digest.hpp"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <cstring>
#include <utility>

namespace herd::bus {

static_assert(protocol::kMaxClientBytes + protocol::kMaxNameBytes + protocol::kMaxCoordinatesBytes +
                      protocol::kMaxTimeBytes + 4 + 4 + 8 + 8 <=
                  protocol::kMaxUpdateBytes,
              "the bytes that a hash covers must fit its buffer");

Bucket bucket_of(std::string_view client) {
  return static_cast<Bucket>(XXH3_64bits(client.data(), client.size()) >> (64 - protocol::kBucketBits));
}

// Numbers enter in a fixed byte order, lengths in front of texts.
std::uint64_t hash_of(const Ordered& record) {
  std::array<char, protocol::kMaxUpdateBytes> bytes;
  std::size_t size = 0;
  const auto number = [&](std::uint64_t value, int width) {
    for (int i = 0; i < width; ++i) bytes[size++] = static_cast<char>(value >> (8 * i));
  };
  const auto text = [&](std::string_view value) {
    number(value.size(), 1);
    std::memcpy(bytes.data() + size, value.data(), value.size());
    size += value.size();
  };
  text(record.client);
  number(record.epoch, 4);
  number(static_cast<std::uint64_t>(record.time.count()), 8);
  text(record.origin);
  text(record.coordinates);
  text(record.time_text);
  number(static_cast<std::uint64_t>(record.difference.count()), 8);
  return XXH3_64bits(bytes.data(), size);
}

RecordIndex BucketDigests::add(const Ordered& record, RecordIndex index) {
  const Bucket bucket = bucket_of(record.client);
  const std::uint64_t hash = hash_of(record);
  sums_[bucket] += hash;
  total_ += hash;
  return std::exchange(first_[bucket], index);
}

void BucketDigests::replace(const Ordered& old, const Ordered& record) {
  const std::uint64_t change = hash_of(record) - hash_of(old);
  sums_[bucket_of(record.client)] += change;
  total_ += change;
}

}  // namespace herd::bus
