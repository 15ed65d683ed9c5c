#include "bus/link/out_of_order_plan.hpp"

#include <algorithm>
#include <vector>

#include "bus/link/link_limits.hpp"
#include "bus/store/mutants.hpp"

namespace herd::bus {
namespace {

// A superseded change of a record, and the record's present change number.
struct Superseded {
  ChangeNumber old = 0;
  ChangeNumber present = 0;
  RecordIndex index = 0;
};

// The superseded numbers in the range, in ascending order, up to the one at which `counts` was true for the `most`-th
// time. The records are read only for those returned, because each may be a cache miss.
template <typename Counts>
std::vector<Superseded> superseded_in(const Store& store, const FeedRange& range, std::size_t most, Counts counts) {
  if (store.superseded().greatest() <= range.from) return {};
  const auto later = [](const SupersededChanges::Entry& a, const SupersededChanges::Entry& b) { return a.old > b.old; };
  std::vector<SupersededChanges::Entry> in_range;
  for (const SupersededChanges::Entry& entry : store.superseded().entries()) {
    if (entry.old > range.from && entry.old <= range.to) in_range.push_back(entry);
  }
  std::make_heap(in_range.begin(), in_range.end(), later);
  std::vector<Superseded> found;
  for (auto end = in_range.end(); end != in_range.begin() && most > 0; --end) {
    std::pop_heap(in_range.begin(), end, later);
    const SupersededChanges::Entry& lowest = *(end - 1);
    found.push_back({lowest.old, store.number_of(lowest.index), lowest.index});
    if (counts(found.back())) --most;
  }
  return found;
}

}  // namespace

void OutOfOrderPlan::add_successors(const Store& store, const KnownToPeer& known, FeedRange& range) const {
  if (mutated(Mutant::CursorMovesBySkipping)) return;
  range.successors.clear();
  std::vector<Superseded> superseded;
  const auto is_known = [&](const Superseded& entry) { return known.contains(store, {entry.present, entry.index}); };
  const auto is_passed = [&](const Superseded& entry) { return entry.old <= range.to && entry.present > range.to; };
  if (store.superseded().entries().size() > kMaxSupersededScanned) {
    range.to = range.from;
  } else {
    const auto needs_successor = [&](const Superseded& entry) { return is_passed(entry) && !is_known(entry); };
    const auto successors_that_fit = [&] {
      const auto in_order =
          static_cast<std::size_t>(std::count_if(range.records.begin(), range.records.end(),
                                                 [&](const Feed::Entry& entry) { return entry.number <= range.to; }));
      return max_batch_ > in_order ? max_batch_ - in_order : 1;
    };
    superseded = superseded_in(store, range, successors_that_fit() + 1, needs_successor);
    for (bool fits = false; !fits;) {
      range.successors.clear();
      for (const Superseded& entry : superseded) {
        if (needs_successor(entry)) range.successors.push_back({entry.old, entry.index});
      }
      fits = range.successors.size() <= successors_that_fit();
      if (!fits) range.to = range.successors[successors_that_fit()].old - 1;
    }
  }
  // A successor that this peer sent us is left out here, but another peer would need it.
  const bool left_out = std::any_of(superseded.begin(), superseded.end(),
                                    [&](const Superseded& entry) { return is_passed(entry) && is_known(entry); });
  const bool depends = left_out && !mutated(Mutant::SharedThoughKnown);
  if (depends || !range.successors.empty() || range.to == range.from) range.shareable = false;
  std::erase_if(range.records, [&](const Feed::Entry& entry) { return entry.number > range.to; });
}

void OutOfOrderPlan::add_newest(const Store& store, const KnownToPeer& known, FeedRange& range) {
  const ChangeNumber tail = store.feed().tail();
  const std::size_t count = max_batch_ - range.records.size();
  range.shareable = false;
  Feed::Reader reader = store.feed().read_after(std::max({newest_sent_, range.to, tail - count}));
  while (const auto entry = reader.next()) {
    if (!known.contains(store, *entry)) range.newest.push_back(*entry);
  }
  newest_sent_ = tail;
}

}  // namespace herd::bus
