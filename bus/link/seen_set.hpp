// Which updates were merged lately, by their identity, so that the many repeats of a flood are dropped before their
// text is looked at. Bounded: a window of change numbers for each (origin, run), and a bounded number of those.
//
// Below its window nothing counts as seen: such an update goes to the store, whose order decides, so forgetting is
// harmless. Claiming what was not merged would not be: insert only after the merge.
#pragma once

#include <array>
#include <cstdint>
#include <list>
#include <string>
#include <string_view>

namespace herd::bus {

class SeenSet {
 public:
  // Numbers a window covers: 128 KiB. Links that lag carry the newest updates first, and so run ahead of what they
  // carry in order by as much as a busy second brings.
  static constexpr std::uint64_t kWindow = std::uint64_t{1} << 20;
  static constexpr std::size_t kMaxWindows = 128;  // nodes and their runs: 16 MiB; the one not used longest makes room

  // The numbers of one run of an origin.
  class Window {
   public:
    [[nodiscard]] bool contains(std::uint64_t number) const;
    void insert(std::uint64_t number);

   private:
    // Nothing from `from` on, up to but without `to`, was seen; both lie within a window.
    void forget(std::uint64_t from, std::uint64_t to);
    [[nodiscard]] std::uint64_t& word(std::uint64_t number) { return bits_[(number % kWindow) / 64]; }
    std::array<std::uint64_t, kWindow / 64> bits_{};
    std::uint64_t highest_ = 0;
  };

  // The window of (origin, run), made where there is none. Good until the next call.
  [[nodiscard]] Window& window(std::string_view origin, std::uint64_t run);

 private:
  struct Named {
    std::string origin;
    std::uint64_t run = 0;
    Window window;
  };
  std::list<Named> windows_;  // used last in front
};

}  // namespace herd::bus
