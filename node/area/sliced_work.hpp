// Work that is done in slices (node/area/slice.hpp), and ends with one text. Loop thread only.
#pragma once

#include <string>

#include "node/area/slice.hpp"

namespace herd::node::area {

class SlicedWork {
 public:
  SlicedWork() = default;
  SlicedWork(const SlicedWork&) = delete;
  SlicedWork& operator=(const SlicedWork&) = delete;
  virtual ~SlicedWork() = default;

  // Continues until the answer is complete, then returns true, or until the slice is over. The area index must be
  // active, and at the first call it must be current. Not again after it returned true.
  [[nodiscard]] virtual bool run(Slice& slice) = 0;

  // The answer. Call it once, after run() returned true.
  [[nodiscard]] virtual std::string take_answer() = 0;
};

}  // namespace herd::node::area
