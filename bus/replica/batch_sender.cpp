#include "bus/replica/batch_sender.hpp"

#include <algorithm>
#include <memory>
#include <utility>

#include "bus/store/update_texts.hpp"
#include "protocol/limits.hpp"
#include "protocol/messages.hpp"

namespace herd::bus {

using protocol::Now;

namespace {

// Whether a batch of this many updates is worth a message, if `backlog` change numbers are still to be sent.
bool is_worth_a_message(const Link& link, std::size_t updates, ChangeNumber backlog) {
  const LinkLimits& limits = link.sending().limits();
  return updates >= std::max<std::size_t>(limits.max_batch / 8, 2) && updates * limits.max_in_flight >= backlog;
}

}  // namespace

std::optional<Outgoing> BatchSender::take(Link& link, PeerIndex peer, ChangeNumber written, Now now) {
  const ChangeNumber tail = store_->feed().tail();
  const ChangeNumber number = link.sending().next_number(tail).value_or(tail);
  if (number == tail) return encode_batch(link, tail, written, now);
  const Recent* ready = ready_for(link, peer, number);
  if (ready == nullptr) return encode_batch(link, end_for(link, peer, number), written, now);
  ++counters_->batches_sent;
  ++counters_->bodies_shared;
  counters_->updates_sent += ready->updates;
  return Outgoing{protocol::encode(link.send(ready->to, tail, written, now)), ready->body};
}

// Whether a body may be sent to a peer unchanged: none of its updates came by that peer's link, and it is not above the
// link's max_batch.
bool BatchSender::may_share(const Recent& recent, const Link& link, PeerIndex peer) {
  return (recent.sources & bit_of(peer)) == 0 && recent.updates <= link.sending().limits().max_batch;
}

// The recent body that starts at the peer's next number, if it is worth a message or reaches the tail; else nullptr.
const RecentBodies::Recent* BatchSender::ready_for(const Link& link, PeerIndex peer, ChangeNumber number) const {
  const ChangeNumber tail = store_->feed().tail();
  return recent_->after(number, [&](const Recent& recent) {
    return may_share(recent, link, peer) &&
           (recent.to == tail || is_worth_a_message(link, recent.updates, tail - number));
  });
}

// Where the next feed range for this peer must end: where a recent body begins that can then be sent unchanged, or at
// the tail.
ChangeNumber BatchSender::end_for(const Link& link, PeerIndex peer, ChangeNumber number) const {
  const ChangeNumber tail = store_->feed().tail();
  const auto begin = recent_->next_begin(number, [&](const Recent& recent) {
    return may_share(recent, link, peer) && is_worth_a_message(link, recent.updates, tail - number);
  });
  return begin && is_worth_a_message(link, *begin - number, tail - number) ? *begin : tail;
}

std::optional<Outgoing> BatchSender::encode_batch(Link& link, ChangeNumber end, ChangeNumber written, Now now) {
  auto range = link.sending().next_range(*store_, now, end);
  if (!range) return std::nullopt;
  ChangeNumber to = encode(*range);
  while (to < range->to && link.sending().shorten(*store_, *range, to)) to = encode(*range);
  const std::size_t updates = encoder_.size();
  ++counters_->batches_sent;
  counters_->updates_sent += updates;
  auto body = std::make_shared<const std::string>(encoder_.finish());
  if (range->shareable && updates > 0) recent_->remember({range->from, to, range->sources, updates, body});
  return Outgoing{protocol::encode(link.send(to, store_->feed().tail(), written, now)), std::move(body)};
}

// Encodes the records that fit in a body. Returns the change number up to which the cursor may move.
ChangeNumber BatchSender::encode(const FeedRange& range) {
  encoder_.clear();
  UpdateTexts texts;
  const auto add = [&](RecordIndex index) { return encoder_.add(store_->update_at(index, texts)); };
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

}  // namespace herd::bus
