#include "bus/digest.hpp"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <bit>
#include <cstring>
#include <utility>

#include "protocol/put_text.hpp"

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
  const auto number = [&](std::uint64_t value, std::size_t width) {
    if constexpr (std::endian::native == std::endian::little) {
      std::memcpy(bytes.data() + size, &value, sizeof value);  // of which `width` stay
    } else {
      for (std::size_t i = 0; i < width; ++i) bytes[size + i] = static_cast<char>(value >> (8 * i));
    }
    size += width;
  };
  const auto text = [&](std::string_view value) {
    number(value.size(), 1);
    size = static_cast<std::size_t>(protocol::put_text(bytes.data() + size, value) - bytes.data());
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

RecordIndex BucketDigests::add(std::string_view client, std::uint64_t hash, RecordIndex index) {
  const Bucket bucket = bucket_of(client);
  sums_[bucket] += hash;
  total_ += hash;
  return std::exchange(first_[bucket], index);
}

void BucketDigests::replace(std::string_view client, std::uint64_t old_hash, std::uint64_t hash) {
  sums_[bucket_of(client)] += hash - old_hash;
  total_ += hash - old_hash;
}

}  // namespace herd::bus
