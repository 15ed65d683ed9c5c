#include "bus/feed.hpp"

#include <algorithm>
#include <utility>

#include "protocol/assert.hpp"

namespace herd::bus {
namespace {

bool before(const Feed::Entry& entry, ChangeNumber number) {
  return entry.number < number;
}

}  // namespace

ChangeNumber Feed::append(RecordIndex index) {
  if (segments_.empty() || segments_.back()->entries.size() >= kSegmentEntries) {
    segments_.push_back(std::make_unique<Segment>());
    if (segments_.size() > 1) squeeze_if_stale(segments_.size() - 2);  // the one that this closes
  }
  Segment& last = *segments_.back();
  last.entries.push_back({++tail_, index});
  ++last.live;
  ++live_;
  ++held_;
  return tail_;
}

void Feed::skip_to(ChangeNumber base) {
  HERD_ASSERT(base >= tail_);
  tail_ = base;
}

void Feed::retire(ChangeNumber number) {
  const std::size_t position = segment_of(number);
  Segment& segment = *segments_[position];
  const auto entry = std::lower_bound(segment.entries.begin(), segment.entries.end(), number, before);
  HERD_ASSERT(entry != segment.entries.end() && entry->number == number && entry->index != kStale);
  entry->index = kStale;
  --segment.live;
  --live_;
  const bool open = position + 1 == segments_.size();  // still being appended to
  if (!open) squeeze_if_stale(position);
}

std::size_t Feed::segment_of(ChangeNumber number) const {
  const auto after = std::upper_bound(
      segments_.begin(), segments_.end(), number,
      [](ChangeNumber n, const std::unique_ptr<Segment>& segment) { return n < segment->entries.front().number; });
  return after == segments_.begin() ? 0 : static_cast<std::size_t>(after - segments_.begin()) - 1;
}

// Drops the stale entries of a closed segment that is half stale, and joins what is left to its left neighbour when
// both are small: so the number of segments follows the number of records as well.
void Feed::squeeze_if_stale(std::size_t position) {
  Segment& segment = *segments_[position];
  if (segment.live * 2 >= segment.entries.size()) return;
  held_ -= segment.entries.size() - segment.live;
  std::erase_if(segment.entries, [](const Entry& entry) { return entry.index == kStale; });
  segment.entries.shrink_to_fit();
  const auto at = segments_.begin() + static_cast<std::ptrdiff_t>(position);
  if (segment.entries.empty()) {
    segments_.erase(at);
    return;
  }
  if (position == 0) return;
  Segment& left = *segments_[position - 1];
  if (left.entries.size() + segment.entries.size() > kSegmentEntries / 2) return;
  left.entries.insert(left.entries.end(), segment.entries.begin(), segment.entries.end());
  left.live += segment.live;
  segments_.erase(at);
}

Feed::Reader Feed::read_after(ChangeNumber cursor) const {
  if (segments_.empty() || cursor >= tail_) return {*this, segments_.size(), 0};
  const std::size_t position = segment_of(cursor + 1);
  const std::vector<Entry>& entries = segments_[position]->entries;
  const auto entry = std::lower_bound(entries.begin(), entries.end(), cursor + 1, before);
  return {*this, position, static_cast<std::size_t>(entry - entries.begin())};
}

std::optional<Feed::Entry> Feed::Reader::next() {
  for (; segment_ < feed_->segments_.size(); ++segment_, offset_ = 0) {
    const std::vector<Entry>& entries = feed_->segments_[segment_]->entries;
    while (offset_ < entries.size()) {
      const Entry& entry = entries[offset_++];
      if (entry.index != kStale) return entry;
    }
  }
  return std::nullopt;
}

}  // namespace herd::bus
