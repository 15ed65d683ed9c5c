// The sending half of a link (bus/link/link.hpp): what the next batch contains, and what it may leave out.
#include <algorithm>

#include "bus/link/link.hpp"
#include "bus/store/mutants.hpp"

namespace herd::bus {

using protocol::Batch;
using protocol::Now;

bool Link::knows(const Store& store, const Feed::Entry& entry) const {
  if (store.came_by(entry.index) != index_) return false;
  // The peer may have lost what a former incarnation of it sent us.
  return entry.number > tail_at_incarnation_ || mutated(Mutant::EchoSkipForgetsIncarnation);
}

bool Link::may_send_batch() const {
  return flight_.size() < limits_.max_in_flight || mutated(Mutant::InFlightUnbounded);
}

std::optional<ChangeNumber> Link::next_number(ChangeNumber feed_tail) const {
  if (!streaming_ || !may_send_batch() || lags(feed_tail)) return std::nullopt;
  return std::max(sent_, scanned_);
}

std::optional<FeedRange> Link::next_range(const Store& store, Now now, ChangeNumber end) {
  const ChangeNumber tail = store.feed().tail();
  if (!streaming_ || !may_send_batch()) return std::nullopt;
  const bool asks = must_ask(now);  // an empty batch, if there is none with records that asks as well
  if (sent_ == tail) return asks ? std::optional(FeedRange{.from = tail, .to = tail}) : std::nullopt;
  // Records in (sent_, scanned_] were left out for this peer only.
  FeedRange range{.from = sent_, .to = tail, .shareable = scanned_ <= sent_};
  const bool lagging = lags(tail);
  // A range that ends before the tail needs a scan of the superseded changes. A failing disk may leave too many of
  // them.
  if (store.superseded().entries().size() > kMaxSupersededScanned) end = tail;
  const std::size_t in_order = lagging ? (limits_.max_batch + 1) / 2 : limits_.max_batch;
  Feed::Reader reader = store.feed().read_after(std::max(sent_, scanned_));
  while (const auto entry = reader.next()) {
    if (entry->number > end) {
      if (!range.records.empty()) {
        range.to = end;
        break;
      }
      end = tail;  // there is no record for this peer up to the limit
    }
    if (knows(store, *entry)) {
      range.shareable = false;
      continue;
    }
    if (range.records.size() >= in_order) {
      range.to = entry->number - 1;
      break;
    }
    range.records.push_back(*entry);
    range.sources |= bit_of(store.came_by(entry->index));
  }
  if (range.to < tail) add_successors(store, range);
  if (lagging && !mutated(Mutant::LaggingLinkStarves)) add_newest(store, range);
  if (!range.records.empty() || !range.successors.empty() || !range.newest.empty()) return range;
  if (range.to < tail) {  // the cursor cannot move before the journal has written more
    return asks ? std::optional(FeedRange{.from = sent_, .to = sent_, .shareable = false}) : std::nullopt;
  }
  // No record for this peer up to the tail. The next batch covers this range too; if none follows soon, an empty one is
  // sent.
  if (scanned_ <= sent_) scanned_at_ = now.steady;
  scanned_ = tail;
  return asks || now.steady - scanned_at_ >= kEmptyBatchDelay ? std::optional(std::move(range)) : std::nullopt;
}

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

// The peer's cursor may pass a superseded number only if the record that superseded it is on our disk, or is in the
// same batch (rule 13). If that record's number is after the range, it is added as a successor. If the successors do
// not fit, the range is shortened: then it has fewer records in order, and passes fewer superseded numbers.
void Link::add_successors(const Store& store, FeedRange& range) const {
  if (mutated(Mutant::CursorMovesBySkipping)) return;
  range.successors.clear();
  std::vector<Superseded> superseded;
  if (store.superseded().entries().size() > kMaxSupersededScanned) {
    range.to = range.from;
  } else {
    const auto needs_successor = [&](const Superseded& entry) {
      return entry.old <= range.to && entry.present > range.to && !knows(store, {entry.present, entry.index});
    };
    const auto successors_that_fit = [&] {
      const auto in_order =
          static_cast<std::size_t>(std::count_if(range.records.begin(), range.records.end(),
                                                 [&](const Feed::Entry& entry) { return entry.number <= range.to; }));
      return limits_.max_batch > in_order ? limits_.max_batch - in_order : 1;
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
  const bool left_out = std::any_of(superseded.begin(), superseded.end(), [&](const Superseded& entry) {
    return entry.old <= range.to && entry.present > range.to && knows(store, {entry.present, entry.index});
  });
  const bool depends = left_out && !mutated(Mutant::SharedThoughKnown);
  if (depends || !range.successors.empty() || range.to == range.from) range.shareable = false;
  std::erase_if(range.records, [&](const Feed::Entry& entry) { return entry.number > range.to; });
}

bool Link::shorten(const Store& store, FeedRange& range, ChangeNumber to) const {
  const std::vector<FeedRange::Successor> successors = std::move(range.successors);
  range.to = to;
  add_successors(store, range);
  return range.successors != successors || range.to != to;
}

bool Link::must_ask(Now now) const {
  return !mutated(Mutant::DurableNotAskedFor) && waits_for_proof() && now.steady >= ask_at_;
}

// The record of a client that moves all the time is always near the tail, which a lagging cursor would never reach.
void Link::add_newest(const Store& store, FeedRange& range) {
  const ChangeNumber tail = store.feed().tail();
  const std::size_t count = limits_.max_batch - range.records.size();
  range.shareable = false;
  Feed::Reader reader = store.feed().read_after(std::max({tail_sent_, range.to, tail - count}));
  while (const auto entry = reader.next()) {
    if (!knows(store, *entry)) range.newest.push_back(*entry);
  }
  tail_sent_ = tail;
}

Batch Link::send(ChangeNumber to, const Store& store, ChangeNumber written, Now now) {
  const Batch batch{incarnations(), attempt_, mutated(Mutant::FromAcknowledged) ? acknowledged_ : sent_, to,
                    welcomed_run_,  written};
  flight_.push_back({to, now.steady});
  ask_at_ = now.steady + answer_timeout();
  if (to == store.feed().tail() && (proofs_.empty() || proofs_.back() < to)) proofs_.push_back(to);
  sent_ = to;
  scanned_ = std::max(scanned_, to);
  if (mutated(Mutant::CursorMovesBySending)) advance(to, now.steady);
  return batch;
}

}  // namespace herd::bus
