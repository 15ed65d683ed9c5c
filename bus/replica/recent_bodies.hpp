// A cache of encoded batch bodies that cover a whole feed range of this node. A body gets here when this node encodes
// it for a link, or when a peer sends one of which every update changes the store. It saves work twice: another link
// that reaches the same range sends the same bytes without encoding them, and the same bytes from another peer, as
// flooding brings them, are recognised without decoding.
//
// A body stays valid when its clients move on. For each number of its range it contains the record that had this number
// when the body was made, or, if that was superseded by then, the successor that rule 13 of docs/PROTOCOL.md demands.
//
// Pure. Owned by the replica; loop thread only. Bounded: kBodies bodies of at most kMaxBatchBytes each.
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
  static constexpr std::size_t kBodies = 16;  // twice max_in_flight; a body that comes back later is decoded

  struct Recent {
    ChangeNumber from = 0;                    // exclusive
    ChangeNumber to = 0;                      // inclusive: it covers the changes (from, to]
    std::uint64_t sources = 0;                // the links that its updates came by: a bit for each (bit_of)
    std::size_t updates = 0;                  // at most to - from
    std::shared_ptr<const std::string> body;  // nullptr: none
  };

  // Replaces the oldest.
  void remember(Recent recent) {
    bodies_[next_] = std::move(recent);
    next_ = (next_ + 1) % kBodies;
  }

  // The body with exactly these bytes, or nullptr. Valid until the next remember(), as are the other results.
  [[nodiscard]] const Recent* find(std::string_view body) const {
    return find_if([&](const Recent& recent) { return *recent.body == body; });
  }

  // The newest body that starts after exactly this number (`from` == number) and for which `fits` is true, or nullptr.
  template <class Fits>
  [[nodiscard]] const Recent* after(ChangeNumber number, Fits fits) const {
    return find_if([&](const Recent& recent) { return recent.from == number && fits(recent); });
  }

  // The lowest `from` above this number of a body for which `fits` is true: a batch that ends there can be followed by
  // that body.
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
