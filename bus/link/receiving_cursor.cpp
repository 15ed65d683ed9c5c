#include "bus/link/receiving_cursor.hpp"

#include <algorithm>

#include "bus/store/mutants.hpp"
#include "protocol/assert.hpp"

namespace herd::bus {

using protocol::Ack;
using protocol::Batch;
using protocol::Incarnations;
using protocol::Nanoseconds;

ReceivingCursor::ReceivingCursor(const LinkLimits& limits, const PeerCursor& restored)
    : prompt_durable_(limits.prompt_durable), ack_delay_(limits.ack_delay), feed_id_(restored.feed_id) {
  if (restored.at.run == 0 && !mutated(Mutant::CursorOfNoRunCounts)) return;
  at_ = restored.at;
  durable_ = restored.at.cursor;
}

void ReceivingCursor::use(const LinkLimits& limits) {
  prompt_durable_ = limits.prompt_durable;
  ack_delay_ = limits.ack_delay;
}

void ReceivingCursor::begin_incarnation(ChangeNumber feed_tail) {
  sync_target_ = feed_tail;
  ack_attempt_ = 0;
  owe_ack_ = false;
}

void ReceivingCursor::read_feed(std::uint64_t feed_id) {
  if (feed_id == feed_id_) return;
  feed_id_ = feed_id;
  if (mutated(Mutant::OldFeedKeepsCursor)) return;
  at_ = {};
  durable_ = 0;
}

bool ReceivingCursor::merged(const Batch& batch, Nanoseconds received_at) {
  const std::uint64_t sender = batch.incarnations.sender;
  const bool continues = at_.run == sender || at_.run == batch.run || mutated(Mutant::AnyRunMovesCursor);
  if ((batch.from > at_.cursor && !mutated(Mutant::NoGapCheck)) || !continues) return false;
  if (batch.to >= at_.cursor) {
    at_ = {batch.to, sender, at_.run == sender ? std::max(at_.written, batch.written) : batch.written};
  }
  ack_attempt_ = std::max(ack_attempt_, batch.attempt);
  ack_due_ = owe_ack_ ? Nanoseconds{} : received_at + ack_delay_;
  owe_ack_ = true;
  return true;
}

void ReceivingCursor::durable(const PeerCursor& written) {
  if (written.feed_id != feed_id_ || written.at.run != at_.run || written.at.cursor <= durable_) return;
  durable_ = std::min(written.at.cursor, at_.cursor);
  if (!prompt_durable_ || ack_attempt_ == 0) return;
  ack_due_ = Nanoseconds{};
  owe_ack_ = true;
}

std::optional<Ack> ReceivingCursor::take_ack(const Incarnations& incarnations, Nanoseconds now) {
  if (now < ack_deadline()) return std::nullopt;
  owe_ack_ = false;
  return Ack{incarnations, ack_attempt_, at_.cursor,
             mutated(Mutant::AckReportsMergedAsDurable) ? at_.cursor : durable_};
}

void ReceivingCursor::check_invariants() const {
  HERD_ASSERT(durable_ <= at_.cursor);
  HERD_ASSERT(at_.run != 0 || at_.cursor == 0);
  HERD_ASSERT(feed_id_ != 0 || at_.cursor == 0);
}

}  // namespace herd::bus
