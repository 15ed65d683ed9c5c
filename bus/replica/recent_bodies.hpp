// The bodies of the last batches that hold a whole stretch of this node's feed: as a peer sent them, if they were new
// from end to end, or as they were encoded for a link. Another link that comes to the same stretch sends the same bytes
// without encoding them again, and the same bytes from another peer, as every way round brings them, hold nothing new.
// Pure; owned by the replica, used on the loop's thread only. Bounded: kBodies bodies of at most kMaxBatchBytes.
//
// A body stays good however often its clients move on: it holds what stood at each number when it was made, or, where
// that was superseded by then, what a link may pass it with (docs/PROTOCOL.md, Superseded and not yet on disk).
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "bus/store/packed_record.hpp"

namespace herd::bus {

class RecentBodies {
 public:
  static constexpr std::size_t kBodies = 16;  // two flights: what takes longer to come round is decoded

  struct Recent {
    ChangeNumber from = 0;  // it holds the changes (from, to] of the feed
    ChangeNumber to = 0;
    std::uint64_t sources = 0;                // a bit for each link that one of its updates came by
    std::size_t updates = 0;                  // at most to - from
    std::shared_ptr<const std::string> body;  // nullptr: none
  };

  // Forgets the oldest.
  void remember(Recent recent) {
    bodies_[next_] = std::move(recent);
    next_ = (next_ + 1) % kBodies;
  }

  // The one of these bytes, or nullptr.
  [[nodiscard]] const Recent* find(std::string_view body) const {
    return find_if([&](const Recent& recent) { return *recent.body == body; });
  }

  // The newest one that begins behind this number and fits, or nullptr.
  template <class Fits>
  [[nodiscard]] const Recent* after(ChangeNumber number, Fits fits) const {
    return find_if([&](const Recent& recent) { return recent.from == number && fits(recent); });
  }

  // Where the next one that fits begins, beyond this number. A stretch that ends there is followed by one that is
  // ready.
  template <class Fits>
  [[nodiscard]] std::optional<ChangeNumber> next_begin(ChangeNumber number, Fits fits) const {
    std::optional<ChangeNumber> next;
    for (const Recent& recent : bodies_) {
      if (recent.body == nullptr || recent.from <= number || !fits(recent)) continue;
      next = std::min(next.value_or(recent.from), recent.from);
    }
    return next;
  }

 private:
  template <class Fits>
  [[nodiscard]] const Recent* find_if(Fits fits) const {
    for (std::size_t age = 1; age <= kBodies; ++age) {
      const Recent& recent = bodies_[(next_ + kBodies - age) % kBodies];
      if (recent.body != nullptr && fits(recent)) return &recent;
    }
    return nullptr;
  }

  std::array<Recent, kBodies> bodies_;
  std::size_t next_ = 0;
};

}  // namespace herd::bus
