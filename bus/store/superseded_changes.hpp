// The changes that are in the journal, and superseded in the store by changes that are not yet in the journal.
//
// Why links need them: client C has change 5 in the journal. C reports again and gets change 9, and the feed no longer
// contains 5. If the node crashes now, recovery brings C back with change 5. If a peer's cursor passed 5 before the
// crash, without receiving change 9, the peer would never fetch it. So a link lets a cursor pass the number of an entry
// only together with the record that superseded it (docs/PROTOCOL.md, rule 13).
//
// A flush of the journal calls begin_flush(), and when it ends, exactly one of flush_failed(), full_flush_written() and
// flush_durable(); the last may be left out for a flush that did not reach the tail. At start, recovery calls
// begin_flush() for what the journal contains. Pure; owned by the store, used on the loop's thread only.
#pragma once

#include <algorithm>
#include <cstddef>
#include <deque>
#include <utility>

#include "bus/store/feed.hpp"
#include "protocol/assert.hpp"

namespace herd::bus {

class SupersededChanges {
 public:
  struct Entry {
    ChangeNumber old = 0;   // the record's number in the journal, or in the flush that is being written
    RecordIndex index = 0;  // the record, which has a higher number in the feed now
  };

  // A newer change superseded the change `old` of a record. Ignored if no flush has read `old`: then it was never on
  // disk.
  void note(ChangeNumber old, RecordIndex index) {
    if (old > read_to_) return;
    entries_.push_back({old, index});
    greatest_since_ = std::max(greatest_since_, old);
  }

  // A flush has begun that writes all live changes up to `to`.
  void begin_flush(ChangeNumber to) {
    read_to_ = to;
    before_flush_ = entries_.size();
    greatest_before_ = greatest();
    greatest_since_ = 0;
  }

  // The flush failed: the journal still ends at change `to`.
  void flush_failed(ChangeNumber to) {
    read_to_ = to;
    std::erase_if(entries_, [&](const Entry& entry) { return entry.old > to; });
    left_ = std::min(left_, entries_.size());
    end_flush();
  }

  // The flush is on disk, and it had read the feed to its tail. So the newer records of all entries from before its
  // begin are on disk, and these entries are dropped.
  void full_flush_written() {
    entries_.erase(entries_.begin(), entries_.begin() + static_cast<std::ptrdiff_t>(before_flush_));
    left_ = entries_.size();
    greatest_before_ = 0;
    end_flush();
  }

  // The flush is on disk but did not reach the tail: records with a present number of at most `to` are on disk.
  // `number_of(index)` returns a record's present number. Visits all entries from before the flush began. If the call
  // is left out, entries remain for which links send records without need.
  template <typename NumberOf>
  void flush_durable(ChangeNumber to, NumberOf&& number_of) {
    const auto end = entries_.begin() + static_cast<std::ptrdiff_t>(before_flush_);
    const auto is_durable = [&](const Entry& entry) { return number_of(entry.index) <= to; };
    entries_.erase(std::remove_if(entries_.begin(), end, is_durable), end);
    left_ = entries_.size();
    end_flush();
  }

  // Whether there are twice as many entries as after the last flush, and at least kWorthALook: flush_durable() then
  // pays.
  [[nodiscard]] bool have_doubled() const { return entries_.size() >= kWorthALook && entries_.size() >= 2 * left_; }

  [[nodiscard]] const std::deque<Entry>& entries() const { return entries_; }

  // An upper bound of all entries' `old`. If a link's cursor is at or past it, the link need not read the entries.
  [[nodiscard]] ChangeNumber greatest() const { return std::max(greatest_before_, greatest_since_); }

  // Asserts that the entries are within the bounds, and superseded. `number_of`: as in flush_durable(). O(entries).
  template <typename NumberOf>
  void check_invariants(NumberOf&& number_of) const {
    HERD_ASSERT(before_flush_ <= entries_.size() && left_ <= entries_.size());
    for (const Entry& entry : entries_) {
      HERD_ASSERT(entry.old <= read_to_ && entry.old <= greatest() && entry.old < number_of(entry.index));
    }
  }

 private:
  static constexpr std::size_t kWorthALook = 4096;

  void end_flush() {
    before_flush_ = 0;
    greatest_since_ = greatest();  // without a flush, all entries count as noted since it began
    greatest_before_ = 0;
  }

  ChangeNumber read_to_ = 0;          // up to which change flushes have read the feed
  std::size_t before_flush_ = 0;      // entries when the present flush began
  std::size_t left_ = 0;              // entries after the last flush
  ChangeNumber greatest_before_ = 0;  // upper bound of `old` of the entries from before the present flush
  ChangeNumber greatest_since_ = 0;   // the same for the other entries
  std::deque<Entry> entries_;         // at most one for each record and flush; growing a deque moves none
};

}  // namespace herd::bus
