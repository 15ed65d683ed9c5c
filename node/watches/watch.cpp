#include "node/watches/watch.hpp"

#include <algorithm>

#include "node/watches/mutants.hpp"
#include "protocol/assert.hpp"
#include "protocol/prefetch.hpp"

namespace herd::node::watches {
namespace {

constexpr protocol::Nanoseconds kNever = protocol::Nanoseconds::max();

std::string_view prefix_of(const protocol::Watch& command) {
  const auto* clients = std::get_if<protocol::WatchedClients>(&command.what);
  return clients != nullptr && clients->is_prefix ? clients->id : command.options.prefix;
}

}  // namespace

Watch::Watch(const Place& place, const protocol::Watch& command, bool is_resumed, protocol::Now now)
    : place_(place),
      tag_bytes_(static_cast<std::uint8_t>(command.tag.size())),
      texts_(std::string(command.tag).append(prefix_of(command))),
      every_(command.options.every),
      beat_(command.options.beat),
      last_event_(now.steady) {
  if (is_resumed) resumed_after_ = command.options.from->number + (mutated(Mutant::ResumeGap) ? 1 : 0);
  static_assert(sizeof(Watch) == sizeof(std::string) + 12 * sizeof(std::uint64_t), "the size has changed");
  HERD_ASSERT(command.tag.size() <= protocol::kMaxTagBytes && (!is_resumed || resumed_after_ != 0));
  ++place_.shared.counters.watches;
}

Watch::~Watch() {
  if (lane_ == Lane::Pending) place_.shared.pending.give_back(pending_);
  --place_.shared.counters.watches;
}

// What note() uses first. The pointer to the virtual functions is just before lane_.
void Watch::prefetch() const {
  protocol::prefetch<protocol::PrefetchFor::Writing>(&lane_);
  protocol::prefetch<protocol::PrefetchFor::Writing>(&cursor_);
}

bool Watch::write(Output& out) {
  if (is_over_) return false;
  if (out.is_full()) return !is_open_ || lane_ != Lane::Current || next_due().value_or(kNever) <= out.now.steady;
  if (!is_open_ && !open(out)) return !is_over_;
  if (!complete(out)) return !is_over_;
  if (!write_held_moves(out) || !follow(out)) return !is_over_;
  if (!end_dwelling(out)) return !is_over_;  // after all changes: the centre may have moved
  if (!is_tick_due(out.now.steady)) return false;
  if (out.is_full()) return true;
  raise(position());
  append_tick(out.text, head(EventKind::Tick), out.now.wall);
  count(EventKind::Tick, out);
  return false;
}

std::optional<protocol::Nanoseconds> Watch::next_due() const {
  if (is_over_ || !is_open_) return std::nullopt;
  std::optional<protocol::Nanoseconds> due = dwelling_until();
  const auto add = [&](protocol::Nanoseconds at) { due = due ? std::min(*due, at) : at; };
  if (moves_ != nullptr) {
    if (const auto first = moves_->first()) add(first->second.due);
  }
  if (beat_.count() > 0) add(last_event_ + beat_);
  return due;
}

void Watch::append_end(std::string& out, EndReason reason) {
  if (!mutated(Mutant::EndForgotten)) watches::append_end(out, head(EventKind::End), reason);
  ++place_.shared.counters.events[static_cast<std::size_t>(EventKind::End)];
  is_over_ = true;
}

bool Watch::accepts(bus::RecordIndex record) const {
  const std::string_view client = tree().id_of(record);
  if (!client.starts_with(prefix()) && !mutated(Mutant::MatchIgnored)) return false;
  return place_.sight.allows(client) || mutated(Mutant::HiddenShown);
}

bool Watch::add_pending(bus::RecordIndex record, bus::ChangeNumber number) {
  if (lane_ == Lane::Lagging) return false;
  const bool was_current = lane_ == Lane::Current;
  if (was_current) {
    lane_ = Lane::Pending;
    cursor_ = number - 1;
    pending_ = place_.shared.pending.take();
    pending().count = 0;
  }
  auto& [count, records] = pending();
  const auto end = records.begin() + static_cast<std::ptrdiff_t>(count);
  if (std::find(records.begin(), end, record) != end) return false;
  if (count < Pending::kMost) {
    records[count++] = record;
    return was_current;
  }
  lane_ = Lane::Lagging;
  if (mutated(Mutant::ConflatedForgotten)) cursor_ = number;
  place_.shared.pending.give_back(pending_);
  ++place_.shared.counters.conflated;
  return false;
}

bool Watch::add_to_feed(bus::ChangeNumber number) {
  if (lane_ != Lane::Current) return false;
  begin_following(number - 1);
  return true;
}

bool Watch::follow(Output& out) {
  switch (lane_) {
    case Lane::Current:
      return true;
    case Lane::Pending:
      if (!judge_pending(out)) return false;
      break;
    case Lane::Lagging:
      if (!read_feed(out)) return false;
      break;
  }
  lane_ = Lane::Current;
  caught_up();
  return true;
}

// In the order of the records' present changes, as the feed has them.
bool Watch::judge_pending(Output& out) {
  std::array<Numbered, Pending::kMost> changes;
  auto& [left, records] = pending();
  const std::size_t count = left;
  for (std::size_t at = 0; at < count; ++at) changes[at] = {store().number_of(records[at]), records[at]};
  std::sort(changes.begin(), changes.begin() + static_cast<std::ptrdiff_t>(count));
  std::size_t judged = 0;
  bool is_complete = true;
  while (is_complete && judged < count && !out.must_stop()) {
    cursor_ = changes[judged].number;
    judge(changes[judged].record, cursor_, out);
    ++judged;
    is_complete = !is_over_ && complete(out);
  }
  if (is_complete && (judged == count || mutated(Mutant::StoppedForgotten))) {
    place_.shared.pending.give_back(pending_);
    return true;
  }
  left = static_cast<std::uint32_t>(count - judged);
  for (std::size_t at = judged; at < count; ++at) records[at - judged] = changes[at].record;
  return false;
}

bool Watch::read_feed(Output& out) {
  constexpr unsigned kRecordsAtOnce = 32;
  bus::Feed::Reader reader = store().feed().read_after(cursor_);
  for (unsigned count = 1; const auto entry = reader.next(); ++count) {
    if (out.is_full() || (count % kRecordsAtOnce == 0 && out.slice.is_over())) return false;
    cursor_ = entry->number;
    judge(entry->index, entry->number, out);
    if (is_over_ || !complete(out)) return false;
  }
  return true;
}

// A MOVE that was held back, of a record that changed after the cursor, is written when that change is judged.
bool Watch::write_held_moves(Output& out) {
  if (moves_ == nullptr) return true;
  for (auto first = moves_->first(); first && first->second.due <= out.now.steady; first = moves_->first()) {
    const auto [record, delay] = *first;
    if (delay.held != 0 && out.must_stop()) return false;
    moves_->erase(record);
    if (delay.held == 0 || mutated(Mutant::HeldMoveForgotten)) continue;
    if (store().number_of(record) > position()) {
      release_held(record);
      continue;
    }
    moves_->put(record, {out.now.steady + every_, 0});
    raise(position());
    write_held(record, out);
  }
  return true;
}

bool Watch::is_tick_due(protocol::Nanoseconds now_steady) const {
  return beat_.count() > 0 && now_steady >= last_event_ + beat_ && !mutated(Mutant::BeatMissing);
}

void Watch::write_ready(bus::ChangeNumber number, std::uint64_t count, Output& out) {
  is_open_ = true;
  raise(number);
  append_ready(out.text, head(EventKind::Ready), count);
  this->count(EventKind::Ready, out);
}

void Watch::begin_following(bus::ChangeNumber cursor) {
  cursor_ = cursor;
  lane_ = Lane::Lagging;
}

void Watch::raise(bus::ChangeNumber number) {
  if (mutated(Mutant::NumberBeforeChanges) && is_open_ && number > 0) number = place_.shared.index.cursor();
  if (const auto held = lowest_held(); held && !mutated(Mutant::DwellNumberNotHeld))
    number = std::min(number, *held - 1);
  if (moves_ != nullptr) {
    const auto held = moves_->lowest_held();
    if (held && !mutated(Mutant::HeldMoveNumbered)) number = std::min(number, *held - 1);
  }
  number_ = std::max(number_, number);
}

void Watch::write_event(EventKind kind, bus::RecordIndex record, const std::optional<Sighting>& sighting, Output& out) {
  if (place_.sight.events_only && !mutated(Mutant::PlaceShown)) {
    const bool leaves = kind == EventKind::Leave || kind == EventKind::Gone;
    if (!leaves && kind != EventKind::Here && kind != EventKind::Enter) return;
    const EventKind shown = leaves ? EventKind::Leave : EventKind::Enter;
    append_id_event(out.text, head(shown), tree().id_of(record));
    return count(shown, out);
  }
  if (kind == EventKind::Gone) {
    append_gone(out.text, head(kind), tree().id_of(record));
  } else {
    append_client_event(out.text, head(kind), sighting, store().record_at(record));
  }
  count(kind, out);
}

void Watch::count(EventKind kind, Output& out) {
  ++place_.shared.counters.events[static_cast<std::size_t>(kind)];
  if (kind == EventKind::Tick || !mutated(Mutant::BeatAmongEvents)) last_event_ = out.now.steady;
}

bool Watch::may_move(bus::RecordIndex record, bus::ChangeNumber number, Output& out) {
  if (every_.count() == 0 || mutated(Mutant::EveryIgnored) || place_.sight.events_only) return true;
  if (moves_ == nullptr) moves_ = std::make_unique<Delays>();
  const auto delay = moves_->find(record);
  if (delay && out.now.steady < delay->due) {
    moves_->put(record, {delay->due, delay->held != 0 ? delay->held : number});
    return false;
  }
  moves_->put(record, {out.now.steady + every_, 0});
  return !end_if_too_many(moves_->size(), out);
}

void Watch::drop_held(bus::RecordIndex record) {
  if (moves_ == nullptr) return;
  if (const auto delay = moves_->find(record)) moves_->put(record, {delay->due, 0});
}

bool Watch::end_if_too_many(std::size_t count, Output& out) {
  const bool is_limited = !mutated(Mutant::MemberLimitIgnored);
  if (is_limited && count > place_.shared.limits.max_members) append_end(out.text, EndReason::TooMany);
  return is_over_;
}

bus::ChangeNumber Watch::position() const {
  return lane_ == Lane::Current ? place_.shared.index.cursor() : cursor_;
}

Version Watch::version_of(bus::RecordIndex record) const {
  const bus::RecordCells::Cell cell = store().packed_at(record);
  const bus::RecordFields fields = bus::unpack_fields(cell.head, cell.body);
  return {fields.epoch, fields.time};
}

}  // namespace herd::node::watches
