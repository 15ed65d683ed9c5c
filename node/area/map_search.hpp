// The clients of a box for a picture: each client if they are few, else how many there are in each cell of a grid.
// node/area/search.hpp has the rules of all searches, but for one: clients are found in no order that is promised.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "node/area/area_tree.hpp"
#include "node/area/search.hpp"
#include "node/area/slice.hpp"

namespace herd::node::area {

// A rectangle of the grid that has clients.
struct CellCount {
  protocol::Point centre;
  std::uint32_t clients = 0;
  bool operator==(const CellCount&) const = default;
};

class MapSearch {
 public:
  // `max_cells`: of the grid, at least 1. Its cells have about as many degrees of latitude as of longitude.
  struct Limits {
    std::size_t clients = 0;
    std::size_t max_cells = 0;
  };
  MapSearch(const AreaTree& tree, const protocol::Box& box, const Limits& limits, Accepts accepts);
  ~MapSearch();
  MapSearch(MapSearch&&) noexcept;
  MapSearch& operator=(MapSearch&&) noexcept;

  // Continues the search. Returns true once it is complete; then it must not be called again.
  [[nodiscard]] bool run(Slice& slice);

  // Whether there are at most Limits::clients. Valid after run() returned true.
  [[nodiscard]] bool are_few() const;
  // Each client once, if they are few; else empty.
  [[nodiscard]] const std::vector<bus::RecordIndex>& clients() const;
  // The cells with clients, from the south-west, row by row.
  [[nodiscard]] std::vector<CellCount> cells() const;

 private:
  class Work;
  std::unique_ptr<Work> work_;
};

}  // namespace herd::node::area
