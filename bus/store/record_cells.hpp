// The memory of the records. Each record has a cell, in blocks that never move. The length of the client's id decides
// the size of the cell. The id never changes, so a record stays in its cell and keeps its index as long as the process
// runs, and growing copies no records.
//
// A cell: the chain of the bucket (6 bytes), RecordHead, the id, the body (bus/store/packed_record.hpp). A body that is
// too long for its cell is stored in an allocation of its own. Pure; owned by the store, used on the loop's thread
// only.
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

  // Creates a cell that contains only the id, at most protocol::kMaxClientBytes. Call put() before at().
  [[nodiscard]] RecordIndex create(std::string_view client);

  // Replaces head and body; sets `client_bytes` of the stored head itself.
  void put(RecordIndex index, RecordHead head, const RecordBody& body);

  struct Cell {
    RecordHead head;
    std::string_view client;  // valid as long as the RecordCells
    const char* body;         // valid until the next put() of this record
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

  // The records of one bucket form a singly linked list. Sets the bucket of a record and the record after it.
  void chain(RecordIndex index, Bucket bucket, RecordIndex next);
  [[nodiscard]] Bucket bucket(RecordIndex index) const;
  // The record after this one in its bucket's list, or BucketDigests::kEnd.
  [[nodiscard]] RecordIndex next_in_bucket(RecordIndex index) const;

  // The number of records. O(blocks): a block has 1,024 cells.
  [[nodiscard]] std::size_t size() const;
  // Whether a record has this index. Any number is allowed.
  [[nodiscard]] bool has(std::uint64_t index) const;

  // A hint to the processor: at() or put() of this record follows soon.
  void prefetch(RecordIndex index) const;

 private:
  static constexpr unsigned kSlotBits = 10;
  static constexpr std::size_t kBlockCells = std::size_t{1} << kSlotBits;
  static constexpr std::size_t kClassBytes = 4;  // id lengths are rounded up to this for the size of a cell
  // Enough for the body of an update that another node accepted, in the first 256 runs of both nodes, with coordinates
  // of 22 characters and clocks less than nine minutes apart. A larger body costs an allocation: 24 bytes plus its own.
  static constexpr std::size_t kBodyBytes = 36;

  using PackedBucket = std::uint16_t;
  static_assert(protocol::kBuckets - 1 <= UINT16_MAX);
  static constexpr std::size_t kChainBytes = sizeof(RecordIndex) + sizeof(PackedBucket);  // before each head
  static constexpr std::uint32_t kNoBlock = UINT32_MAX;

  struct Block {
    std::unique_ptr<char[]> bytes;
    std::uint16_t cell_bytes;
    std::uint16_t used;  // cells in use
  };

  [[nodiscard]] static RecordHead head_of(const char* cell) {
    RecordHead head;
    std::memcpy(&head, cell, sizeof head);
    return head;
  }
  // The body that is stored outside its cell; `inside` is the part of the cell that holds its position in outgrown_.
  [[nodiscard]] const char* outgrown(const char* inside) const;

  [[nodiscard]] char* cell(RecordIndex index) const {
    const Block& block = blocks_[index >> kSlotBits];
    return block.bytes.get() + std::size_t{index % kBlockCells} * block.cell_bytes + kChainBytes;
  }

  std::vector<Block> blocks_;
  // By size class of the id: the block with free cells.
  std::array<std::uint32_t, (protocol::kMaxClientBytes + kClassBytes - 1) / kClassBytes + 1> open_;
  std::deque<std::unique_ptr<char[]>> outgrown_;  // bodies too long for their cells
};

}  // namespace herd::bus
