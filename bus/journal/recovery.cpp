#include "bus/journal/recovery.hpp"

#include <algorithm>
#include <limits>
#include <string>
#include <utility>

#include "bus/store/mutants.hpp"
#include "bus/store/update_texts.hpp"

namespace herd::bus {

using protocol::fail;
using protocol::Result;

namespace {

// Puts the records of one frame into the store, with their change numbers. False if they are invalid or out of order.
bool restore(const RecordsFrame& frame, Store& store) {
  for (const JournalRecord& record : frame.records) {
    protocol::Update update = record.update;
    update.id.run = 0;
    if (record.number <= store.feed().tail() || !read_texts(update)) return false;
    store.skip_to(record.number - 1);
    if (store.merge(update, kFromClient) == Store::Merged::Unchanged)
      return false;  // in a journal each record of a client is greater than those before
  }
  return true;
}

}  // namespace

RecoveredState empty_state(std::uint64_t feed_id, std::uint64_t hash_seed) {
  if (mutated(Mutant::FeedOutlivesJournal)) feed_id = 1;
  return RecoveredState{Store(hash_seed), RunFrame{feed_id, 0}, {}, 0, {}, 0, 0, 0};
}

bool is_of_another_release(std::string_view text) {
  constexpr std::size_t kNameBytes = 2;  // the rest of the magic is the version
  return text.size() >= kFrameMagic.size() && text.substr(0, kNameBytes) == kFrameMagic.substr(0, kNameBytes) &&
         !text.starts_with(kFrameMagic);
}

Result<RecoveredState> recover(std::string_view text, std::uint64_t feed_id, std::uint64_t hash_seed) {
  RecoveredState state = empty_state(feed_id, hash_seed);
  FrameReader reader(text);
  bool has_run = false;
  const auto damaged = [](std::size_t offset) {
    return fail("it is damaged at byte " + std::to_string(offset) + ", before records that can be read");
  };
  for (;;) {
    const Frame frame = reader.next();
    if (const auto* end = std::get_if<FramesEnd>(&frame)) {
      if (!has_run && end->valid_bytes < text.size()) return fail("it does not begin like a journal");
      state.valid_bytes = mutated(Mutant::TornTailStays) ? text.size() : end->valid_bytes;
      state.sequence = end->sequence;
      break;
    }
    if (const auto* damage = std::get_if<FramesDamaged>(&frame)) return damaged(damage->offset);
    if (const auto* run = std::get_if<RunFrame>(&frame)) {
      if (run->feed_id != state.run.feed_id) state.runs = {};
      has_run = true;
      state.run = {run->feed_id, std::max(state.run.base, run->base)};
      state.runs.begin({run->incarnation, state.run.base});
    } else if (!has_run) {
      return fail("it does not begin like a journal");
    } else if (const auto* records = std::get_if<RecordsFrame>(&frame)) {
      if (!restore(*records, state.store)) return fail("its records are invalid or out of order");
      state.records += records->records.size();
    } else if (const auto* mark = std::get_if<MarkFrame>(&frame)) {
      state.cursors = mark->cursors;
    }
  }
  if (has_run) {
    const ChangeNumber last = std::max(state.run.base, state.store.feed().tail());
    if (last > std::numeric_limits<ChangeNumber>::max() - 2 * kRunGap) return fail("its change numbers are used up");
    state.run.base = last + (mutated(Mutant::NoRunGap) ? 0 : kRunGap);
  }
  state.store.skip_to(state.run.base);
  state.cursor = state.run.base;
  if (mutated(Mutant::RecoveredCountsAsUnwritten)) return state;
  state.store.superseded().begin_flush(state.cursor);  // all of it is on disk: after a crash it would be recovered
  return state;
}

}  // namespace herd::bus
