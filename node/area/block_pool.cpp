#include "node/area/block_pool.hpp"

#include <bit>
#include <cstring>

#include "protocol/assert.hpp"

namespace herd::node::area {

std::uint32_t BlockPool::take(std::size_t units) {
  HERD_ASSERT(units >= 1 && units <= kMaxUnits);
  if (non_empty_ >> units == 0) add_chunk();
  const auto list = static_cast<std::size_t>(std::countr_zero(non_empty_ >> units << units));
  const std::uint32_t block = heads_[list];
  const std::uint32_t rest = read(block).units - static_cast<std::uint32_t>(units);
  unlink(block);
  if (rest > 0) link(block + static_cast<std::uint32_t>(units), rest);
  return block;
}

void BlockPool::give_back(std::uint32_t block, std::size_t units) {
  HERD_ASSERT(units >= 1 && units <= kMaxUnits && block % kChunkUnits + units <= kChunkUnits && !is_marked(block));
  std::uint32_t begin = block;
  std::uint32_t end = block + static_cast<std::uint32_t>(units);
  if (begin % kChunkUnits != 0 && is_marked(begin - 1)) {
    begin -= last_word(begin - 1);
    unlink(begin);
  }
  if (end % kChunkUnits != 0 && is_marked(end)) {
    const std::uint32_t after = end;
    end += read(after).units;
    unlink(after);
  }
  link(begin, end - begin);
}

BlockPool::FreeBlock BlockPool::read(std::uint32_t block) const {
  FreeBlock free{};
  std::memcpy(&free, at(block), sizeof free);
  return free;
}

void BlockPool::write(std::uint32_t block, const FreeBlock& free) {
  static_assert(sizeof(FreeBlock) < kUnitWords * sizeof(std::uint32_t));
  std::memcpy(at(block), &free, sizeof free);
}

void BlockPool::link(std::uint32_t block, std::uint32_t units) {
  const std::size_t list = list_of(units);
  const std::uint32_t next = heads_[list];
  write(block, {next, kNone, units});
  if (next != kNone) {
    FreeBlock after = read(next);
    after.former = block;
    write(next, after);
  }
  heads_[list] = block;
  non_empty_ |= std::uint32_t{1} << list;
  last_word(block + units - 1) = units;
  mark(block, true);
  mark(block + units - 1, true);
}

void BlockPool::unlink(std::uint32_t block) {
  const FreeBlock free = read(block);
  const std::size_t list = list_of(free.units);
  if (free.next != kNone) {
    FreeBlock after = read(free.next);
    after.former = free.former;
    write(free.next, after);
  }
  if (free.former != kNone) {
    FreeBlock before = read(free.former);
    before.next = free.next;
    write(free.former, before);
  } else {
    heads_[list] = free.next;
    if (free.next == kNone) non_empty_ &= ~(std::uint32_t{1} << list);
  }
  mark(block, false);
  mark(block + free.units - 1, false);
}

void BlockPool::mark(std::uint32_t unit, bool is_free) {
  const std::uint64_t bit = std::uint64_t{1} << unit % 64;
  if (is_free) {
    marks_[unit / 64] |= bit;
  } else {
    marks_[unit / 64] &= ~bit;
  }
}

void BlockPool::add_chunk() {
  const auto first = static_cast<std::uint32_t>(chunks_.size() * kChunkUnits);
  HERD_ASSERT(first < kNone - kChunkUnits);
  chunks_.push_back(std::make_unique_for_overwrite<std::uint32_t[]>(kChunkUnits * kUnitWords));
  marks_.resize(marks_.size() + kChunkUnits / 64);
  link(first, kChunkUnits);
}

std::size_t BlockPool::memory() const {
  return chunks_.size() * kChunkUnits * kUnitWords * sizeof(std::uint32_t) + chunks_.capacity() * sizeof(chunks_[0]) +
         marks_.capacity() * sizeof(marks_[0]);
}

std::size_t BlockPool::check_invariants() const {
  std::size_t in_use = chunks_.size() * kChunkUnits;
  std::size_t marks = 0;
  for (const std::uint64_t bits : marks_) marks += static_cast<std::size_t>(std::popcount(bits));
  for (std::size_t list = 0; list < kLists; ++list) {
    HERD_ASSERT((heads_[list] != kNone) == ((non_empty_ >> list & 1U) != 0));
    std::uint32_t former = kNone;
    for (std::uint32_t block = heads_[list]; block != kNone; block = read(block).next) {
      const FreeBlock free = read(block);
      const std::uint32_t end = block + free.units;
      HERD_ASSERT(free.former == former && free.units > 0 && list_of(free.units) == list);
      HERD_ASSERT(is_marked(block) && is_marked(end - 1) && at(end - 1)[kUnitWords - 1] == free.units);
      HERD_ASSERT(block % kChunkUnits == 0 || !is_marked(block - 1));
      HERD_ASSERT(end % kChunkUnits == 0 || !is_marked(end));
      in_use -= free.units;
      marks -= free.units == 1 ? 1 : 2;
      former = block;
    }
  }
  HERD_ASSERT(marks == 0);
  return in_use;
}

}  // namespace herd::node::area
