// The index of clients: a hash map from a client's id to the index of its record in the store.
//
// It consists of 1,024 small open-addressing tables with linear probing. The upper 10 bits of the id's hash select the
// table. Each table grows separately, by a quarter when it is 80 % full, so no insert moves more than about a
// thousandth of all slots.
//
// The index does not hold the ids. A slot holds the lower 32 bits of the id's hash and the record's index. A search
// compares these 32 bits first and reads a record only where they match; a table grows without reading any record.
//
// Records are never deleted, so there is no erase. Pure; owned by the store, used on the loop's thread only.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "bus/store/feed.hpp"

namespace herd::bus {

class ClientIndex {
 public:
  // `seed`: of the hash; random in production, so that an attacker cannot choose ids that collide.
  explicit ClientIndex(std::uint64_t seed) : seed_(seed) {}

  // The result of a search. A found index stays valid, as records are neither moved nor deleted. A nullopt is valid
  // until the next insert.
  struct Found {
    std::uint64_t hash = 0;            // of the client's id, for a later insert()
    std::optional<RecordIndex> index;  // nullopt if the client has no record
  };

  [[nodiscard]] std::uint64_t hash_of(std::string_view client) const;

  // Searches for the client with this hash (from hash_of()). `is_match(index)` returns whether that record
  // belongs to the client. It is called only on a match of the 32 bits. A search meets the record of another client
  // with a probability of about clients / 2^42: with 40 million clients once in 100,000 searches.
  template <typename IsMatch>
  [[nodiscard]] Found find(std::uint64_t hash, IsMatch&& is_match) const {
    const Table& table = table_of(hash);
    for (std::uint32_t at = table.home(hash); table.size > 0 && !table.slots[at].is_empty(); at = table.next(at)) {
      const Slot& slot = table.slots[at];
      if (slot.hash == static_cast<std::uint32_t>(hash) && is_match(slot.index)) return {hash, slot.index};
    }
    return {hash, std::nullopt};
  }

  // Adds a client that find() did not find; else the client is in the index twice. `index` is below UINT32_MAX.
  void insert(std::uint64_t hash, RecordIndex index);

  // A hint to the processor: a find() with this hash follows soon.
  void prefetch(std::uint64_t hash) const;

  // Slots allocated, empty ones included: at most about 1.6 times the inserted clients, plus a few for each table.
  [[nodiscard]] std::size_t slots() const;

  // Asserts that it contains this number of clients, and that a search reaches each of them. O(slots).
  void check_invariants(std::size_t clients) const;

 private:
  static constexpr unsigned kTableBits = 10;
  static constexpr RecordIndex kEmpty = UINT32_MAX;

  struct Slot {
    std::uint32_t hash = 0;
    RecordIndex index = kEmpty;
    [[nodiscard]] bool is_empty() const { return index == kEmpty; }
  };
  struct Table {
    std::unique_ptr<Slot[]> slots;
    std::uint32_t size = 0;  // slots
    std::uint32_t used = 0;  // of them not empty

    // Where the search for a hash begins. It rises with the hash, so grow() reads and writes memory in order.
    [[nodiscard]] std::uint32_t home(std::uint64_t hash) const {
      return static_cast<std::uint32_t>(std::uint64_t{static_cast<std::uint32_t>(hash)} * size >> 32);
    }
    [[nodiscard]] std::uint32_t next(std::uint32_t at) const { return at + 1 == size ? 0 : at + 1; }
    void put(Slot slot);
    void grow();
  };

  [[nodiscard]] const Table& table_of(std::uint64_t hash) const { return tables_[hash >> (64 - kTableBits)]; }

  std::uint64_t seed_;
  std::array<Table, std::size_t{1} << kTableBits> tables_;
};

}  // namespace herd::bus
