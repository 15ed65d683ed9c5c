#include "bus/store/feed.hpp"

#include <algorithm>
#include <utility>

#include "protocol/assert.hpp"
#include "protocol/prefetch.hpp"

namespace herd::bus {
namespace {

constexpr ChangeNumber kMaxStep = std::numeric_limits<std::uint32_t>::max();

}  // namespace

ChangeNumber Feed::append(RecordIndex index) {
  ++tail_;
  Segment& last = segment_for(tail_);
  const ChangeNumber step = tail_ - last.first;
  if (last.steps.empty() && step != last.indexes.size()) last.write_steps();
  if (!last.steps.empty()) last.steps.push_back(static_cast<std::uint32_t>(step));
  last.indexes.push_back(index);
  ++last.live;
  ++live_;
  ++held_;
  return tail_;
}

Feed::Segment& Feed::segment_for(ChangeNumber number) {
  if (!segments_.empty()) {
    Segment& last = *segments_.back();
    if (last.indexes.size() < kSegmentEntries && number - last.first <= kMaxStep) return last;
  }
  segments_.push_back(std::make_unique<Segment>());
  segments_.back()->first = number;
  firsts_.push_back(number);
  if (segments_.size() > 1) {
    const std::size_t closed = segments_.size() - 2;
    if (segments_[closed]->is_stale()) shrink(closed);
  }
  return *segments_.back();
}

void Feed::skip_to(ChangeNumber base) {
  HERD_ASSERT(base >= tail_);
  tail_ = base;
}

void Feed::retire(ChangeNumber number) {
  const std::size_t position = segment_of(number);
  Segment& segment = *segments_[position];
  const std::size_t offset = segment.offset_of(number);
  HERD_ASSERT(offset < segment.indexes.size() && segment.number_at(offset) == number &&
              segment.indexes[offset] != kStale);
  segment.indexes[offset] = kStale;
  --segment.live;
  --live_;
  const bool open = position + 1 == segments_.size();  // append() still adds to it
  if (!open && segment.is_stale()) shrink(position);
}

void Feed::prefetch(ChangeNumber number) const {
  if (segments_.empty() || number > tail_) return;
  const Segment& segment = *segments_[segment_of(number)];
  const std::size_t offset = segment.guess_of(number);
  protocol::prefetch<protocol::PrefetchFor::Writing>(segment.indexes.data() + offset);
  if (!segment.steps.empty()) protocol::prefetch(segment.steps.data() + offset);
}

// The guess counts segments back from the newest: a full segment that was not shrunk covers as many numbers as it has
// entries. A binary search follows where the guess is wrong.
std::size_t Feed::segment_of(ChangeNumber number) const {
  if (firsts_.empty()) return 0;
  const std::size_t last = firsts_.size() - 1;
  if (number >= firsts_[last]) return last;
  const ChangeNumber back = (firsts_[last] - number + kSegmentEntries - 1) / kSegmentEntries;
  if (back <= last && firsts_[last - back] <= number && number < firsts_[last - back + 1]) return last - back;
  const auto after = std::upper_bound(firsts_.begin(), firsts_.end(), number);
  return after == firsts_.begin() ? 0 : static_cast<std::size_t>(after - firsts_.begin()) - 1;
}

// Interpolates: the remaining numbers of a shrunk segment are about evenly distributed. Returns the end for a number
// above all of them.
std::size_t Feed::Segment::guess_of(ChangeNumber number) const {
  const ChangeNumber step = number - std::min(number, first);
  if (steps.empty()) return static_cast<std::size_t>(std::min<ChangeNumber>(step, indexes.size()));
  if (step > steps.back()) return steps.size();
  return steps.back() == 0 ? 0 : step * (steps.size() - 1) / steps.back();
}

// The search begins at a guess and widens. It reads one or two cache lines, where a binary search would read five.
std::size_t Feed::Segment::offset_of(ChangeNumber number) const {
  std::size_t low = guess_of(number);
  if (steps.empty() || low == steps.size() || number <= first) return low;
  const ChangeNumber step = number - first;
  std::size_t high = low;
  for (std::size_t width = 8; low > 0 && steps[low] >= step; width *= 2) {
    high = low;
    low -= std::min(low, width);
  }
  for (std::size_t width = 8; high < steps.size() && steps[high] < step; width *= 2) {
    low = high;
    high = std::min(high + width, steps.size());
  }
  const auto begin = steps.begin();
  return static_cast<std::size_t>(
      std::lower_bound(begin + static_cast<std::ptrdiff_t>(low), begin + static_cast<std::ptrdiff_t>(high), step) -
      begin);
}

void Feed::Segment::write_steps() {
  steps.reserve(indexes.capacity());
  for (std::size_t offset = 0; offset < indexes.size(); ++offset) steps.push_back(static_cast<std::uint32_t>(offset));
}

void Feed::Segment::drop_stale() {
  // Without a branch that the processor could mispredict: stale entries are written too, and the next one overwrites
  // them.
  std::vector<RecordIndex> live_indexes(live + 1);
  std::vector<std::uint32_t> live_steps(live + 1);
  std::size_t size = 0;
  const auto copy_live = [&](auto step_at) {
    for (std::size_t offset = 0; offset < indexes.size(); ++offset) {
      live_indexes[size] = indexes[offset];
      live_steps[size] = step_at(offset);
      size += indexes[offset] != kStale ? 1 : 0;
    }
  };
  if (steps.empty()) {
    copy_live([](std::size_t offset) { return static_cast<std::uint32_t>(offset); });
  } else {
    copy_live([this](std::size_t offset) { return steps[offset]; });
  }
  HERD_ASSERT(size == live);
  live_indexes.pop_back();
  live_steps.pop_back();
  indexes = std::move(live_indexes);
  steps = std::move(live_steps);
}

// Drops the stale entries of a closed segment. If the rest and the segment before it are small, joins them, so that the
// number of segments also depends on the number of records.
void Feed::shrink(std::size_t position) {
  Segment& segment = *segments_[position];
  held_ -= segment.indexes.size() - segment.live;
  const auto erase = [this](std::size_t at) {
    segments_.erase(segments_.begin() + static_cast<std::ptrdiff_t>(at));
    firsts_.erase(firsts_.begin() + static_cast<std::ptrdiff_t>(at));
  };
  if (segment.live == 0) return erase(position);
  segment.drop_stale();
  if (position == 0) return;
  Segment& left = *segments_[position - 1];
  const ChangeNumber shift = segment.first - left.first;
  if (left.indexes.size() + segment.indexes.size() > kSegmentEntries / 2) return;
  if (shift + segment.steps.back() > kMaxStep) return;
  if (left.steps.empty()) left.write_steps();
  left.indexes.reserve(left.indexes.size() + segment.indexes.size());
  left.steps.reserve(left.indexes.capacity());
  left.indexes.insert(left.indexes.end(), segment.indexes.begin(), segment.indexes.end());
  for (const std::uint32_t step : segment.steps) left.steps.push_back(static_cast<std::uint32_t>(shift + step));
  left.live += segment.live;
  erase(position);
}

void Feed::check_invariants() const {
  HERD_ASSERT(firsts_.size() == segments_.size());
  ChangeNumber last = 0;  // of the entries so far; no entry has the number 0
  std::size_t live = 0;
  std::size_t held = 0;
  for (std::size_t position = 0; position < segments_.size(); ++position) {
    const Segment& segment = *segments_[position];
    HERD_ASSERT(segment.first == firsts_[position] && !segment.indexes.empty());
    HERD_ASSERT(segment.indexes.size() <= kSegmentEntries);
    HERD_ASSERT(segment.steps.empty() || segment.steps.size() == segment.indexes.size());
    HERD_ASSERT(segment.number_at(0) >= segment.first);
    std::size_t live_here = 0;
    for (std::size_t offset = 0; offset < segment.indexes.size(); ++offset) {
      HERD_ASSERT(segment.number_at(offset) > last);
      last = segment.number_at(offset);
      live_here += segment.indexes[offset] != kStale ? 1 : 0;
    }
    HERD_ASSERT(segment.live == live_here);
    live += live_here;
    held += segment.indexes.size();
  }
  HERD_ASSERT(last <= tail_ && live == live_ && held == held_);
}

Feed::Reader Feed::read_after(ChangeNumber cursor) const {
  if (segments_.empty() || cursor >= tail_) return {*this, segments_.size(), 0};
  const std::size_t position = segment_of(cursor + 1);
  return {*this, position, segments_[position]->offset_of(cursor + 1)};
}

std::size_t Feed::count_after(ChangeNumber cursor) const {
  if (segments_.empty() || cursor >= tail_) return 0;
  const std::size_t position = segment_of(cursor + 1);
  const Segment& first = *segments_[position];
  const auto begin = first.indexes.begin() + static_cast<std::ptrdiff_t>(first.offset_of(cursor + 1));
  const auto stale = std::count(begin, first.indexes.end(), kStale);
  auto count = static_cast<std::size_t>(first.indexes.end() - begin - stale);
  for (std::size_t later = position + 1; later < segments_.size(); ++later) count += segments_[later]->live;
  return count;
}

std::optional<Feed::Entry> Feed::Reader::next() {
  for (; segment_ < feed_->segments_.size(); ++segment_, offset_ = 0) {
    const Segment& segment = *feed_->segments_[segment_];
    while (offset_ < segment.indexes.size()) {
      const std::size_t at = offset_++;
      if (segment.indexes[at] != kStale) return Entry{segment.number_at(at), segment.indexes[at]};
    }
  }
  return std::nullopt;
}

}  // namespace herd::bus
