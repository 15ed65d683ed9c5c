// The clients of a circle, nearest first, equal distances by the bytes of the id.
//
//   NearSearch search(tree, centre, radius, 20, std::nullopt, {});
//   while (!search.run(slice)) ...  // a later loop iteration
//   use(search.take(), search.has_more());
//
// node/area/search.hpp has the rules of all searches.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <vector>

#include "node/area/area_tree.hpp"
#include "node/area/search.hpp"
#include "node/area/slice.hpp"

namespace herd::node::area {

class NearSearch {
 public:
  // Searches for the first `max` clients after `after` (nullopt: from the nearest). `max` may be 0, then only
  // has_more() is of interest, and SIZE_MAX: all members. The search needs 24 bytes for each client that it returns.
  // To list very many members, prefer several searches, each continued from the last one's last place.
  NearSearch(const AreaTree& tree, protocol::Point centre, protocol::Millimetres radius, std::size_t max,
             std::optional<NearPlace> after, Accepts accepts);
  ~NearSearch();
  NearSearch(NearSearch&&) noexcept;
  NearSearch& operator=(NearSearch&&) noexcept;

  // Continues the search. Returns true once the answer is complete; then it must not be called again.
  [[nodiscard]] bool run(Slice& slice);

  // The clients, at most `max`, in their order. Call it once, after run() returned true.
  [[nodiscard]] std::vector<Found> take();
  // Whether more clients follow after the last one of take(). Valid after run() returned true.
  [[nodiscard]] bool has_more() const;

 private:
  class Work;
  std::unique_ptr<Work> work_;
};

}  // namespace herd::node::area
