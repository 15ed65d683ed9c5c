#include "bus/store/client_index.hpp"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <utility>

#include "protocol/assert.hpp"
#include "protocol/prefetch.hpp"

namespace herd::bus {

std::uint64_t ClientIndex::hash_of(std::string_view client) const {
  return XXH3_64bits_withSeed(client.data(), client.size(), seed_);
}

void ClientIndex::insert(std::uint64_t hash, RecordIndex index) {
  Table& table = tables_[hash >> (64 - kTableBits)];
  // At a load of 80 % a search for an absent client reads 13 slots on average: two cache lines.
  if ((table.used + 1) * std::uint64_t{5} > table.size * std::uint64_t{4}) table.grow();
  table.put({static_cast<std::uint32_t>(hash), index});
  ++table.used;
}

void ClientIndex::prefetch(std::uint64_t hash) const {
  const Table& table = table_of(hash);
  protocol::prefetch(table.slots.get() + table.home(hash));
}

std::size_t ClientIndex::slots() const {
  std::size_t slots = 0;
  for (const Table& table : tables_) slots += table.size;
  return slots;
}

void ClientIndex::check_invariants(std::size_t clients) const {
  std::size_t all_used = 0;
  for (const Table& table : tables_) {
    std::uint32_t used = 0;
    for (std::uint32_t at = 0; at < table.size; ++at) {
      if (table.slots[at].is_empty()) continue;
      ++used;
      for (std::uint32_t on_way = table.home(table.slots[at].hash); on_way != at; on_way = table.next(on_way)) {
        HERD_ASSERT(!table.slots[on_way].is_empty());
      }
    }
    HERD_ASSERT(used == table.used && used * std::uint64_t{5} <= table.size * std::uint64_t{4});
    all_used += used;
  }
  HERD_ASSERT(all_used == clients);
}

void ClientIndex::Table::put(Slot slot) {
  std::uint32_t at = home(slot.hash);
  while (!slots[at].is_empty()) at = next(at);
  slots[at] = slot;
}

void ClientIndex::Table::grow() {
  constexpr std::uint32_t kFirstSize = 8;
  const std::uint32_t old_size = size;
  const std::unique_ptr<Slot[]> old = std::move(slots);
  size = old_size == 0 ? kFirstSize : old_size + old_size / 4;
  slots = std::make_unique<Slot[]>(size);
  for (std::uint32_t at = 0; at < old_size; ++at) {
    if (!old[at].is_empty()) put(old[at]);
  }
}

}  // namespace herd::bus
