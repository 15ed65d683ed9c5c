#include "node/watches/all_watch.hpp"

#include <algorithm>

#include "node/watches/mutants.hpp"
#include "protocol/assert.hpp"

namespace herd::node::watches {

AllWatch::AllWatch(const Place& place, const protocol::Watch& command, bool is_resumed, protocol::Now now)
    : Watch(place, command, is_resumed, now) {
  place.shared.versions.acquire();
  place.shared.all_watches.add(*this);
}

AllWatch::~AllWatch() {
  place().shared.all_watches.remove(*this);
  place().shared.versions.release();
}

bool AllWatch::note(const area::Moved& moved, const Change& change) {
  if (!accepts(moved.record)) return false;
  if (is_current()) {
    HERD_ASSERT(turned_.empty() && tied_.empty());
    marks_ = {};
    is_vague_ = false;
  }
  if (stage_ == Stage::Ready || (stage_ == Stage::List && moved.record < next_)) except(moved.record, change);
  return add_to_feed(moved.number);
}

void AllWatch::caught_up() {
  read_ = 0;
  if (!mutated(Mutant::AllCaughtUpIsDeaf)) place().shared.all_watches.listen(*this);
}

void AllWatch::except(bus::RecordIndex record, const Change& change) {
  if (is_vague_) return;
  switch (change.kind) {
    case ChangeKind::Turn:
      if (mutated(Mutant::AllResetUnnoticed)) break;
      if (turned_.erase(record) == 0) turned_.insert(record);
      tied_.erase(record);
      break;
    case ChangeKind::Later:
      tied_.erase(record);
      break;
    case ChangeKind::Tie:
      if (is_current() || change.former <= std::max(is_open() ? position() : begun_, listed_after(record))) {
        tied_.insert(record);
        if (!mutated(Mutant::AllTieIsDeaf)) place().shared.all_watches.listen(*this);
      }
      break;
    case ChangeKind::Nothing:
      break;
  }
  if (turned_.size() + tied_.size() <= kMaxExceptions) return;
  is_vague_ = true;
  turned_ = {};
  tied_ = {};
}

void AllWatch::judge(bus::RecordIndex record, bus::ChangeNumber number, Output& out) {
  if (number <= listed_after(record) || !accepts(record)) return;
  if (++read_ == Pending::kMost + 1) ++place().shared.counters.conflated;
  const bool is_present = place().shared.versions.is_present(record);
  const bool is_turned = turned_.erase(record) > 0 || is_vague_;
  const bool is_tied = tied_.erase(record) > 0 && !mutated(Mutant::AllTieIsMove);
  if (is_present && !is_turned) {
    if (is_tied || !may_move(record, number, out)) return;
    raise(number);
    return write_event(EventKind::Move, record, std::nullopt, out);
  }
  if (!is_turned) return;  // it was reset, as it was before
  if (!is_present) drop_held(record);
  raise(number);
  write_event(is_present ? EventKind::Enter : EventKind::Gone, record, std::nullopt, out);
}

void AllWatch::write_held(bus::RecordIndex record, Output& out) {
  write_event(EventKind::Move, record, std::nullopt, out);
}

bool AllWatch::open(Output& out) {
  while (!is_open()) {
    if (out.is_full()) return false;
    switch (stage_) {
      case Stage::Begin:
        if (!place().shared.versions.prepare(out.slice)) return false;
        begun_ = resumed_after().value_or(place().shared.index.cursor());
        stage_ = resumed_after() ? Stage::Changes : Stage::List;
        break;
      case Stage::List:
        if (!list(out)) return false;
        stage_ = Stage::Ready;
        break;
      case Stage::Changes:
        if (!write_changes(out)) return false;
        stage_ = Stage::Ready;
        break;
      case Stage::Ready:
        write_ready(begun_, count_, out);
        begin_following(begun_);
        break;
    }
  }
  return true;
}

bool AllWatch::list(Output& out) {
  constexpr bus::RecordIndex kRecordsAtOnce = 64;
  const Versions& versions = place().shared.versions;
  const bus::RecordIndex first = next_;
  for (; next_ < versions.end(); ++next_) {
    if (out.is_full() || (next_ % kRecordsAtOnce == kRecordsAtOnce - 1 && out.slice.is_over())) break;
    if (!versions.is_present(next_) || !accepts(next_)) continue;
    write_event(EventKind::Here, next_, std::nullopt, out);
    ++count_;
  }
  if (next_ > first) {
    const bus::ChangeNumber now = place().shared.index.cursor();
    if (marks_.empty() || marks_.back().number != now) marks_.push_back({next_, now});
    marks_.back().end = next_;
  }
  return next_ == versions.end();
}

// Clients that change while this is read come again at the end of the feed.
bool AllWatch::write_changes(Output& out) {
  constexpr unsigned kRecordsAtOnce = 32;
  bus::Feed::Reader reader = store().feed().read_after(begun_);
  for (unsigned count = 1; const auto entry = reader.next(); ++count) {
    if (out.is_full() || (count % kRecordsAtOnce == 0 && out.slice.is_over())) return false;
    begun_ = entry->number;
    if (!accepts(entry->index)) continue;
    const bool is_present = place().shared.versions.is_present(entry->index);
    write_event(is_present ? EventKind::Here : EventKind::Gone, entry->index, std::nullopt, out);
    if (is_present) ++count_;
  }
  begun_ = place().shared.index.cursor();
  return true;
}

bus::ChangeNumber AllWatch::listed_after(bus::RecordIndex record) const {
  const auto mark = std::upper_bound(marks_.begin(), marks_.end(), record,
                                     [](bus::RecordIndex value, const Mark& one) { return value < one.end; });
  return mark == marks_.end() || mutated(Mutant::AllListedTwice) ? 0 : mark->number;
}

void AllWatch::check_invariants() const {
  HERD_ASSERT(turned_.size() + tied_.size() <= kMaxExceptions);
  HERD_ASSERT(!is_current() || (turned_.empty() && tied_.empty()));
  const bool may_be_deaf = mutated(Mutant::AllCaughtUpIsDeaf) || mutated(Mutant::AllTieIsDeaf);
  HERD_ASSERT(!listens() || is_in_listening_ || may_be_deaf);
  bus::RecordIndex end = 0;
  for (const Mark& mark : marks_) {
    HERD_ASSERT(mark.end > end);
    end = mark.end;
  }
}

}  // namespace herd::node::watches
