#include "bus/seen_set.hpp"

#include <algorithm>

#include "bus/mutants.hpp"

namespace herd::bus {

bool SeenSet::Window::contains(std::uint64_t number) const {
  if (mutated(Mutant::SeenBelowWindow) && highest_ >= kWindow && number <= highest_ - kWindow) return true;
  if (number > highest_ || highest_ - number >= kWindow) return false;
  return (bits_[(number % kWindow) / 64] >> (number % 64) & 1) != 0;
}

void SeenSet::Window::insert(std::uint64_t number) {
  if (number > highest_) {
    // The places of the numbers that the window slides over still hold numbers a window ago.
    if (number - highest_ >= kWindow) {
      bits_.fill(0);
    } else {
      for (std::uint64_t n = highest_ + 1; n < number; ++n) word(n) &= ~(std::uint64_t{1} << (n % 64));
    }
    highest_ = number;
  } else if (highest_ - number >= kWindow) {
    return;
  }
  word(number) |= std::uint64_t{1} << (number % 64);
}

SeenSet::Window& SeenSet::window(std::string_view origin, std::uint64_t feed) {
  const auto found = std::find_if(windows_.begin(), windows_.end(),
                                  [&](const Named& named) { return named.feed == feed && named.origin == origin; });
  if (found != windows_.end()) {
    windows_.splice(windows_.begin(), windows_, found);
    return found->window;
  }
  if (windows_.size() >= kMaxWindows) windows_.pop_back();
  windows_.push_front({std::string(origin), feed, {}});
  return windows_.front().window;
}

}  // namespace herd::bus
