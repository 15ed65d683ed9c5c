#include "bus/journal/journal_planner.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "bus/store/mutants.hpp"
#include "protocol/assert.hpp"

namespace herd::bus {
namespace {

constexpr std::size_t kAll = std::numeric_limits<std::size_t>::max();
constexpr std::size_t kUsualRecordBytes = 96;  // in the journal; a wrong guess costs a copy, or room for a moment

}  // namespace

std::string Keeper::begin_life() {
  std::string bytes;
  if (mutated(Mutant::JumpNotWritten) && writer_.sequence() > 0) return bytes;
  writer_.life(bytes, life_);
  return bytes;
}

void Keeper::renew(LifeFrame life) {
  life_ = life;
  runs_ = {};
  runs_.begin({life.incarnation, life.base});
  life_due_ = copy_life_due_ = !mutated(Mutant::RenewalNotWritten);
}

void Keeper::begin(Store& store, ChangeNumber to, bool complete) {
  HERD_ASSERT(!in_pass_);
  in_pass_ = true;
  pass_.to = to;
  pass_.complete = complete;
  if (mutated(Mutant::PassCountsWhenBegun) && complete) kept_ = to;
  store.displaced().begin_pass(to);
}

std::string Keeper::begin_pass(Store& store, const std::vector<PeerCursor>& cursors) {
  pass_ = {};
  pass_.sequence_before = writer_.sequence();
  const ChangeNumber tail = store.feed().tail();
  const std::size_t backlog = std::min<ChangeNumber>(tail - cursor_, store.size());
  const std::size_t most = std::max(limits_.records_a_pass, grown_);
  std::string bytes;
  bytes.reserve(kUsualRecordBytes * std::min(backlog, most));
  if (life_due_) writer_.life(bytes, life_);
  pass_.has_life = std::exchange(life_due_, false);
  Feed::Reader reader = store.feed().read_after(cursor_);
  const ChangeNumber last = writer_.records(bytes, reader, store, most);
  const bool complete = last == tail || last == 0 || !reader.next();
  grown_ = complete ? 0 : std::min(2 * most, kMostRecordsAPass);
  if (complete) {
    writer_.mark(bytes, {tail, cursors});
    pass_.cursors = cursors;
  }
  begin(store, complete ? tail : last, complete);
  return bytes;
}

std::vector<PeerCursor> Keeper::pass_written(Store& store) {
  HERD_ASSERT(in_pass_);
  in_pass_ = false;
  if (pass_.of_copy) {
    writer_ = copy_writer_;
    copying_ = false;
    life_due_ = copy_life_due_;
  }
  cursor_ = pass_.to;
  if (pass_.complete) {
    store.displaced().whole_pass_kept();
  } else if (store.displaced().have_doubled()) {  // of many short passes not each one looks through them all
    store.displaced().pass_kept(pass_.to, [&](RecordIndex index) { return store.number_of(index); });
  }
  if (!pass_.complete && !mutated(Mutant::BoundedReadCounts)) return {};
  kept_ = pass_.to;
  marked_ = pass_.cursors;
  return std::exchange(pass_.cursors, {});
}

void Keeper::pass_failed(Store& store) {
  HERD_ASSERT(in_pass_);
  if (mutated(Mutant::FailedPassCounts)) {
    (void)pass_written(store);
    return;
  }
  in_pass_ = false;
  life_due_ = life_due_ || pass_.has_life;
  if (mutated(Mutant::FailedPassNotReadAgain)) cursor_ = pass_.to;
  if (pass_.of_copy) {
    copying_ = false;
  } else if (!mutated(Mutant::WritesBehindFailedPass)) {
    writer_.rewind(pass_.sequence_before);
  }
  store.displaced().pass_failed(cursor_);
}

std::string Keeper::begin_copy() {
  copying_ = true;
  copy_cursor_ = 0;
  copy_writer_ = FrameWriter();
  std::string bytes;
  copy_life_due_ = false;
  for (const Run& run : runs_.list()) {
    const bool left_out = run.incarnation != life_.incarnation && mutated(Mutant::CopyForgetsRuns);
    if (!left_out) copy_writer_.life(bytes, {life_.feed_id, run.base, run.incarnation});
  }
  return bytes;
}

std::string Keeper::copy_piece(const Store& store) {
  std::string bytes;
  Feed::Reader ahead = store.feed().read_after(copy_cursor_);
  for (std::size_t count = 0; count < limits_.records_a_piece; ++count) {
    if (!ahead.next()) return bytes;  // little is left
  }
  Feed::Reader reader = store.feed().read_after(copy_cursor_);
  copy_cursor_ = copy_writer_.records(bytes, reader, store, limits_.records_a_piece);
  return bytes;
}

std::string Keeper::finish_copy(Store& store, const std::vector<PeerCursor>& cursors) {
  pass_ = {};
  pass_.of_copy = true;
  pass_.cursors = cursors;
  std::string bytes;
  if (std::exchange(copy_life_due_, false)) copy_writer_.life(bytes, life_);
  Feed::Reader reader = store.feed().read_after(copy_cursor_);
  (void)copy_writer_.records(bytes, reader, store, kAll);
  copy_writer_.mark(bytes, {store.feed().tail(), cursors});
  begin(store, store.feed().tail(), true);
  return bytes;
}

}  // namespace herd::bus
