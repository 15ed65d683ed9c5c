// Asks a slice whether it is over, but not more often than about every 10 us. Loop thread only.
#pragma once

#include "node/area/slice.hpp"

namespace herd::node::area {

class Pace {
 public:
  explicit Pace(Slice& slice) : slice_(slice) {}

  // About 10 ns of work each: a point that is compared, say.
  static constexpr int kNode = 8;
  static constexpr int kExact = 16;  // an exact distance, or a question to an Accepts

  // Work was done. Returns true if the slice is over.
  [[nodiscard]] bool spend(int work) {
    left_ -= work;
    if (left_ > 0) return over_;
    left_ = kWork;
    over_ = over_ || slice_.is_over();
    return over_;
  }
  [[nodiscard]] bool is_over() const { return over_; }

 private:
  static constexpr int kWork = 1000;

  Slice& slice_;
  int left_ = kWork;
  bool over_ = false;
};

}  // namespace herd::node::area
