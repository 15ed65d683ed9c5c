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

// Puts the records of one frame into the store under their old numbers.
bool restore(const RecordsFrame& frame, Store& store) {
  for (const JournalRecord& record : frame.records) {
    protocol::Update update = record.update;
    update.id.run = 0;
    if (record.number <= store.feed().tail() || !read_texts(update)) return false;
    store.skip_to(record.number - 1);
    if (store.merge(update, kFromClient) == Store::Merged::Unchanged) return false;  // a journal only rises
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
  RecoveredState memory = empty_state(feed_id, hash_seed);
  FrameReader reader(text);
  bool lived = false;
  const auto damaged = [](std::size_t offset) {
    return fail("it is damaged at byte " + std::to_string(offset) + ", in front of records that can be read");
  };
  for (;;) {
    const Frame frame = reader.next();
    if (const auto* end = std::get_if<FramesEnd>(&frame)) {
      if (!lived && end->valid_bytes < text.size()) return fail("it does not begin like a journal");
      memory.valid_bytes = mutated(Mutant::TornTailStays) ? text.size() : end->valid_bytes;
      memory.sequence = end->sequence;
      break;
    }
    if (const auto* damage = std::get_if<FramesDamaged>(&frame)) return damaged(damage->offset);
    if (const auto* run = std::get_if<RunFrame>(&frame)) {
      if (run->feed_id != memory.run.feed_id) memory.runs = {};
      lived = true;
      memory.run = {run->feed_id, std::max(memory.run.base, run->base)};
      memory.runs.begin({run->incarnation, memory.run.base});
    } else if (!lived) {
      return fail("it does not begin like a journal");
    } else if (const auto* records = std::get_if<RecordsFrame>(&frame)) {
      if (!restore(*records, memory.store)) return fail("its records are not those of one feed");
      memory.records += records->records.size();
    } else if (const auto* mark = std::get_if<MarkFrame>(&frame)) {
      memory.cursors = mark->cursors;
    }
  }
  if (lived) {
    const ChangeNumber last = std::max(memory.run.base, memory.store.feed().tail());
    if (last > std::numeric_limits<ChangeNumber>::max() - 2 * kRunGap) return fail("its change numbers are used up");
    memory.run.base = last + (mutated(Mutant::NoRunGap) ? 0 : kRunGap);
  }
  memory.store.skip_to(memory.run.base);
  memory.cursor = memory.run.base;
  if (mutated(Mutant::RecoveredCountsAsUnwritten)) return memory;
  memory.store.superseded().begin_flush(memory.cursor);  // all of it is on disk, and would come back
  return memory;
}

}  // namespace herd::bus
