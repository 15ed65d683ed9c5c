// The clients at one judged point, if they are many: their records in the order of the bytes of their ids. So a query
// reads as many of them as it returns, and a cursor continues in their middle. Lists of at most kMaxChunk records;
// adding or removing one takes two binary searches, which read ids in the store, and moves a part of one list.
// Loop thread only.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "bus/store/store.hpp"
#include "node/area/chart.hpp"

namespace herd::node::area {

class Crowd {
 public:
  static constexpr std::size_t kMaxChunk = 512;

  explicit Crowd(Spot spot) : spot_(spot) {}

  [[nodiscard]] Spot spot() const { return spot_; }
  [[nodiscard]] std::size_t size() const { return size_; }

  // `record` must not be in the crowd.
  void insert(const bus::Store& store, bus::RecordIndex record);
  // `record` must be in the crowd.
  void erase(const bus::Store& store, bus::RecordIndex record);

  // A position in the order. Valid until the crowd changes.
  struct Place {
    std::size_t chunk = 0;
    std::size_t offset = 0;
  };
  // Of the first client with an id above `client`; any text is allowed.
  [[nodiscard]] Place after(const bus::Store& store, std::string_view client) const;
  // The record at `place`, which then moves on by one; nullptr at the end. A Place{} is the beginning.
  [[nodiscard]] const bus::RecordIndex* next(Place& place) const;

  [[nodiscard]] std::size_t memory() const;
  // Asserts the order and the counts. O(n).
  void check_invariants(const bus::Store& store) const;

 private:
  using Chunk = std::vector<bus::RecordIndex>;

  // The chunk in which a client with this id is or belongs. There must be one.
  [[nodiscard]] std::size_t chunk_of(const bus::Store& store, std::string_view client) const;
  void join_with_neighbour(std::size_t at);

  Spot spot_;
  std::size_t size_ = 0;
  std::vector<Chunk> chunks_;  // none is empty
};

}  // namespace herd::node::area
