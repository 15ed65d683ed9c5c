// Ranks clients by their distance from a centre and keeps the first of them. It judges exactly only the clients for
// which the approximate distance does not decide. Loop thread only.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "node/area/area_tree.hpp"
#include "node/area/haversine.hpp"
#include "node/area/pace.hpp"
#include "node/area/search.hpp"
#include "node/area/sphere.hpp"

namespace herd::node::area {

class Nearest {
 public:
  // Keeps the first `wanted` of the clients that are inside `disc`, after `after` and accepted. Copies none of them:
  // they must exist as long as it.
  Nearest(const AreaTree& tree, const Disc& disc, std::size_t wanted, const std::optional<NearPlace>& after,
          const Accepts& accepts);

  [[nodiscard]] const Haversine& haversine() const { return haversine_; }
  // Whether the range can contain clients that are wanted. A client outside of it need not be offered. `least`:
  // haversine().least(range).
  [[nodiscard]] bool wants(const SpotRange& range, double least) const {
    return least <= limit_ && (before_ < 0 || haversine_.greatest(range) > before_);
  }
  [[nodiscard]] bool wants(const SpotRange& range) const { return wants(range, haversine_.least(range)); }
  // No client with a greater h is wanted. Falls with the offers.
  [[nodiscard]] double limit() const { return limit_; }

  // Returns whether it is one of the first, up to now.
  bool offer(bus::RecordIndex record, Spot spot, double h);
  void offer_all(const AreaNodes::Entries& entries);
  // Offers clients of a crowd, until no more can be wanted. Returns false if the slice was over first.
  [[nodiscard]] bool offer_crowd(const Crowd& crowd, Pace& pace);

  // The ranked clients; there may be fewer than wanted. Call it once.
  [[nodiscard]] std::vector<Found> ranked();

  // The work since the last call, as Pace counts it.
  [[nodiscard]] int take_work();

 private:
  struct Candidate {
    double h = 0;
    Spot spot;
    bus::RecordIndex record = 0;
    protocol::Millimetres distance = kUnknown;
  };
  static constexpr protocol::Millimetres kUnknown = -1;

  void judge(Candidate& candidate);
  void judge_all();
  // Whether it is inside and after the place from which the ranking begins.
  [[nodiscard]] bool is_candidate(Candidate& candidate);
  // Drops candidates that cannot be among the first.
  void tighten();
  void tighten_by_h();
  [[nodiscard]] bool is_before(const Candidate& a, const Candidate& b) const;

  const AreaTree& tree_;
  const Disc& disc_;
  const std::size_t wanted_;
  const std::optional<NearPlace>& after_;
  const Accepts& accepts_;
  const Haversine haversine_;
  const FromCentre from_centre_;
  const double surely_inside_;  // each point with no greater h is inside
  const double before_;         // each point with no greater h is before `after`
  const double not_after_;      // each point with a greater h is after `after`
  const std::size_t capacity_;  // of candidates_
  double limit_;
  std::vector<Candidate> candidates_;
  int work_ = 0;
};

}  // namespace herd::node::area
