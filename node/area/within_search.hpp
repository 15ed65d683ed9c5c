// The clients of a box, in the order of the curve, those at one point by the bytes of the id. So pages of an answer
// follow each other without repeats, and all nodes with the same store give the same order.
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

class WithinSearch {
 public:
  // Searches for the first `max` clients after `after` (nullopt: from the first). `max` may be 0, then only has_more()
  // is of interest, and SIZE_MAX: all members.
  WithinSearch(const AreaTree& tree, const protocol::Box& box, std::size_t max, std::optional<WithinPlace> after,
               Accepts accepts);
  ~WithinSearch();
  WithinSearch(WithinSearch&&) noexcept;
  WithinSearch& operator=(WithinSearch&&) noexcept;

  // Continues the search. Returns true once the answer is complete; then it must not be called again.
  [[nodiscard]] bool run(Slice& slice);

  // The clients, at most `max`, in their order. Call it once, after run() returned true.
  [[nodiscard]] std::vector<bus::RecordIndex> take();
  // Whether more clients follow after the last one of take(). Valid after run() returned true.
  [[nodiscard]] bool has_more() const;
  // The place of the last client of take(), from which the next page continues: where it was when it was found.
  // nullopt if there are none. Valid after run() returned true.
  [[nodiscard]] std::optional<WithinPlace> last_place() const;

 private:
  class Work;
  std::unique_ptr<Work> work_;
};

}  // namespace herd::node::area
