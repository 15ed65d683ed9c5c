#include "bus/store/record_cells.hpp"

#include <cstring>
#include <utility>

#include "protocol/assert.hpp"
#include "protocol/prefetch.hpp"
#include "protocol/small_texts.hpp"

namespace herd::bus {

RecordIndex RecordCells::create(std::string_view client) {
  HERD_ASSERT(client.size() <= protocol::kMaxClientBytes);
  const std::size_t size_class = (client.size() + kClassBytes - 1) / kClassBytes;
  std::uint32_t& open = open_[size_class];
  if (open == kNoBlock || blocks_[open].used == kBlockCells) {
    HERD_ASSERT(blocks_.size() < (std::size_t{1} << (32 - kSlotBits)) - 1);
    const std::size_t cell_bytes = kChainBytes + sizeof(RecordHead) + size_class * kClassBytes + kBodyBytes;
    const std::size_t block_bytes = kBlockCells * cell_bytes + RecordBody::kSlack;
    open = static_cast<std::uint32_t>(blocks_.size());
    blocks_.push_back({std::make_unique_for_overwrite<char[]>(block_bytes), static_cast<std::uint16_t>(cell_bytes), 0});
  }
  const RecordIndex index = open << kSlotBits | blocks_[open].used++;
  RecordHead head;
  head.client_bytes = static_cast<std::uint8_t>(client.size());
  std::memcpy(cell(index), &head, sizeof head);
  std::memcpy(cell(index) + sizeof head, client.data(), client.size());
  return index;
}

// A body that was once too long for its cell stays outside: later bodies of the client are likely to be as long.
void RecordCells::put(RecordIndex index, RecordHead head, const RecordBody& body) {
  char* const to = cell(index);
  const RecordHead old = head_of(to);
  head.client_bytes = old.client_bytes;
  char* const inside = to + sizeof head + head.client_bytes;
  const std::size_t capacity = blocks_[index >> kSlotBits].cell_bytes - kChainBytes - sizeof head - head.client_bytes;
  if ((old.form & RecordHead::kOutgrown) == 0 && body.size <= capacity) {
    protocol::put_text(inside, {body.bytes.data(), body.size});
  } else {
    std::uint32_t outside = 0;
    if ((old.form & RecordHead::kOutgrown) != 0) {
      std::memcpy(&outside, inside, sizeof outside);
    } else {
      outside = static_cast<std::uint32_t>(outgrown_.size());
      outgrown_.emplace_back();
      std::memcpy(inside, &outside, sizeof outside);
    }
    auto bytes = std::make_unique_for_overwrite<char[]>(body.size + RecordBody::kSlack);
    std::memcpy(bytes.get(), body.bytes.data(), body.size);
    outgrown_[outside] = std::move(bytes);
    head.form |= RecordHead::kOutgrown;
  }
  std::memcpy(to, &head, sizeof head);
}

const char* RecordCells::outgrown(const char* inside) const {
  std::uint32_t outside = 0;
  std::memcpy(&outside, inside, sizeof outside);
  return outgrown_[outside].get();
}

void RecordCells::chain(RecordIndex index, Bucket bucket, RecordIndex next) {
  char* const at = cell(index) - kChainBytes;
  const auto packed = static_cast<PackedBucket>(bucket);
  std::memcpy(at, &next, sizeof next);
  std::memcpy(at + sizeof next, &packed, sizeof packed);
}

Bucket RecordCells::bucket(RecordIndex index) const {
  PackedBucket packed = 0;
  std::memcpy(&packed, cell(index) - sizeof packed, sizeof packed);
  return packed;
}

RecordIndex RecordCells::next_in_bucket(RecordIndex index) const {
  RecordIndex next = 0;
  std::memcpy(&next, cell(index) - kChainBytes, sizeof next);
  return next;
}

std::size_t RecordCells::size() const {
  std::size_t size = 0;
  for (const Block& block : blocks_) size += block.used;
  return size;
}

bool RecordCells::has(std::uint64_t index) const {
  return index >> kSlotBits < blocks_.size() && index % kBlockCells < blocks_[index >> kSlotBits].used;
}

void RecordCells::prefetch(RecordIndex index) const {
  const char* const from = cell(index);
  const char* const last = from + blocks_[index >> kSlotBits].cell_bytes - kChainBytes - 1;
  protocol::prefetch<protocol::PrefetchFor::Writing>(from);
  protocol::prefetch<protocol::PrefetchFor::Writing>(last);  // most cells lie on two cache lines
}

}  // namespace herd::bus
