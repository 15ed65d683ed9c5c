// The number of clients in a circle or a box. Parts of the tree that lie wholly inside are counted without reading
// their clients, unless there is an Accepts. node/area/search.hpp has the rules of all searches.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <variant>

#include "node/area/area_tree.hpp"
#include "node/area/search.hpp"
#include "node/area/slice.hpp"

namespace herd::node::area {

class CountSearch {
 public:
  // `except`: a client that does not count, such as the one in the centre. Costs nothing, unlike an Accepts.
  CountSearch(const AreaTree& tree, const std::variant<Disc, protocol::Box>& area,
              std::optional<bus::RecordIndex> except, Accepts accepts);
  ~CountSearch();
  CountSearch(CountSearch&&) noexcept;
  CountSearch& operator=(CountSearch&&) noexcept;

  // Continues the search. Returns true once the count is complete; then it must not be called again.
  [[nodiscard]] bool run(Slice& slice);
  // Valid after run() returned true.
  [[nodiscard]] std::uint64_t count() const;

 private:
  class Work;
  std::unique_ptr<Work> work_;
};

}  // namespace herd::node::area
