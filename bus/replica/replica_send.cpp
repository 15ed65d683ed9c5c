// What a replica sends a peer of its feed: a body that is there already, or one that is encoded now.
#include <algorithm>

#include "bus/replica/replica.hpp"
#include "bus/store/update_texts.hpp"
#include "protocol/limits.hpp"

namespace herd::bus {

using protocol::Now;

namespace {

// Whether so few updates are worth a message of their own, with so much more to send: encoding them costs far more than
// a message does, but a flight holds only so many, and is all that a link to a far peer can send in a round trip.
bool worth_a_message(const Link& link, std::size_t updates, ChangeNumber backlog) {
  return updates >= std::max<std::size_t>(link.max_batch() / 8, 2) && updates * link.max_in_flight() >= backlog;
}

}  // namespace

// Encodes what fits; returns how far the cursor may move by it.
ChangeNumber Replica::encode(const FeedRange& range) {
  encoder_.clear();
  UpdateTexts texts;
  const auto add = [&](RecordIndex index) { return encoder_.add(store_.update_at(index, texts)); };
  // Long texts must not keep the newest out: they get half of the bytes as well, the very newest first.
  for (auto entry = range.newest.rbegin(); entry != range.newest.rend(); ++entry) {
    if (encoder_.bytes() >= protocol::kMaxBatchBytes / 2 || !add(entry->index)) break;
  }
  for (const FeedRange::Successor& successors : range.successors) {
    if (!add(successors.index)) return std::max(range.from, successors.old - 1);
  }
  for (const Feed::Entry& entry : range.records) {
    if (!add(entry.index)) return entry.number - 1;
  }
  return range.to;
}

// Whether a peer may be sent a body as it is: it has told none of it, and its link takes so many updates at once.
bool Replica::suits(const RecentBodies::Recent& recent, PeerIndex index) const {
  return (recent.sources & bit_of(static_cast<PeerIndex>(index))) == 0 &&
         recent.updates <= peers_[index].link.max_batch();
}

// What is next for this peer, if there is a body of it that is worth a message, or all there is.
const RecentBodies::Recent* Replica::ready_for(PeerIndex index, ChangeNumber number) const {
  const ChangeNumber tail = store_.feed().tail();
  return recent_.after(number, [&](const RecentBodies::Recent& recent) {
    return suits(recent, index) &&
           (recent.to == tail || worth_a_message(peers_[index].link, recent.updates, tail - number));
  });
}

// Where the next stretch for this peer ends at the latest: before a body that can then be sent as it is.
ChangeNumber Replica::end_for(PeerIndex index, ChangeNumber number) const {
  const Link& link = peers_[index].link;
  const ChangeNumber tail = store_.feed().tail();
  const auto begin = recent_.next_begin(number, [&](const RecentBodies::Recent& recent) {
    return suits(recent, index) && worth_a_message(link, recent.updates, tail - number);
  });
  return begin && worth_a_message(link, *begin - number, tail - number) ? *begin : tail;
}

std::optional<Outgoing> Replica::take_batch(PeerIndex index, Now now) {
  Link& link = peers_[index].link;
  const ChangeNumber tail = store_.feed().tail();
  const ChangeNumber number = link.next_number(tail).value_or(tail);
  if (number == tail) return encode_batch(link, tail, now);
  const RecentBodies::Recent* ready = ready_for(index, number);
  if (ready == nullptr) return encode_batch(link, end_for(index, number), now);
  ++counters_.batches_sent;
  ++counters_.bodies_shared;
  counters_.updates_sent += ready->updates;
  return Outgoing{protocol::encode(link.send(ready->to, store_, planner_.cursor(), now)), ready->body};
}

std::optional<Outgoing> Replica::encode_batch(Link& link, ChangeNumber end, Now now) {
  auto range = link.next_range(store_, now, end);
  if (!range) return std::nullopt;
  ChangeNumber to = encode(*range);
  while (to < range->to && link.shorten(store_, *range, to)) to = encode(*range);
  const std::size_t updates = encoder_.size();
  ++counters_.batches_sent;
  counters_.updates_sent += updates;
  auto body = std::make_shared<const std::string>(encoder_.finish());
  if (range->shareable && updates > 0) recent_.remember({range->from, to, range->sources, updates, body});
  return Outgoing{protocol::encode(link.send(to, store_, planner_.cursor(), now)), std::move(body)};
}

}  // namespace herd::bus
