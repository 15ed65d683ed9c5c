#include "bus/link/sending_stream.hpp"

#include <algorithm>
#include <utility>

#include "bus/store/mutants.hpp"
#include "protocol/assert.hpp"

namespace herd::bus {

using protocol::Ack;
using protocol::Nanoseconds;
using protocol::Now;
using protocol::Welcome;

SendingStream::SendingStream(PeerIndex peer, const LinkLimits& limits)
    : limits_(limits), known_(peer), out_of_order_(limits.max_batch) {}

// ---- begin and end --------------------------------------------------------------------------------------------------

void SendingStream::begin_incarnation(ChangeNumber feed_tail) {
  known_.begin_incarnation(feed_tail);
  acknowledged_ = durable_ = 0;
  proof_.reset();
}

void SendingStream::begin_feed() {
  acknowledged_ = durable_ = 0;
  if (!mutated(Mutant::RenewalKeepsProven)) proof_.reset();
  out_of_order_.restart(0);
}

CursorClaim SendingStream::start(const Welcome& welcome, const OurFeed& feed) {
  const bool possible = feed.runs.allow({welcome.cursor, welcome.run, welcome.written}, feed.tail, feed.written);
  if (!possible && !mutated(Mutant::ForeignCursorCountsAsNone)) return CursorClaim::Foreign;
  const ChangeNumber least = mutated(Mutant::WelcomeOnlyForward) ? acknowledged_ : 0;
  acknowledged_ = possible ? std::max(welcome.cursor, least) : 0;
  durable_ = std::min(durable_, acknowledged_);
  out_of_order_.restart(acknowledged_);
  stop();
  is_open_ = true;
  return CursorClaim::Possible;
}

void SendingStream::stop() {
  is_open_ = false;
  sent_ = scanned_ = acknowledged_;
  flight_.clear();
  proof_.forget_batches();
}

// ---- acknowledgements -----------------------------------------------------------------------------------------------

CursorClaim SendingStream::acknowledge(const Ack& ack, ChangeNumber feed_tail, Nanoseconds now, RoundTrip& round_trip) {
  if (ack.merged > feed_tail && !mutated(Mutant::AckBeyondTailIgnored)) return CursorClaim::Foreign;
  if (ack.merged > feed_tail || ack.durable > ack.merged) return CursorClaim::Possible;  // no ACK of a correct peer
  advance(ack.merged, now, round_trip);
  durable_ = std::max(durable_, std::min(ack.durable, acknowledged_));
  proof_.durable(durable_);
  return CursorClaim::Possible;
}

void SendingStream::advance(ChangeNumber merged, Nanoseconds now, RoundTrip& round_trip) {
  acknowledged_ = std::max(acknowledged_, merged);
  sent_ = std::max(sent_, acknowledged_);
  scanned_ = std::max(scanned_, sent_);
  // `<=`: an empty batch that only asks for the durable number is answered too.
  while (!flight_.empty() && flight_.front().to <= acknowledged_) {
    round_trip.measured(now - flight_.front().sent_at);
    flight_.pop_front();
  }
}

// ---- batches --------------------------------------------------------------------------------------------------------

bool SendingStream::may_send() const {
  return is_open_ && (has_room() || mutated(Mutant::InFlightUnbounded));
}

std::optional<ChangeNumber> SendingStream::next_number(ChangeNumber feed_tail) const {
  if (!may_send() || lags(feed_tail)) return std::nullopt;
  return std::max(sent_, scanned_);
}

std::optional<FeedRange> SendingStream::next_range(const Store& store, Now now, ChangeNumber end) {
  if (!may_send()) return std::nullopt;
  const ChangeNumber tail = store.feed().tail();
  if (sent_ == tail) {  // an empty batch, if it is time to ask
    return must_ask(now.steady) ? std::optional(FeedRange{.from = tail, .to = tail}) : std::nullopt;
  }
  const bool lagging = lags(tail);
  // A range that ends before the tail needs a scan of the superseded changes. A failing disk may leave too many of
  // them.
  if (store.superseded().entries().size() > kMaxSupersededScanned) end = tail;
  FeedRange range = read_in_order(store, end, lagging ? (limits_.max_batch + 1) / 2 : limits_.max_batch);
  if (range.to < tail) out_of_order_.add_successors(store, known_, range);
  if (lagging && !mutated(Mutant::LaggingLinkStarves)) out_of_order_.add_newest(store, known_, range);
  if (!range.is_empty()) return range;
  return empty_range(std::move(range), tail, now.steady);
}

// The records in feed order, up to `most` of them.
FeedRange SendingStream::read_in_order(const Store& store, ChangeNumber end, std::size_t most) const {
  const ChangeNumber tail = store.feed().tail();
  // Records in (sent_, scanned_] were left out for this peer only.
  FeedRange range{.from = sent_, .to = tail, .shareable = scanned_ <= sent_};
  Feed::Reader reader = store.feed().read_after(std::max(sent_, scanned_));
  while (const auto entry = reader.next()) {
    if (entry->number > end) {
      if (!range.records.empty()) {
        range.to = end;
        break;
      }
      end = tail;  // there is no record for this peer up to the limit
    }
    if (known_.contains(store, *entry)) {
      range.shareable = false;
      continue;
    }
    if (range.records.size() >= most) {
      range.to = entry->number - 1;
      break;
    }
    range.records.push_back(*entry);
    range.sources |= bit_of(store.came_by(entry->index));
  }
  return range;
}

// A range without records, if it is time to send it.
std::optional<FeedRange> SendingStream::empty_range(FeedRange range, ChangeNumber feed_tail, Nanoseconds now) {
  const bool asks = must_ask(now);
  if (range.to < feed_tail) {  // the cursor cannot move before the journal has written more
    return asks ? std::optional(FeedRange{.from = sent_, .to = sent_, .shareable = false}) : std::nullopt;
  }
  // No record for this peer up to the tail. The next batch covers this range too; if none follows soon, an empty one is
  // sent.
  if (scanned_ <= sent_) scanned_at_ = now;
  scanned_ = feed_tail;
  return asks || now - scanned_at_ >= kEmptyBatchDelay ? std::optional(std::move(range)) : std::nullopt;
}

bool SendingStream::shorten(const Store& store, FeedRange& range, ChangeNumber to) const {
  const std::vector<FeedRange::Successor> successors = std::move(range.successors);
  range.to = to;
  out_of_order_.add_successors(store, known_, range);
  return range.successors != successors || range.to != to;
}

bool SendingStream::must_ask(Nanoseconds now) const {
  return !mutated(Mutant::DurableNotAskedFor) && waits_for_proof() && now >= proof_.ask_at();
}

ChangeNumber SendingStream::sent(ChangeNumber to, ChangeNumber feed_tail, Nanoseconds now,
                                 const RoundTrip& round_trip) {
  const ChangeNumber from = mutated(Mutant::FromAcknowledged) ? acknowledged_ : sent_;
  flight_.push_back({to, now});
  proof_.batch_sent(now + round_trip.answer_timeout());
  if (to == feed_tail) proof_.tail_sent(to);
  sent_ = to;
  scanned_ = std::max(scanned_, to);
  return from;
}

Nanoseconds SendingStream::deadline() const {
  Nanoseconds deadline = Nanoseconds::max();
  if (scanned_ > sent_ && has_room()) deadline = scanned_at_ + kEmptyBatchDelay;
  if (waits_for_proof()) deadline = std::min(deadline, proof_.ask_at());
  return deadline;
}

void SendingStream::check_invariants(ChangeNumber feed_tail) const {
  HERD_ASSERT(durable_ <= acknowledged_ && acknowledged_ <= sent_ && sent_ <= scanned_ && scanned_ <= feed_tail);
  HERD_ASSERT(out_of_order_.newest_sent() <= feed_tail);
  HERD_ASSERT(is_open_ || (scanned_ == acknowledged_ && flight_.empty()));
  HERD_ASSERT(flight_.size() <= limits_.max_in_flight);
  HERD_ASSERT(flight_.empty() || (flight_.front().to >= acknowledged_ && flight_.back().to <= sent_));
  const auto is_before = [](const InFlight& a, const InFlight& b) { return a.to < b.to || a.sent_at < b.sent_at; };
  HERD_ASSERT(std::is_sorted(flight_.begin(), flight_.end(), is_before));
  proof_.check_invariants(sent_);
}

}  // namespace herd::bus
