// Items of one size in chunks of at most 64 KiB: growing copies nothing, so one more item never costs more than the
// allocation of one chunk. An item has a number that stays while it is in use. Freed items are given out again first;
// chunks are freed with the pool only. Any thread, one at a time.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <type_traits>
#include <vector>

#include "protocol/assert.hpp"

namespace herd::node::area {

template <typename Item>
class ChunkPool {
  static constexpr std::size_t kChunkBytes = std::size_t{64} * 1024;  // at most
  static_assert(std::is_trivially_copyable_v<Item> && sizeof(Item) >= sizeof(std::uint32_t) &&
                sizeof(Item) <= kChunkBytes);

 public:
  // The number of an item with unspecified content.
  [[nodiscard]] std::uint32_t take() {
    if (free_ != kNone) {
      const std::uint32_t item = free_;
      std::memcpy(&free_, at(item), sizeof free_);
      return item;
    }
    HERD_ASSERT(used_ < kNone);
    if (used_ / kChunkItems == chunks_.size()) chunks_.push_back(std::make_unique<Item[]>(kChunkItems));
    return used_++;
  }

  void give_back(std::uint32_t item) {
    std::memcpy(static_cast<void*>(at(item)), &free_, sizeof free_);
    free_ = item;
  }

  [[nodiscard]] Item* at(std::uint32_t item) { return chunks_[item / kChunkItems].get() + item % kChunkItems; }
  [[nodiscard]] const Item* at(std::uint32_t item) const { return const_cast<ChunkPool*>(this)->at(item); }

  [[nodiscard]] std::size_t memory() const {
    return chunks_.size() * kChunkItems * sizeof(Item) + chunks_.capacity() * sizeof(chunks_[0]);
  }

 private:
  static constexpr std::size_t kChunkItems = std::bit_floor(kChunkBytes / sizeof(Item));
  static constexpr std::uint32_t kNone = std::numeric_limits<std::uint32_t>::max();

  std::vector<std::unique_ptr<Item[]>> chunks_;
  std::uint32_t used_ = 0;      // items ever given out
  std::uint32_t free_ = kNone;  // the first item of the list of freed ones; its first bytes are the next one's number
};

}  // namespace herd::node::area
