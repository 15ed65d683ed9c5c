// The change feed: which record changed last, as a sequence of change numbers. A record stands in it once, under the
// number of its latest change; whoever wants to know what changed keeps one integer, a cursor, and reads on from there.
// Pure; owned by the store, used on the loop's thread only.
//
// Numbers lie in append-only segments. A superseded entry is marked stale, and a segment with many of those is
// squeezed, so memory and reading cost depend on the number of records, not on how long or how often they moved.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <vector>

#include "bus/store/record.hpp"

namespace herd::bus {

// Where a record lies in the store; stable while the record exists.
using RecordIndex = std::uint32_t;

class Feed {
 public:
  struct Entry {
    ChangeNumber number = 0;
    RecordIndex index = 0;
  };

  // The first number given out is base + 1.
  explicit Feed(ChangeNumber base = 0) : tail_(base) {}

  // Gives `index` the next number, which is returned.
  ChangeNumber append(RecordIndex index);

  // Numbers up to `base` are not given out: they were in another life. Not below the tail.
  void skip_to(ChangeNumber base);

  // The record that stood at `number` has moved on. The number must be live.
  void retire(ChangeNumber number);

  // A hint: the number is going to be retired.
  void prefetch(ChangeNumber number) const;

  // The last number given out, or the base.
  [[nodiscard]] ChangeNumber tail() const { return tail_; }

  // Live entries: one for each record.
  [[nodiscard]] std::size_t size() const { return live_; }

  // Entries held, stale ones included: at most about four times size(), and two segments. An entry takes 4 bytes where
  // numbers follow each other without a gap; elsewhere 8, but then about half of them are live.
  [[nodiscard]] std::size_t held() const { return held_; }

  // Reads live entries in order, beginning behind a cursor. Good until the feed is next changed.
  class Reader {
   public:
    // The next live entry, or nothing at the tail.
    [[nodiscard]] std::optional<Entry> next();

   private:
    friend class Feed;
    Reader(const Feed& feed, std::size_t segment, std::size_t offset)
        : feed_(&feed), segment_(segment), offset_(offset) {}
    const Feed* feed_;
    std::size_t segment_;
    std::size_t offset_;
  };
  [[nodiscard]] Reader read_after(ChangeNumber cursor) const;

 private:
  static constexpr std::size_t kSegmentEntries = 4096;  // 32 KiB: squeezing one stays far below a millisecond
  static constexpr RecordIndex kStale = std::numeric_limits<RecordIndex>::max();

  struct Segment {
    ChangeNumber first = 0;  // no entry has a lower number
    std::size_t live = 0;
    std::vector<RecordIndex> indexes;  // in the order of their numbers; or kStale
    std::vector<std::uint32_t> steps;  // how far each number lies behind `first`; empty: by its position in `indexes`

    [[nodiscard]] ChangeNumber number_at(std::size_t offset) const {
      return first + (steps.empty() ? offset : steps[offset]);
    }
    // About where `number` stands, at most indexes.size().
    [[nodiscard]] std::size_t guess_of(ChangeNumber number) const;
    // The first entry whose number is not below `number`.
    [[nodiscard]] std::size_t offset_of(ChangeNumber number) const;
    // To drop what is stale would halve its bytes.
    [[nodiscard]] bool is_stale() const { return live * (steps.empty() ? 4 : 2) < indexes.size(); }
    void write_steps();
    void drop_stale();
  };

  [[nodiscard]] std::size_t segment_of(ChangeNumber number) const;  // the last one that begins at or before it
  [[nodiscard]] Segment& segment_for(ChangeNumber number);          // to append it to
  void squeeze(std::size_t position);

  std::vector<std::unique_ptr<Segment>> segments_;
  std::vector<ChangeNumber> firsts_;  // of the segments, close together to search in
  ChangeNumber tail_;
  std::size_t live_ = 0;
  std::size_t held_ = 0;
};

}  // namespace herd::bus
