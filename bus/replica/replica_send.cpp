// How a replica composes a BATCH for a peer: with a recent body that covers the next feed range, or with one that it
// encodes now.
#include <algorithm>

#include "bus/replica/replica.hpp"
#include "bus/store/update_texts.hpp"
#include "protocol/limits.hpp"

namespace herd::bus {

using protocol::Now;

namespace {

// Whether a batch of this many updates is worth a message, if `backlog` change numbers are still to be sent. To reuse a
// small body saves encoding, which costs far more than a message. But the batches in flight are all that a link can
// send in a round trip, so with a large backlog each should be large.
bool is_worth_a_message(const Link& link, std::size_t updates, ChangeNumber backlog) {
  return updates >= std::max<std::size_t>(link.sending().limits().max_batch / 8, 2) &&
         updates * link.sending().limits().max_in_flight >= backlog;
}

}  // namespace

// Encodes the records that fit in a body. Returns the change number up to which the cursor may move.
ChangeNumber Replica::encode(const FeedRange& range) {
  encoder_.clear();
  UpdateTexts texts;
  const auto add = [&](RecordIndex index) { return encoder_.add(store_.update_at(index, texts)); };
  // The newest records get up to half of the bytes, the very newest first, so that long texts cannot displace them.
  for (auto entry = range.newest.rbegin(); entry != range.newest.rend(); ++entry) {
    if (encoder_.bytes() >= protocol::kMaxBatchBytes / 2 || !add(entry->index)) break;
  }
  for (const FeedRange::Successor& successor : range.successors) {
    if (!add(successor.index)) return std::max(range.from, successor.old - 1);
  }
  for (const Feed::Entry& entry : range.records) {
    if (!add(entry.index)) return entry.number - 1;
  }
  return range.to;
}

// Whether a body may be sent to a peer unchanged: none of its updates came by that peer's link, and it is not above the
// link's max_batch.
bool Replica::may_share(const RecentBodies::Recent& recent, PeerIndex index) const {
  return (recent.sources & bit_of(static_cast<PeerIndex>(index))) == 0 &&
         recent.updates <= peers_[index].link.sending().limits().max_batch;
}

// The recent body that starts at the peer's next number, if it is worth a message or reaches the tail; else nullptr.
const RecentBodies::Recent* Replica::ready_for(PeerIndex index, ChangeNumber number) const {
  const ChangeNumber tail = store_.feed().tail();
  return recent_.after(number, [&](const RecentBodies::Recent& recent) {
    return may_share(recent, index) &&
           (recent.to == tail || is_worth_a_message(peers_[index].link, recent.updates, tail - number));
  });
}

// Where the next feed range for this peer must end: where a recent body begins that can then be sent unchanged, or at
// the tail.
ChangeNumber Replica::end_for(PeerIndex index, ChangeNumber number) const {
  const Link& link = peers_[index].link;
  const ChangeNumber tail = store_.feed().tail();
  const auto begin = recent_.next_begin(number, [&](const RecentBodies::Recent& recent) {
    return may_share(recent, index) && is_worth_a_message(link, recent.updates, tail - number);
  });
  return begin && is_worth_a_message(link, *begin - number, tail - number) ? *begin : tail;
}

std::optional<Outgoing> Replica::take_batch(PeerIndex index, Now now) {
  Link& link = peers_[index].link;
  const ChangeNumber tail = store_.feed().tail();
  const ChangeNumber number = link.sending().next_number(tail).value_or(tail);
  if (number == tail) return encode_batch(link, tail, now);
  const RecentBodies::Recent* ready = ready_for(index, number);
  if (ready == nullptr) return encode_batch(link, end_for(index, number), now);
  ++counters_.batches_sent;
  ++counters_.bodies_shared;
  counters_.updates_sent += ready->updates;
  return Outgoing{protocol::encode(link.send(ready->to, tail, planner_.cursor(), now)), ready->body};
}

std::optional<Outgoing> Replica::encode_batch(Link& link, ChangeNumber end, Now now) {
  auto range = link.sending().next_range(store_, now, end);
  if (!range) return std::nullopt;
  ChangeNumber to = encode(*range);
  while (to < range->to && link.sending().shorten(store_, *range, to)) to = encode(*range);
  const std::size_t updates = encoder_.size();
  ++counters_.batches_sent;
  counters_.updates_sent += updates;
  auto body = std::make_shared<const std::string>(encoder_.finish());
  if (range->shareable && updates > 0) recent_.remember({range->from, to, range->sources, updates, body});
  return Outgoing{protocol::encode(link.send(to, store_.feed().tail(), planner_.cursor(), now)), std::move(body)};
}

}  // namespace herd::bus
