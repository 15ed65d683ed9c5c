#include "bus/store/digest.hpp"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <utility>

#include "protocol/byte_order.hpp"
#include "protocol/small_texts.hpp"

namespace herd::bus {

using protocol::put_number;

static_assert(protocol::kMaxClientBytes + protocol::kMaxNameBytes + protocol::kMaxCoordinatesBytes +
                      protocol::kMaxTimeBytes + 4 + 4 + 8 + 8 <=
                  protocol::kMaxUpdateBytes,
              "the buffer holds all bytes that a hash covers");

Bucket bucket_of(std::string_view client) {
  return static_cast<Bucket>(XXH3_64bits(client.data(), client.size()) >> (64 - protocol::kBucketBits));
}

namespace {

[[gnu::always_inline]] inline char* put_with_length(char* at, std::string_view text) {
  *at = static_cast<char>(text.size());
  return protocol::put_text(at + 1, text);
}

}  // namespace

std::uint64_t hash_of(const Ordered& record) {
  std::array<char, protocol::kMaxUpdateBytes> bytes;
  char* end = put_with_length(bytes.data(), record.client);
  end = put_number(end, record.epoch, 4);
  end = put_number(end, static_cast<std::uint64_t>(record.time.count()), 8);
  end = put_with_length(end, record.origin);
  end = put_with_length(end, record.coordinates);
  end = put_with_length(end, record.time_text);
  end = put_number(end, static_cast<std::uint64_t>(record.difference.count()), 8);
  return XXH3_64bits(bytes.data(), static_cast<std::size_t>(end - bytes.data()));
}

RecordIndex BucketDigests::add(Bucket bucket, std::uint64_t hash, RecordIndex index) {
  sums_[bucket] += hash;
  total_ += hash;
  return std::exchange(first_[bucket], index);
}

}  // namespace herd::bus
