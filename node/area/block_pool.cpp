#include "node/area/block_pool.hpp"

#include <bit>
#include <cstring>

#include "protocol/assert.hpp"

namespace herd::node::area {

std::uint32_t BlockPool::take(std::size_t units) {
  HERD_ASSERT(units >= 1 && units <= kMaxUnits);
  if (lists_ >> units == 0) add_chunk();
  const auto list = static_cast<std::size_t>(std::countr_zero(lists_ >> units << units));
  const std::uint32_t block = free_[list];
  const std::uint32_t rest = read(block).units - static_cast<std::uint32_t>(units);
  unlink(block);
  if (rest > 0) link(block + static_cast<std::uint32_t>(units), rest);
  return block;
}

void BlockPool::give_back(std::uint32_t block, std::size_t units) {
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

BlockPool::Free BlockPool::read(std::uint32_t block) const {
  Free free{};
  std::memcpy(&free, at(block), sizeof free);
  return free;
}

void BlockPool::write(std::uint32_t block, const Free& free) {
  static_assert(sizeof(Free) < kUnitWords * sizeof(std::uint32_t));
  std::memcpy(at(block), &free, sizeof free);
}

void BlockPool::link(std::uint32_t block, std::uint32_t units) {
  const std::size_t list = list_of(units);
  const std::uint32_t next = free_[list];
  write(block, {next, kNone, units});
  if (next != kNone) {
    Free after = read(next);
    after.former = block;
    write(next, after);
  }
  free_[list] = block;
  lists_ |= std::uint32_t{1} << list;
  last_word(block + units - 1) = units;
  mark(block, true);
  mark(block + units - 1, true);
}

void BlockPool::unlink(std::uint32_t block) {
  const Free free = read(block);
  const std::size_t list = list_of(free.units);
  if (free.next != kNone) {
    Free after = read(free.next);
    after.former = free.former;
    write(free.next, after);
  }
  if (free.former != kNone) {
    Free before = read(free.former);
    before.next = free.next;
    write(free.former, before);
  } else {
    free_[list] = free.next;
    if (free.next == kNone) lists_ &= ~(std::uint32_t{1} << list);
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
  for (std::size_t list = 0; list < kLists; ++list) {
    HERD_ASSERT((free_[list] != kNone) == ((lists_ >> list & 1U) != 0));
    std::uint32_t former = kNone;
    for (std::uint32_t block = free_[list]; block != kNone; block = read(block).next) {
      const Free free = read(block);
      const std::uint32_t end = block + free.units;
      HERD_ASSERT(free.former == former && free.units > 0 && list_of(free.units) == list);
      HERD_ASSERT(is_marked(block) && is_marked(end - 1) && at(end - 1)[kUnitWords - 1] == free.units);
      HERD_ASSERT(block % kChunkUnits == 0 || !is_marked(block - 1));
      HERD_ASSERT(end % kChunkUnits == 0 || !is_marked(end));
      in_use -= free.units;
      former = block;
    }
  }
  return in_use;
}

}  // namespace herd::node::area
