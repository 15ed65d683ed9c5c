#include "bus/journal/journal_planner.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "bus/store/mutants.hpp"
#include "protocol/assert.hpp"

namespace herd::bus {
namespace {

constexpr std::size_t kAll = std::numeric_limits<std::size_t>::max();
constexpr std::size_t kUsualRecordBytes =
    96;  // estimate, in the journal; too low costs a reallocation, too high unused memory

}  // namespace

std::string JournalPlanner::begin_run() {
  std::string bytes;
  if (mutated(Mutant::RunGapNotWritten) && writer_.sequence() > 0) return bytes;
  writer_.run(bytes, run_);
  return bytes;
}

void JournalPlanner::renew(RunFrame run) {
  run_ = run;
  runs_ = {};
  runs_.begin({run.incarnation, run.base});
  run_due_ = compaction_run_due_ = !mutated(Mutant::RenewalNotWritten);
}

void JournalPlanner::begin(Store& store, ChangeNumber to, bool complete) {
  HERD_ASSERT(!in_flush_);
  in_flush_ = true;
  flush_.to = to;
  flush_.complete = complete;
  if (mutated(Mutant::FlushCountsWhenBegun) && complete) durable_ = to;
  store.superseded().begin_flush(to);
}

std::string JournalPlanner::begin_flush(Store& store, const std::vector<PeerCursor>& cursors) {
  flush_ = {};
  flush_.sequence_before = writer_.sequence();
  const ChangeNumber tail = store.feed().tail();
  const std::size_t backlog = std::min<ChangeNumber>(tail - cursor_, store.size());
  const std::size_t most = std::max(limits_.records_per_flush, grown_);
  std::string bytes;
  bytes.reserve(kUsualRecordBytes * std::min(backlog, most));
  if (run_due_) writer_.run(bytes, run_);
  flush_.has_run = std::exchange(run_due_, false);
  Feed::Reader reader = store.feed().read_after(cursor_);
  const ChangeNumber last = writer_.records(bytes, reader, store, most);
  const bool complete = last == tail || last == 0 || !reader.next();
  grown_ = complete ? 0 : std::min(2 * most, kMaxRecordsPerFlush);
  if (complete) {
    writer_.mark(bytes, {tail, cursors});
    flush_.cursors = cursors;
  }
  begin(store, complete ? tail : last, complete);
  return bytes;
}

std::vector<PeerCursor> JournalPlanner::flush_written(Store& store) {
  HERD_ASSERT(in_flush_);
  in_flush_ = false;
  if (flush_.is_compaction) {
    writer_ = compaction_writer_;
    compacting_ = false;
    run_due_ = compaction_run_due_;
  }
  cursor_ = flush_.to;
  if (flush_.complete) {
    store.superseded().full_flush_written();
  } else if (store.superseded().have_doubled()) {  // not after each of many short flushes: it visits all entries
    store.superseded().flush_durable(flush_.to, [&](RecordIndex index) { return store.number_of(index); });
  }
  if (!flush_.complete && !mutated(Mutant::BoundedReadCounts)) return {};
  durable_ = flush_.to;
  marked_ = flush_.cursors;
  return std::exchange(flush_.cursors, {});
}

void JournalPlanner::flush_failed(Store& store) {
  HERD_ASSERT(in_flush_);
  if (mutated(Mutant::FailedFlushCounts)) {
    (void)flush_written(store);
    return;
  }
  in_flush_ = false;
  run_due_ = run_due_ || flush_.has_run;
  if (mutated(Mutant::FailedFlushNotReadAgain)) cursor_ = flush_.to;
  if (flush_.is_compaction) {
    compacting_ = false;
  } else if (!mutated(Mutant::WritesAfterFailedFlush)) {
    writer_.rewind(flush_.sequence_before);
  }
  store.superseded().flush_failed(cursor_);
}

std::string JournalPlanner::begin_compaction() {
  compacting_ = true;
  compaction_tail_ = 0;
  chunk_records_ = limits_.records_per_chunk;
  compaction_cursor_ = 0;
  compaction_writer_ = FrameWriter();
  std::string bytes;
  compaction_run_due_ = false;
  for (const Run& run : runs_.list()) {
    const bool left_out = run.incarnation != run_.incarnation && mutated(Mutant::CompactionForgetsRuns);
    if (!left_out) compaction_writer_.run(bytes, {run_.feed_id, run.base, run.incarnation});
  }
  return bytes;
}

std::string JournalPlanner::compaction_chunk(const Store& store) {
  std::string bytes;
  if (compaction_tail_ == 0) compaction_tail_ = store.feed().tail();
  Feed::Reader probe = store.feed().read_after(compaction_cursor_);
  for (std::size_t count = 0; count < chunk_records_; ++count) {
    if (!probe.next()) return bytes;  // less than one piece is left
  }
  Feed::Reader reader = store.feed().read_after(compaction_cursor_);
  compaction_cursor_ = compaction_writer_.records(bytes, reader, store, chunk_records_);
  // All that the feed contained at the beginning is written. From here on the pieces must catch up with new changes.
  if (compaction_cursor_ >= compaction_tail_) chunk_records_ = std::min(2 * chunk_records_, kMaxRecordsPerFlush);
  return bytes;
}

std::string JournalPlanner::finish_compaction(Store& store, const std::vector<PeerCursor>& cursors) {
  flush_ = {};
  flush_.is_compaction = true;
  flush_.cursors = cursors;
  std::string bytes;
  if (std::exchange(compaction_run_due_, false)) compaction_writer_.run(bytes, run_);
  Feed::Reader reader = store.feed().read_after(compaction_cursor_);
  (void)compaction_writer_.records(bytes, reader, store, kAll);
  compaction_writer_.mark(bytes, {store.feed().tail(), cursors});
  begin(store, store.feed().tail(), true);
  return bytes;
}

}  // namespace herd::bus
