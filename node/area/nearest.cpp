#include "node/area/nearest.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace herd::node::area {

namespace {

constexpr std::size_t kReservedCandidates = 25;  // 1,000 bytes: malloc is fastest up to that

}  // namespace

Nearest::Nearest(const AreaTree& tree, const Disc& disc, std::size_t wanted, const std::optional<NearPlace>& after,
                 const Accepts& accepts)
    : tree_(tree),
      disc_(disc),
      wanted_(wanted),
      after_(after),
      accepts_(accepts),
      haversine_(spot_of(disc.centre)),
      from_centre_(disc.centre),
      surely_inside_(Haversine::surely_within(disc.radius)),
      before_(after ? Haversine::surely_within(after->distance - 1) : -1),
      not_after_(after ? Haversine::at_most(after->distance) : -1),
      capacity_(2 * wanted + 32),
      limit_(Haversine::at_most(disc.radius)) {
  candidates_.reserve(std::min(capacity_, kReservedCandidates));
}

void Nearest::judge(Candidate& candidate) {
  if (candidate.distance != kUnknown) return;
  candidate.distance = from_centre_.distance(point_of(candidate.spot));
  work_ += Pace::kExact;
}

void Nearest::judge_all() {
  for (Candidate& candidate : candidates_) judge(candidate);
}

bool Nearest::is_candidate(Candidate& candidate) {
  if (candidate.h <= surely_inside_ && candidate.h > not_after_) return true;
  judge(candidate);
  if (candidate.distance > disc_.radius) return false;
  if (!after_ || candidate.distance > after_->distance) return true;
  return candidate.distance == after_->distance && tree_.id_of(candidate.record) > after_->client;
}

bool Nearest::offer(bus::RecordIndex record, Spot spot, double h) {
  if (h > limit_ || h <= before_) return false;
  Candidate candidate{h, spot, record, kUnknown};
  if (!is_candidate(candidate)) return false;
  if (accepts_) {
    work_ += Pace::kExact;
    if (!accepts_(record)) return false;
  }
  candidates_.push_back(candidate);
  if (candidates_.size() == capacity_) tighten();
  return true;
}

void Nearest::offer_all(const AreaNodes::Entries& entries) {
  std::array<double, AreaNodes::kMaxEntries> h;
  haversine_.to_all(entries.x, entries.y, entries.count, h.data());
  for (std::size_t i = 0; i < entries.count; ++i) {
    if (h[i] <= limit_) (void)offer(entries.record[i], {entries.x[i], entries.y[i]}, h[i]);
  }
  // The sooner the limit falls, the fewer nodes are visited.
  if (candidates_.size() >= wanted_ + wanted_ / 2) {
    work_ += static_cast<int>(candidates_.size());
    tighten_by_h();
  }
}

bool Nearest::offer_crowd(const Crowd& crowd, Pace& pace) {
  const double h = haversine_.to(crowd.spot());
  if (h > limit_ || h <= before_) return true;
  Crowd::Place place;
  if (after_ && from_centre_.distance(point_of(crowd.spot())) == after_->distance) {
    place = crowd.after(tree_.store(), after_->client);
  }
  for (std::size_t accepted = 0; accepted < wanted_;) {
    const bus::RecordIndex* record = crowd.next(place);
    if (record == nullptr) break;
    if (offer(*record, crowd.spot(), h)) ++accepted;
    if (pace.spend(1 + take_work())) return false;
  }
  return true;
}

bool Nearest::is_before(const Candidate& a, const Candidate& b) const {
  if (a.distance != b.distance) return a.distance < b.distance;
  return tree_.id_of(a.record) < tree_.id_of(b.record);
}

void Nearest::tighten_by_h() {
  const auto last = candidates_.begin() + static_cast<std::ptrdiff_t>(wanted_) - 1;
  std::nth_element(candidates_.begin(), last, candidates_.end(),
                   [](const Candidate& a, const Candidate& b) { return a.h < b.h; });
  limit_ = std::min(limit_, Haversine::at_most(Haversine::farthest(last->h)));
  std::erase_if(candidates_, [this](const Candidate& candidate) { return candidate.h > limit_; });
}

void Nearest::tighten() {
  work_ += static_cast<int>(candidates_.size());
  tighten_by_h();
  if (candidates_.size() < capacity_ - wanted_ / 2 - 8) return;
  judge_all();  // many are about as far as the last one
  const auto last = candidates_.begin() + static_cast<std::ptrdiff_t>(wanted_) - 1;
  std::nth_element(candidates_.begin(), last, candidates_.end(),
                   [this](const Candidate& a, const Candidate& b) { return is_before(a, b); });
  limit_ = std::min(limit_, Haversine::at_most(last->distance));
  candidates_.resize(wanted_);
}

std::vector<Found> Nearest::ranked() {
  if (candidates_.size() > wanted_) tighten_by_h();
  judge_all();
  std::sort(candidates_.begin(), candidates_.end(),
            [this](const Candidate& a, const Candidate& b) { return is_before(a, b); });
  candidates_.resize(std::min(candidates_.size(), wanted_));
  std::vector<Found> found;
  found.reserve(candidates_.size());
  for (const Candidate& candidate : candidates_) found.push_back({candidate.record, candidate.distance});
  return found;
}

int Nearest::take_work() {
  return std::exchange(work_, 0);
}

}  // namespace herd::node::area
