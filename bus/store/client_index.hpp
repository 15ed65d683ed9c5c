// From a client's id to its record. Many small open-addressing tables instead of a large one: each grows alone, by a
// quarter, so no single insert has to move much. A slot holds 32 bits of the id's hash beside the record's index: a
// record is only looked at where they agree, and a table grows without looking at any.
// Pure; owned by the store, used on the loop's thread only.
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
  // `seed`: random in production, so that nobody can choose ids that collide.
  explicit ClientIndex(std::uint64_t seed) : seed_(seed) {}

  // Where a client's record stands, or would. Good until the next insert.
  struct Found {
    std::uint64_t hash = 0;
    std::optional<RecordIndex> index;
  };

  [[nodiscard]] std::uint64_t hash_of(std::string_view client) const;

  // `is_it(index)`: is that the client's record? Asked about few others, one in a hundred thousand.
  template <typename IsIt>
  [[nodiscard]] Found find(std::uint64_t hash, IsIt&& is_it) const {
    const Table& table = table_of(hash);
    for (std::uint32_t at = table.home(hash); table.size > 0 && !table.slots[at].is_empty(); at = table.next(at)) {
      const Slot& slot = table.slots[at];
      if (slot.hash == static_cast<std::uint32_t>(hash) && is_it(slot.index)) return {hash, slot.index};
    }
    return {hash, std::nullopt};
  }

  // Of a client that is not found.
  void insert(std::uint64_t hash, RecordIndex index);

  // A hint: the client is going to be looked for.
  void prefetch(std::uint64_t hash) const;

  // Slots held, empty ones included: at most about 1.6 times what was inserted, and some for each table.
  [[nodiscard]] std::size_t slots() const;

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
    std::uint32_t size = 0;
    std::uint32_t used = 0;

    // Rises with the hash, so what is read in the order of an old table is written in that of a new one.
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
