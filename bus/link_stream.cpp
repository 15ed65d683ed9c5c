// How a link reads the feed for its peer: what the next batch holds, and what it may leave out.
#include <algorithm>

#include "bus/link.hpp"
#include "bus/mutants.hpp"

namespace herd::bus {

using protocol::Batch;
using protocol::Now;

bool Link::knows(const Store& store, const Feed::Entry& entry) const {
  if (store.came_by(entry.index) != index_) return false;
  // What a former life of the peer told us, this one may have lost.
  return entry.number > life_tail_ || mutated(Mutant::EchoSkipForgetsLife);
}

std::optional<Stretch> Link::next_stretch(const Store& store, Now now) {
  const ChangeNumber tail = store.feed().tail();
  if (!streaming_) return std::nullopt;
  if (flight_.size() >= limits_.max_in_flight && !mutated(Mutant::FlightUnbounded)) return std::nullopt;
  const bool asks = must_ask(now);  // with an empty batch, if there is nothing to send that would ask as well
  if (sent_ == tail) return asks ? std::optional(Stretch{tail, tail, {}, {}, true, {}}) : std::nullopt;
  // What was scanned before was left out for this peer alone.
  Stretch stretch{sent_, tail, {}, {}, scanned_ <= sent_, {}};
  const bool lagging = tail - sent_ > limits_.max_in_flight * limits_.max_batch;
  const std::size_t in_order = lagging ? (limits_.max_batch + 1) / 2 : limits_.max_batch;
  Feed::Reader reader = store.feed().read_after(std::max(sent_, scanned_));
  while (const auto entry = reader.next()) {
    if (knows(store, *entry)) {
      stretch.for_all = false;
      continue;
    }
    if (stretch.records.size() >= in_order) {
      stretch.to = entry->number - 1;
      break;
    }
    stretch.records.push_back(*entry);
  }
  if (stretch.to < tail) carry_displaced(store, stretch);
  if (lagging && !mutated(Mutant::LaggingLinkStarves)) add_newest(store, stretch);
  if (!stretch.records.empty() || !stretch.carried.empty() || !stretch.newest.empty()) return stretch;
  if (stretch.to < tail) {  // the journal must get on first
    return asks ? std::optional(Stretch{sent_, sent_, {}, {}, false, {}}) : std::nullopt;
  }
  // Nothing for this peer up to the tail: the next batch covers the range, and if none comes soon an empty one does.
  if (scanned_ <= sent_) scanned_at_ = now.steady;
  scanned_ = tail;
  return asks || now.steady - scanned_at_ >= kEmptyBatchDelay ? std::optional(std::move(stretch)) : std::nullopt;
}

// Passing over a superseded number is safe once the record that superseded it is on our disk, or goes along.
void Link::carry_displaced(const Store& store, Stretch& stretch) const {
  if (mutated(Mutant::CursorMovesBySkipping)) return;
  std::vector<Stretch::Carried> displaced;
  if (store.displaced().entries().size() > kMaxDisplacedLookedUp) {
    stretch.to = stretch.from;
  } else {
    for (const Displaced::Entry& entry : store.displaced().entries()) {
      if (entry.old <= stretch.from || entry.old > stretch.to) continue;  // before the record is looked at
      const ChangeNumber present = store.number_of(entry.index);
      if (present > stretch.to && !knows(store, {present, entry.index})) {
        displaced.push_back({entry.old, entry.index});
      }
    }
    std::sort(displaced.begin(), displaced.end(), [](const auto& a, const auto& b) { return a.old < b.old; });
    const std::size_t room =
        limits_.max_batch > stretch.records.size() ? limits_.max_batch - stretch.records.size() : 1;
    if (displaced.size() > room) {
      stretch.to = displaced[room].old - 1;
      displaced.resize(room);
    }
  }
  if (!displaced.empty() || stretch.to == stretch.from) stretch.for_all = false;
  std::erase_if(stretch.records, [&](const Feed::Entry& entry) { return entry.number > stretch.to; });
  stretch.carried = std::move(displaced);
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

Batch Link::send(ChangeNumber to, ChangeNumber feed_tail, Now now) {
  const Batch batch{lives(), attempt_, mutated(Mutant::FromAcknowledged) ? acknowledged_ : sent_, to};
  flight_.push_back({to, now.steady});
  ask_at_ = now.steady + answer_timeout();
  if (to == feed_tail && (proofs_.empty() || proofs_.back() < to)) proofs_.push_back(to);
  sent_ = to;
  scanned_ = std::max(scanned_, to);
  if (mutated(Mutant::CursorMovesBySending)) advance(to, now.steady);
  return batch;
}

}  // namespace herd::bus
