#include "bus/link/seen_set.hpp"

#include <algorithm>

#include "bus/store/mutants.hpp"

namespace herd::bus {

bool SeenSet::Window::contains(std::uint64_t number) const {
  if (mutated(Mutant::SeenBelowWindow) && highest_ >= kWindow && number <= highest_ - kWindow) return true;
  if (number > highest_ || highest_ - number >= kWindow) return false;
  return (bits_[(number % kWindow) / 64] >> (number % 64) & 1) != 0;
}

// A word at a time, so that a peer that leaves a wide gap after each update cannot hold up the loop.
void SeenSet::Window::forget(std::uint64_t from, std::uint64_t to) {
  while (from < to) {
    const std::uint64_t end = std::min(to, (from / 64 + 1) * 64);
    const std::uint64_t bits =
        end - from == 64 ? ~std::uint64_t{0} : ((std::uint64_t{1} << (end - from)) - 1) << from % 64;
    word(from) &= ~bits;
    from = end;
  }
}

void SeenSet::Window::insert(std::uint64_t number) {
  if (number > highest_) {
    // The bits of the numbers that the window slides over still belong to numbers that are lower by kWindow.
    if (number - highest_ >= kWindow) {
      bits_.fill(0);
    } else {
      forget(highest_ + 1, number);
    }
    highest_ = number;
  } else if (highest_ - number >= kWindow) {
    return;
  }
  word(number) |= std::uint64_t{1} << (number % 64);
}

SeenSet::Window& SeenSet::window(std::string_view origin, std::uint64_t run) {
  const auto found = std::find_if(windows_.begin(), windows_.end(),
                                  [&](const Named& named) { return named.run == run && named.origin == origin; });
  if (found != windows_.end()) {
    windows_.splice(windows_.begin(), windows_, found);
    return found->window;
  }
  if (windows_.size() >= kMaxWindows) windows_.pop_back();
  Named& made = windows_.emplace_front();
  made.origin = origin;
  made.run = run;
  return made.window;
}

void SeenSet::forget(std::string_view origin) {
  if (mutated(Mutant::SeenOfRemovedStays)) return;
  std::erase_if(windows_, [&](const Named& named) { return named.origin == origin; });
}

}  // namespace herd::bus
