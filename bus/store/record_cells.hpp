// Where records lie: cells of the size that the client's id asks for, in blocks that are never moved. A client's id
// never changes, so its cell holds for ever, and growing copies nothing. Pure; owned by the store.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <deque>
#include <memory>
#include <string_view>
#include <vector>

#include "bus/store/digest.hpp"
#include "bus/store/feed.hpp"
#include "bus/store/packed_record.hpp"
#include "protocol/limits.hpp"

namespace herd::bus {

class RecordCells {
 public:
  RecordCells() { open_.fill(kNoBlock); }

  // A cell with the id in it and nothing else. Give it a body before it is asked for one.
  [[nodiscard]] RecordIndex create(std::string_view client);

  // Replaces head and body. `head.client_bytes` is filled here.
  void put(RecordIndex index, RecordHead head, const RecordBody& body);

  struct Cell {
    RecordHead head;
    std::string_view client;  // good as long as the cells are
    const char* body;         // good until the record is next put
  };
  [[nodiscard]] Cell at(RecordIndex index) const {
    const char* const from = cell(index);
    const RecordHead head = head_of(from);
    const char* const inside = from + sizeof head + head.client_bytes;
    const bool is_inside = (head.form & RecordHead::kOutgrown) == 0;
    return {head, {from + sizeof head, head.client_bytes}, is_inside ? inside : outgrown(inside)};
  }
  [[nodiscard]] std::string_view client(RecordIndex index) const {
    const char* const from = cell(index);
    return {from + sizeof(RecordHead), head_of(from).client_bytes};
  }

  // The list of its bucket that a record stands in: which bucket's, and the next record there.
  void chain(RecordIndex index, Bucket bucket, RecordIndex next);
  [[nodiscard]] Bucket bucket(RecordIndex index) const;
  [[nodiscard]] RecordIndex chained(RecordIndex index) const;

  // Is there a record of this index? Any number may be asked about.
  [[nodiscard]] bool has(std::uint64_t index) const;

  // A hint: the record is going to be asked for.
  void prefetch(RecordIndex index) const;

 private:
  static constexpr unsigned kSlotBits = 10;
  static constexpr std::size_t kBlockCells = std::size_t{1} << kSlotBits;
  static constexpr std::size_t kClassBytes = 4;  // ids whose lengths differ by less share a size of cells
  // What a body takes that came from elsewhere, in the first 256 lives of both nodes, with coordinates of 22 characters
  // and clocks that are less than nine minutes apart. A larger one stands outside, for 24 bytes and its own.
  static constexpr std::size_t kBodyBytes = 36;

  using PackedBucket = std::uint16_t;
  static_assert(protocol::kBuckets - 1 <= UINT16_MAX);
  static constexpr std::size_t kChainBytes = sizeof(RecordIndex) + sizeof(PackedBucket);  // in front of each head
  static constexpr std::uint32_t kNoBlock = UINT32_MAX;

  struct Block {
    std::unique_ptr<char[]> bytes;
    std::uint16_t cell_bytes;
    std::uint16_t used;  // cells
  };

  [[nodiscard]] static RecordHead head_of(const char* cell) {
    RecordHead head;
    std::memcpy(&head, cell, sizeof head);
    return head;
  }
  // The body of which only the place stands `inside` the cell.
  [[nodiscard]] const char* outgrown(const char* inside) const;

  [[nodiscard]] char* cell(RecordIndex index) const {
    const Block& block = blocks_[index >> kSlotBits];
    return block.bytes.get() + std::size_t{index % kBlockCells} * block.cell_bytes + kChainBytes;
  }

  std::vector<Block> blocks_;
  // By the length of the id: the block that has cells left.
  std::array<std::uint32_t, (protocol::kMaxClientBytes + kClassBytes - 1) / kClassBytes + 1> open_;
  std::deque<std::unique_ptr<char[]>> outgrown_;  // bodies that their cells had no room for
};

}  // namespace herd::bus
