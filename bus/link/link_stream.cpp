// How a link reads the feed for its peer: what the next batch holds, and what it may leave out.
#include <algorithm>

#include "bus/link/link.hpp"
#include "bus/store/mutants.hpp"

namespace herd::bus {

using protocol::Batch;
using protocol::Now;

bool Link::knows(const Store& store, const Feed::Entry& entry) const {
  if (store.came_by(entry.index) != index_) return false;
  // What a former life of the peer told us, this one may have lost.
  return entry.number > life_tail_ || mutated(Mutant::EchoSkipForgetsLife);
}

bool Link::has_room() const {
  return flight_.size() < limits_.max_in_flight || mutated(Mutant::FlightUnbounded);
}

std::optional<ChangeNumber> Link::next_number(ChangeNumber feed_tail) const {
  if (!streaming_ || !has_room() || lags(feed_tail)) return std::nullopt;
  return std::max(sent_, scanned_);
}

std::optional<Stretch> Link::next_stretch(const Store& store, Now now, ChangeNumber end) {
  const ChangeNumber tail = store.feed().tail();
  if (!streaming_ || !has_room()) return std::nullopt;
  const bool asks = must_ask(now);  // with an empty batch, if there is nothing to send that would ask as well
  if (sent_ == tail) return asks ? std::optional(Stretch{.from = tail, .to = tail}) : std::nullopt;
  // What was scanned before was left out for this peer alone.
  Stretch stretch{.from = sent_, .to = tail, .for_all = scanned_ <= sent_};
  const bool lagging = lags(tail);
  // To end before the tail, superseded changes must be looked through: with a disk that fails they may be too many.
  if (store.displaced().entries().size() > kMaxDisplacedLookedUp) end = tail;
  const std::size_t in_order = lagging ? (limits_.max_batch + 1) / 2 : limits_.max_batch;
  Feed::Reader reader = store.feed().read_after(std::max(sent_, scanned_));
  while (const auto entry = reader.next()) {
    if (entry->number > end) {
      if (!stretch.records.empty()) {
        stretch.to = end;
        break;
      }
      end = tail;  // nothing stands before it
    }
    if (knows(store, *entry)) {
      stretch.for_all = false;
      continue;
    }
    if (stretch.records.size() >= in_order) {
      stretch.to = entry->number - 1;
      break;
    }
    stretch.records.push_back(*entry);
    stretch.told_by |= bit_of(store.came_by(entry->index));
  }
  if (stretch.to < tail) carry_displaced(store, stretch);
  if (lagging && !mutated(Mutant::LaggingLinkStarves)) add_newest(store, stretch);
  if (!stretch.records.empty() || !stretch.carried.empty() || !stretch.newest.empty()) return stretch;
  if (stretch.to < tail) {  // the journal must get on first
    return asks ? std::optional(Stretch{.from = sent_, .to = sent_, .for_all = false}) : std::nullopt;
  }
  // Nothing for this peer up to the tail: the next batch covers the range, and if none comes soon an empty one does.
  if (scanned_ <= sent_) scanned_at_ = now.steady;
  scanned_ = tail;
  return asks || now.steady - scanned_at_ >= kEmptyBatchDelay ? std::optional(std::move(stretch)) : std::nullopt;
}

namespace {

// A superseded number, and under which number its record stands now.
struct Superseded {
  ChangeNumber old = 0;
  ChangeNumber present = 0;
  RecordIndex index = 0;
};

// The lowest superseded numbers that the stretch would pass, in order: until `most` of them are such that `counts`, and
// all if there are fewer. The records themselves are looked at one by one, for each may be a miss of the cache.
template <typename Counts>
std::vector<Superseded> superseded_in(const Store& store, const Stretch& stretch, std::size_t most, Counts counts) {
  if (store.displaced().greatest() <= stretch.from) return {};
  const auto later = [](const Displaced::Entry& a, const Displaced::Entry& b) { return a.old > b.old; };
  std::vector<Displaced::Entry> passed;
  for (const Displaced::Entry& entry : store.displaced().entries()) {
    if (entry.old > stretch.from && entry.old <= stretch.to) passed.push_back(entry);
  }
  std::make_heap(passed.begin(), passed.end(), later);
  std::vector<Superseded> found;
  for (auto end = passed.end(); end != passed.begin() && most > 0; --end) {
    std::pop_heap(passed.begin(), end, later);
    const Displaced::Entry& lowest = *(end - 1);
    found.push_back({lowest.old, store.number_of(lowest.index), lowest.index});
    if (counts(found.back())) --most;
  }
  return found;
}

}  // namespace

// Passing over a superseded number is safe once the record that superseded it is on our disk, or goes along: in order,
// or, where it stands beyond the stretch, carried. A stretch that ends sooner has fewer in order and may pass fewer.
void Link::carry_displaced(const Store& store, Stretch& stretch) const {
  if (mutated(Mutant::CursorMovesBySkipping)) return;
  stretch.carried.clear();
  std::vector<Superseded> superseded;
  if (store.displaced().entries().size() > kMaxDisplacedLookedUp) {
    stretch.to = stretch.from;
  } else {
    const auto goes_along = [&](const Superseded& entry) {
      return entry.old <= stretch.to && entry.present > stretch.to && !knows(store, {entry.present, entry.index});
    };
    const auto room = [&] {
      const auto in_order =
          static_cast<std::size_t>(std::count_if(stretch.records.begin(), stretch.records.end(),
                                                 [&](const Feed::Entry& entry) { return entry.number <= stretch.to; }));
      return limits_.max_batch > in_order ? limits_.max_batch - in_order : 1;
    };
    superseded = superseded_in(store, stretch, room() + 1, goes_along);
    for (bool fits = false; !fits;) {
      stretch.carried.clear();
      for (const Superseded& entry : superseded) {
        if (goes_along(entry)) stretch.carried.push_back({entry.old, entry.index});
      }
      fits = stretch.carried.size() <= room();
      if (!fits) stretch.to = stretch.carried[room()].old - 1;
    }
  }
  // What does not go along because this peer knows it would have to go along to another.
  const bool left_out = std::any_of(superseded.begin(), superseded.end(), [&](const Superseded& entry) {
    return entry.old <= stretch.to && entry.present > stretch.to && knows(store, {entry.present, entry.index});
  });
  const bool depends = left_out && !mutated(Mutant::SharedThoughKnown);
  if (depends || !stretch.carried.empty() || stretch.to == stretch.from) stretch.for_all = false;
  std::erase_if(stretch.records, [&](const Feed::Entry& entry) { return entry.number > stretch.to; });
}

bool Link::shorten(const Store& store, Stretch& stretch, ChangeNumber to) const {
  const std::vector<Stretch::Carried> carried = std::move(stretch.carried);
  stretch.to = to;
  carry_displaced(store, stretch);
  return stretch.carried != carried || stretch.to != to;
}

bool Link::must_ask(Now now) const {
  return !mutated(Mutant::KeptIsNotAskedFor) && waits_for_proof() && now.steady >= ask_at_;
}

// A client that moves all the time stands always at the tail, which a lagging cursor would never reach.
void Link::add_newest(const Store& store, Stretch& stretch) {
  const ChangeNumber tail = store.feed().tail();
  const std::size_t room = limits_.max_batch - stretch.records.size();
  stretch.for_all = false;
  Feed::Reader reader = store.feed().read_after(std::max({tail_sent_, stretch.to, tail - room}));
  while (const auto entry = reader.next()) {
    if (!knows(store, *entry)) stretch.newest.push_back(*entry);
  }
  tail_sent_ = tail;
}

Batch Link::send(ChangeNumber to, const Store& store, ChangeNumber written, Now now) {
  const Batch batch{lives(), attempt_,      mutated(Mutant::FromAcknowledged) ? acknowledged_ : sent_,
                    to,      welcomed_run_, written};
  flight_.push_back({to, now.steady});
  ask_at_ = now.steady + answer_timeout();
  if (to == store.feed().tail() && (proofs_.empty() || proofs_.back() < to)) proofs_.push_back(to);
  sent_ = to;
  scanned_ = std::max(scanned_, to);
  if (mutated(Mutant::CursorMovesBySending)) advance(to, now.steady);
  return batch;
}

}  // namespace herd::bus
