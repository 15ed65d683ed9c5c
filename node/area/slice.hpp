// How long a piece of work may hold the loop. Work that can be long is done in slices: it asks is_over() about every
// 10 us, and continues in a later loop iteration. Loop thread only.
#pragma once

namespace herd::node::area {

class Slice {
 public:
  Slice() = default;
  Slice(const Slice&) = delete;
  Slice& operator=(const Slice&) = delete;
  virtual ~Slice() = default;

  // Whether the work must stop now. Once true, it stays true. The work may always do one step before it asks.
  [[nodiscard]] virtual bool is_over() = 0;
};

}  // namespace herd::node::area
