#include "bus/journal/recovery.hpp"

#include <algorithm>
#include <limits>
#include <string>
#include <utility>
#include <variant>

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

// A crash during the very first write of a journal leaves a part of its first frame. Nothing was acknowledged by then.
bool is_torn_first_frame(std::string_view text) {
  const std::string_view begin = text.substr(0, kFrameMagic.size());
  return text.size() < kMaxRunFrameBytes && kFrameMagic.starts_with(begin);
}

enum class More : std::uint8_t { Yes, No };  // frames follow

// Applies the frames of a journal to a state, in their order.
class Applier {
 public:
  // Both must outlive the applier. `text`: the journal.
  Applier(std::string_view text, RecoveredState& state) : text_(text), state_(&state) {}

  [[nodiscard]] bool has_run() const { return has_run_; }

  Result<More> operator()(const RunFrame& run) {
    if (run.feed_id != state_->run.feed_id) state_->runs = {};
    has_run_ = true;
    state_->run = {run.feed_id, std::max(state_->run.base, run.base)};
    state_->runs.begin({run.incarnation, state_->run.base});
    return More::Yes;
  }
  Result<More> operator()(const RecordsFrame& records) {
    if (!has_run_) return not_a_journal();
    if (!restore(records, state_->store)) return fail("its records are invalid or out of order");
    state_->records += records.records.size();
    return More::Yes;
  }
  Result<More> operator()(const MarkFrame& mark) {
    if (!has_run_) return not_a_journal();
    state_->cursors = mark.cursors;
    return More::Yes;
  }
  Result<More> operator()(const FramesEnd& end) {
    if (!has_run_ && !is_torn_first_frame(text_)) return not_a_journal();
    state_->valid_bytes = mutated(Mutant::TornTailStays) ? text_.size() : end.valid_bytes;
    state_->sequence = end.sequence;
    return More::No;
  }
  Result<More> operator()(const FramesDamaged& damage) {
    return fail("it is damaged at byte " + std::to_string(damage.offset) + ", before records that can be read");
  }

 private:
  static tl::unexpected<protocol::Error> not_a_journal() { return fail("it does not begin like a journal"); }

  std::string_view text_;
  RecoveredState* state_;
  bool has_run_ = false;
};

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
  Applier applier(text, state);
  FrameReader reader(text);
  for (Result<More> more = More::Yes; *more == More::Yes;) {
    more = std::visit(applier, reader.next());
    if (!more) return tl::unexpected(std::move(more.error()));
  }
  if (applier.has_run()) {
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
