// Which changes on disk were superseded in memory, and not yet on disk. A crash now would bring such an old record back
// under its old number; so a link may not let its peer's cursor pass that number without the record that superseded it,
// or the peer would never fetch the old one.
// Pure; owned by the store, used on the loop's thread only.
#pragma once

#include <algorithm>
#include <cstddef>
#include <deque>
#include <utility>

#include "bus/store/feed.hpp"

namespace herd::bus {

class SupersededChanges {
 public:
  struct Entry {
    ChangeNumber old = 0;   // the number on disk, or on its way there
    RecordIndex index = 0;  // the record, which stands under a later number now
  };

  // A record moves on from `old`. What no pass has read was never on disk, and is of no interest.
  void note(ChangeNumber old, RecordIndex index) {
    if (old > read_to_) return;
    entries_.push_back({old, index});
    greatest_since_ = std::max(greatest_since_, old);
  }

  // The journal has begun to write all live changes up to `to`, and will say whether it could.
  void begin_flush(ChangeNumber to) {
    read_to_ = to;
    before_flush_ = entries_.size();
    greatest_before_ = greatest();
    greatest_since_ = 0;
  }

  // It could not: the journal still ends at `to`.
  void flush_failed(ChangeNumber to) {
    read_to_ = to;
    std::erase_if(entries_, [&](const Entry& entry) { return entry.old > to; });
    left_ = std::min(left_, entries_.size());
    end_flush();
  }

  // It could, and had read all that there was: of what was noted before it began, the record is on disk.
  void full_flush_written() {
    entries_.erase(entries_.begin(), entries_.begin() + static_cast<std::ptrdiff_t>(before_flush_));
    left_ = entries_.size();
    greatest_before_ = 0;
    end_flush();
  }

  // It could: what stands at or below `to` now is on disk. `number_of(index)` tells a record's present number. Looks
  // through all that was noted before it began; not to call it leaves entries that links then carry for nothing.
  template <typename NumberOf>
  void flush_durable(ChangeNumber to, NumberOf&& number_of) {
    const auto end = entries_.begin() + static_cast<std::ptrdiff_t>(before_flush_);
    const auto is_kept = [&](const Entry& entry) { return number_of(entry.index) <= to; };
    entries_.erase(std::remove_if(entries_.begin(), end, is_kept), end);
    left_ = entries_.size();
    end_flush();
  }

  // There are twice as many as the last pass has left, and enough to be worth a look.
  [[nodiscard]] bool have_doubled() const { return entries_.size() >= kWorthALook && entries_.size() >= 2 * left_; }

  [[nodiscard]] const std::deque<Entry>& entries() const { return entries_; }

  // No entry's `old` is greater, so that a link whose cursor is past it need not look through them.
  [[nodiscard]] ChangeNumber greatest() const { return std::max(greatest_before_, greatest_since_); }

 private:
  static constexpr std::size_t kWorthALook = 4096;

  void end_flush() {
    before_flush_ = 0;
    greatest_since_ = greatest();  // there is no pass that they could have come before
    greatest_before_ = 0;
  }

  ChangeNumber read_to_ = 0;
  std::size_t before_flush_ = 0;  // how many entries there were when it began
  std::size_t left_ = 0;
  ChangeNumber greatest_before_ = 0;  // of the entries from before the pass, at most
  ChangeNumber greatest_since_ = 0;   // of the others
  std::deque<Entry> entries_;         // at most one for each record and pass; in pieces, so that growing moves none
};

}  // namespace herd::bus
