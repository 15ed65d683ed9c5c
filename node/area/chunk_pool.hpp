// Items of one size in chunks of at most 64 KiB: growing copies nothing, so one more item never costs more than the
// allocation of one chunk. An item is a number of Words, and has a number that stays while it is in use. Freed items
// are given out again first; chunks are freed with the pool only. Any thread, one at a time.
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

template <typename Word>
class ChunkPool {
  static_assert(std::is_trivially_copyable_v<Word> && sizeof(Word) >= sizeof(std::uint32_t));

 public:
  explicit ChunkPool(std::size_t words_per_item)
      : words_(words_per_item),
        shift_(static_cast<unsigned>(std::bit_width(kChunkBytes / (words_per_item * sizeof(Word)))) - 1) {}

  // The number of an item with unspecified content.
  [[nodiscard]] std::uint32_t take() {
    if (free_ != kNone) {
      const std::uint32_t item = free_;
      std::memcpy(&free_, at(item), sizeof free_);
      return item;
    }
    HERD_ASSERT(used_ < kNone);
    if (used_ >> shift_ == chunks_.size()) chunks_.push_back(std::make_unique<Word[]>(words_ << shift_));
    return used_++;
  }

  void give_back(std::uint32_t item) {
    std::memcpy(static_cast<void*>(at(item)), &free_, sizeof free_);
    free_ = item;
  }

  [[nodiscard]] Word* at(std::uint32_t item) {
    return chunks_[item >> shift_].get() + (item & ((std::uint32_t{1} << shift_) - 1)) * words_;
  }
  [[nodiscard]] const Word* at(std::uint32_t item) const { return const_cast<ChunkPool*>(this)->at(item); }

  [[nodiscard]] std::size_t memory() const {
    return chunks_.size() * (words_ << shift_) * sizeof(Word) + chunks_.capacity() * sizeof(chunks_[0]);
  }

 private:
  static constexpr std::size_t kChunkBytes = std::size_t{64} * 1024;
  static constexpr std::uint32_t kNone = std::numeric_limits<std::uint32_t>::max();

  std::size_t words_;
  unsigned shift_;  // a chunk has 2^shift_ items
  std::vector<std::unique_ptr<Word[]>> chunks_;
  std::uint32_t used_ = 0;      // items ever given out
  std::uint32_t free_ = kNone;  // the first item of the list of freed ones; its first bytes are the next one's number
};

}  // namespace herd::node::area
