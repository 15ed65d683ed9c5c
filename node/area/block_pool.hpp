// Memory for the entries of leaves, in blocks of 1 to kMaxUnits units. All sizes share chunks of 48 KiB, so one more
// block never costs more than the allocation of one chunk, and no block moves. A freed block is joined with its free
// neighbours. A block is taken from the smallest free one that is large enough; the rest of it stays free. Chunks are
// freed with the pool only. A block has a number that stays while it is in use. Any thread, one at a time.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace herd::node::area {

class BlockPool {
 public:
  static constexpr std::size_t kUnitWords = 12;
  static constexpr std::size_t kMaxUnits = 16;

  BlockPool() { heads_.fill(kNone); }

  // The number of a block with unspecified content. `units` is in [1, kMaxUnits].
  [[nodiscard]] std::uint32_t take(std::size_t units);
  // `units`: the same value as in take().
  void give_back(std::uint32_t block, std::size_t units);

  // A pointer to the first word of the block.
  [[nodiscard]] std::uint32_t* at(std::uint32_t block) {
    return chunks_[block / kChunkUnits].get() + block % kChunkUnits * kUnitWords;
  }
  [[nodiscard]] const std::uint32_t* at(std::uint32_t block) const { return const_cast<BlockPool*>(this)->at(block); }

  // Bytes allocated.
  [[nodiscard]] std::size_t memory() const;
  // Asserts the lists and marks of free blocks. Returns the number of units in use. O(free blocks and marks).
  std::size_t check_invariants() const;

 private:
  static constexpr std::uint32_t kChunkUnits = 1024;
  static constexpr std::uint32_t kNone = UINT32_MAX;
  // The lists of free blocks, by their units. List 0 is not used. The last one has all blocks of more than kMaxUnits.
  static constexpr std::size_t kLists = kMaxUnits + 2;

  // The first words of a free block. The last word of its last unit also holds its size in units.
  struct FreeBlock {
    std::uint32_t next;
    std::uint32_t former;
    std::uint32_t units;
  };
  [[nodiscard]] static std::size_t list_of(std::size_t units) { return units <= kMaxUnits ? units : kMaxUnits + 1; }
  [[nodiscard]] FreeBlock read(std::uint32_t block) const;
  void write(std::uint32_t block, const FreeBlock& free);
  [[nodiscard]] std::uint32_t& last_word(std::uint32_t unit) { return at(unit)[kUnitWords - 1]; }
  void link(std::uint32_t block, std::uint32_t units);
  void unlink(std::uint32_t block);
  // The first and the last unit of each free block are marked, and no others.
  [[nodiscard]] bool is_marked(std::uint32_t unit) const { return (marks_[unit / 64] >> unit % 64 & 1U) != 0; }
  void mark(std::uint32_t unit, bool is_free);
  void add_chunk();

  std::vector<std::unique_ptr<std::uint32_t[]>> chunks_;
  std::vector<std::uint64_t> marks_;           // a bit for each unit
  std::array<std::uint32_t, kLists> heads_{};  // the first block of each list
  std::uint32_t non_empty_ = 0;                // bit n: list n is not empty
};

}  // namespace herd::node::area
