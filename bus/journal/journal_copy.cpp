#include "bus/journal/journal_copy.hpp"

#include <utility>

namespace herd::bus {
namespace {

constexpr std::size_t kRecordsPerPiece = 2'048;  // 128 KiB with ids of usual length

}  // namespace

JournalCopy::JournalCopy(const RecoveredState& state, std::string node, protocol::Nanoseconds made)
    : state_(state), frame_{std::move(node), made, state.store.size(), state.store.digest()} {}

std::string JournalCopy::next() {
  std::string bytes;
  if (part_ == Part::Done) return bytes;
  if (part_ == Part::Begin) {
    part_ = Part::Records;
    writer_.run(bytes, {state_.run.feed_id, state_.run.base, 0});  // no position may name a run of the former feed
    writer_.copy(bytes, frame_);
    return bytes;
  }
  Feed::Reader reader = state_.store.feed().read_after(cursor_);
  const ChangeNumber last = writer_.records(bytes, reader, state_.store, kRecordsPerPiece);
  if (last != 0) {
    cursor_ = last;
    return bytes;
  }
  part_ = Part::Done;
  writer_.mark(bytes, {state_.store.feed().tail(), state_.cursors});
  return bytes;
}

}  // namespace herd::bus
