#include "bus/journal/recovery.hpp"

#include <algorithm>
#include <limits>
#include <string>
#include <utility>
#include <variant>

#include "bus/store/mutants.hpp"
#include "bus/store/update_texts.hpp"
#include "protocol/result.hpp"

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
  if (text.size() >= kMaxRunFrameBytes) return false;
  const std::string_view begin = text.substr(0, kFrameMagic.size());
  for (unsigned format = kOldestJournalFormat; format <= kJournalFormat; ++format) {
    if (magic_of(format).starts_with(begin)) return true;
  }
  return false;
}

enum class More : std::uint8_t { Yes, No };  // frames follow

// Applies the frames of a journal to a state, in their order.
class Applier {
 public:
  // Both must outlive the applier. `text`: the journal.
  Applier(std::string_view text, RecoveredState& state) : text_(text), state_(&state) {}

  [[nodiscard]] bool has_run() const { return has_run_; }
  [[nodiscard]] bool is_of_another_release() const { return is_of_another_release_; }

  Result<More> operator()(const RunFrame& run) {
    if (is_incomplete_copy()) return incomplete_copy();
    if (run.feed_id != state_->run.feed_id) {
      state_->runs = {};
      state_->copy.reset();  // a node has continued it in a feed of its own
    }
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
    if (is_incomplete_copy()) {
      const Store& store = state_->store;
      if (store.size() != state_->copy->clients || store.digest() != state_->copy->digest)
        return fail("it is a copy of a journal, and its records are not those that were copied");
    }
    is_whole_ = true;
    return More::Yes;
  }
  Result<More> operator()(const CopyFrame& copy) {
    if (!has_run_ || state_->copy || state_->records > 0) return not_a_journal();
    state_->copy = copy;
    is_whole_ = false;
    return More::Yes;
  }
  Result<More> operator()(const FramesEnd& end) {
    if (!has_run_ && !is_torn_first_frame(text_)) return not_a_journal();
    if (is_incomplete_copy()) return incomplete_copy();
    state_->valid_bytes = mutated(Mutant::TornTailStays) ? text_.size() : end.valid_bytes;
    state_->sequence = end.sequence;
    return More::No;
  }
  Result<More> operator()(const FramesDamaged& damage) {
    return fail("it is damaged at byte " + std::to_string(damage.offset) + ", before records that can be read");
  }
  Result<More> operator()(const FramesForeign& foreign) {
    is_of_another_release_ = true;
    return fail(std::string("it was written by ") + (foreign.format > kJournalFormat ? "a newer" : "an older") +
                " release of herd, in format " + magic_of(foreign.format) + " (this release reads " +
                magic_of(kOldestJournalFormat) + " to " + magic_of(kJournalFormat) + ")");
  }

 private:
  static tl::unexpected<protocol::Error> not_a_journal() { return fail("it does not begin like a journal"); }
  static tl::unexpected<protocol::Error> incomplete_copy() {
    return fail("it is a copy of a journal, and its end is missing");
  }
  // Whether it is a copy of which the first mark, and so its last record, was not read yet.
  [[nodiscard]] bool is_incomplete_copy() const {
    return state_->copy && !is_whole_ && !mutated(Mutant::IncompleteCopyCounts);
  }

  std::string_view text_;
  RecoveredState* state_;
  bool has_run_ = false;
  bool is_whole_ = false;  // of a copy: its records are complete
  bool is_of_another_release_ = false;
};

}  // namespace

RecoveredState empty_state(std::uint64_t feed_id, std::uint64_t hash_seed) {
  if (mutated(Mutant::FeedOutlivesJournal)) feed_id = 1;
  return RecoveredState{Store(hash_seed), RunFrame{feed_id, 0}, {}, 0, {}, 0, 0, 0, {}};
}

tl::expected<RecoveredState, RecoveryError> recover(std::string_view text, std::uint64_t feed_id,
                                                    std::uint64_t hash_seed) {
  RecoveredState state = empty_state(feed_id, hash_seed);
  Applier applier(text, state);
  FrameReader reader(text);
  for (Result<More> more = More::Yes; *more == More::Yes;) {
    more = std::visit(applier, reader.next());
    if (!more) {
      return tl::unexpected(RecoveryError{std::move(more.error().message), applier.is_of_another_release()});
    }
  }
  // The number space of a copy belongs to the node that continues the original.
  if (state.copy && !mutated(Mutant::CopyKeepsFeedId)) {
    state.run.feed_id = feed_id;
    state.runs = {};
  }
  if (applier.has_run()) {
    const ChangeNumber last = std::max(state.run.base, state.store.feed().tail());
    if (last > std::numeric_limits<ChangeNumber>::max() - 2 * kRunGap) {
      return tl::unexpected(RecoveryError{"its change numbers are used up"});
    }
    state.run.base = last + (mutated(Mutant::NoRunGap) ? 0 : kRunGap);
  }
  state.store.skip_to(state.run.base);
  state.cursor = state.run.base;
  if (mutated(Mutant::RecoveredCountsAsUnwritten)) return state;
  state.store.superseded().begin_flush(state.cursor);  // all of it is on disk: after a crash it would be recovered
  return state;
}

}  // namespace herd::bus
