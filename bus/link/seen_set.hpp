// The identities of the updates that were merged lately: (origin, run, change number). Flooding brings every update
// once over each link; the repeats are found here and dropped before their texts are parsed.
//
// It may forget, but must never report an update that was not merged. A forgotten update is merged again by the store's
// order, which changes nothing. An update that is wrongly dropped is lost. So insert a number only after the merge.
// Memory is bounded: a window of change numbers for each (origin, run), at most kMaxWindows windows.
//
// Pure. Owned by the replica; loop thread only.
#pragma once

#include <array>
#include <cstdint>
#include <list>
#include <string>
#include <string_view>

namespace herd::bus {

class SeenSet {
 public:
  // Change numbers that a window covers: 128 KiB. A lagging link sends the newest updates early, so it may be ahead of
  // what it sends in order by all updates of a busy second.
  static constexpr std::uint64_t kWindow = std::uint64_t{1} << 20;
  static constexpr std::size_t kMaxWindows =
      128;  // 16 MiB in all; the least recently used one is dropped for a new one

  // The numbers of one run of an origin: a bit map of the kWindow numbers up to the highest one inserted.
  class Window {
   public:
    // Always false for a number below the window.
    [[nodiscard]] bool contains(std::uint64_t number) const;
    // Moves the window up if the number is above it. Ignores a number below it.
    void insert(std::uint64_t number);

   private:
    // Clears the bits of [from, to), which must not be longer than a window.
    void forget(std::uint64_t from, std::uint64_t to);
    [[nodiscard]] std::uint64_t& word(std::uint64_t number) { return bits_[(number % kWindow) / 64]; }
    std::array<std::uint64_t, kWindow / 64> bits_{};
    std::uint64_t highest_ = 0;
  };

  // The window of (origin, run); an empty one is made if there is none. Valid until the next call.
  [[nodiscard]] Window& window(std::string_view origin, std::uint64_t run);

  // Drops the windows of an origin, of all its runs. If its updates still come, they get new windows.
  void forget(std::string_view origin);

 private:
  struct Named {
    std::string origin;
    std::uint64_t run = 0;
    Window window;
  };
  std::list<Named> windows_;  // the most recently used first
};

}  // namespace herd::bus
