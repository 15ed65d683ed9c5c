// The feed: the sequence of the store's changes. Each change of a record appends an entry (change number, record index)
// with the next number, and retires the former entry of that record. So the feed has exactly one live entry per record,
// ordered by the last change of each, the newest last.
//
// A reader (a link, the journal) holds one integer, its cursor: "all changes up to and including this number are done".
// It continues with read_after(cursor). It sees each record that changed since, once, at its newest change; superseded
// changes do not appear. The feed does not know its readers, and a slow reader costs no memory.
//
//   Feed feed;                // tail 0
//   feed.append(a);           // 1: a
//   feed.append(b);           // 1: a   2: b
//   feed.retire(1);           // a changes again:
//   feed.append(a);           // 2: b   3: a
//   feed.read_after(0);       // gives 2: b, then 3: a
//   feed.read_after(2);       // gives 3: a
//
// Change numbers rise by 1, except for the gaps of skip_to(), and are never given out twice.
//
// Memory: entries lie in append-only segments. retire() marks an entry as stale; a segment with many stale entries
// drops them. So memory and the cost of reading depend on the number of records, not on how often they changed.
// append() and retire() take constant time on average; sometimes one of them also rewrites one segment.
// Pure; owned by the store, used on the loop's thread only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <vector>

#include "bus/store/record.hpp"

namespace herd::bus {

// Index of a record in the store. It never changes, as records are neither moved nor deleted.
using RecordIndex = std::uint32_t;

class Feed {
 public:
  struct Entry {
    ChangeNumber number = 0;
    RecordIndex index = 0;
  };

  // The first change gets the number base + 1.
  explicit Feed(ChangeNumber base = 0) : tail_(base) {}

  // Appends a change of the record `index` and returns its number, the new tail. The record must not have a live entry:
  // retire() it first. append() does not check this.
  ChangeNumber append(RecordIndex index);

  // Continues numbering after `base`, because an earlier run may have given out the numbers up to it. `base` must not
  // be below tail(): that fails an assertion. The gap costs no memory.
  void skip_to(ChangeNumber base);

  // Removes the entry with this number, because its record changes again. A number without a live entry fails an
  // assertion.
  void retire(ChangeNumber number);

  // A hint to the processor: a retire() of this number follows soon.
  void prefetch(ChangeNumber number) const;

  // The highest change number given out, or skipped; initially the base.
  [[nodiscard]] ChangeNumber tail() const { return tail_; }

  // Live entries, which is the number of records.
  [[nodiscard]] std::size_t size() const { return live_; }

  // Entries in memory, stale ones included: at most about four times size(), plus two segments. An entry takes 4 bytes
  // in segments without gaps between numbers, and 8 bytes in others, where at least about half of the entries are live.
  [[nodiscard]] std::size_t held() const { return held_; }

  // Reads the live entries in the order of their numbers. Valid until any append() or retire(); to continue later,
  // remember the last number as a cursor.
  class Reader {
   public:
    // The next live entry, or nullopt at the tail.
    [[nodiscard]] std::optional<Entry> next();

   private:
    friend class Feed;
    Reader(const Feed& feed, std::size_t segment, std::size_t offset)
        : feed_(&feed), segment_(segment), offset_(offset) {}
    const Feed* feed_;
    std::size_t segment_;
    std::size_t offset_;
  };
  // A reader of all live entries with numbers above `cursor`, which may be any number; at or above the tail there are
  // none.
  [[nodiscard]] Reader read_after(ChangeNumber cursor) const;

  // The number of entries that read_after(cursor) gives. Reads the entries of at most one segment, and a counter of
  // each later segment, so a reader near the tail costs least.
  [[nodiscard]] std::size_t count_after(ChangeNumber cursor) const;

  // Asserts that the change numbers rise, and that the counts are those of the entries. O(entries in memory).
  void check_invariants() const;

 private:
  static constexpr std::size_t kSegmentEntries = 4096;  // up to 32 KiB: shrinking one takes far less than 1 ms
  static constexpr RecordIndex kStale = std::numeric_limits<RecordIndex>::max();

  struct Segment {
    ChangeNumber first = 0;            // the number of its first entry when the segment began; none is lower
    std::size_t live = 0;              // entries that are not stale
    std::vector<RecordIndex> indexes;  // in the order of their numbers; kStale for stale entries
    std::vector<std::uint32_t> steps;  // each entry's number minus `first`; empty if that is its offset in `indexes`

    [[nodiscard]] ChangeNumber number_at(std::size_t offset) const {
      return first + (steps.empty() ? offset : steps[offset]);
    }
    // The approximate offset of `number`, at most indexes.size(); exact without `steps`.
    [[nodiscard]] std::size_t guess_of(ChangeNumber number) const;
    // The offset of the first entry with a number of at least `number`; indexes.size() if there is none.
    [[nodiscard]] std::size_t offset_of(ChangeNumber number) const;
    // Whether dropping the stale entries would at least halve its memory.
    [[nodiscard]] bool is_stale() const { return live * (steps.empty() ? 4 : 2) < indexes.size(); }
    void write_steps();
    void drop_stale();
  };

  [[nodiscard]] std::size_t segment_of(ChangeNumber number) const;  // position of the last segment with first <= number
  [[nodiscard]] Segment& segment_for(ChangeNumber number);          // where to append this number
  void shrink(std::size_t position);

  std::vector<std::unique_ptr<Segment>> segments_;
  std::vector<ChangeNumber> firsts_;  // `first` of all segments, in one array for the search
  ChangeNumber tail_;
  std::size_t live_ = 0;  // live entries of all segments
  std::size_t held_ = 0;  // all entries of all segments
};

}  // namespace herd::bus
