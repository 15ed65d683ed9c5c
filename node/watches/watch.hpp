// One watch: the part that all kinds of watches have in common, which is how they follow the feed and number their
// events.
//
// First it opens: it writes the lines up to READY. Then it follows the feed. The events of all changes up to its cursor
// are written. It follows in one of three lanes:
//   Current   no change after the cursor concerns it; the registry calls note() for each change that does
//   Pending   the few records that changed after the cursor and concern it are in a list (only if it holds members)
//   Lagging   it reads the feed after its cursor, and judges each record there
// In each lane a record is judged by its present state against what the reader knows, so changes that were superseded
// are left out, and judging a record twice does no harm.
//
// Numbers (docs/PROTOCOL.md, "Watching", promise 4): each event has number_. raise(n) sets it to n when all events of
// the changes up to n are written. A client in Delays keeps it below the number that the client holds back.
//
// Pure; owned by a Watcher, used on the loop's thread only.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "node/watches/delays.hpp"
#include "node/watches/member_set.hpp"
#include "node/watches/shared.hpp"
#include "protocol/query.hpp"

namespace herd::node::watches {

class Watch {
 public:
  // What a watch needs from its owner. `shared` and `sight` must outlive the watch.
  struct Place {
    Shared& shared;
    const Sight& sight;
    WatchId id = 0;
  };

  // The parser has checked the command. `is_resumed`: it continues after options.from, which is not 0.
  Watch(const Place& place, const protocol::Watch& command, bool is_resumed, protocol::Now now);
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;
  virtual ~Watch();

  // A change that concerns this watch. Returns whether this made write() due.
  virtual bool note(const area::Moved& moved, const Change& change) = 0;

  // A hint to the processor: note() follows soon.
  void prefetch() const;

  // Appends the lines that are due, until the output stops it. Returns whether more is due. Call it while the area
  // index is current.
  bool write(Output& out);
  // The same, but only up to READY.
  bool write_opening(Output& out) { return !is_over_ && !is_open_ && !open(out) && !is_over_; }

  // When write() is due without a change, in steady time; nullopt: never. Valid after write() returned false.
  [[nodiscard]] std::optional<protocol::Nanoseconds> next_due() const;

  // Appends the END line. Call it at most once, and then no other function.
  void append_end(std::string& out, EndReason reason);

  [[nodiscard]] WatchId id() const { return place_.id; }
  [[nodiscard]] std::string_view tag() const { return std::string_view(texts_).substr(0, tag_bytes_); }
  // READY is written.
  [[nodiscard]] bool is_open() const { return is_open_; }
  // END is written.
  [[nodiscard]] bool is_over() const { return is_over_; }
  // Only a change, or the time next_due(), can give it lines.
  [[nodiscard]] bool is_idle() const { return is_open_ && lane_ == Lane::Current; }

  // Asserts legal states. O(members).
  virtual void check_invariants() const = 0;

 protected:
  // Writes the lines up to READY. Returns true when READY is written; it then has called begin_following().
  virtual bool open(Output& out) = 0;
  // Judges a record that changed, and writes its event, if any. `number`: of the change.
  virtual void judge(bus::RecordIndex record, bus::ChangeNumber number, Output& out) = 0;
  // Continues the events of one change that judge() could not complete. Returns true if none remains.
  virtual bool complete(Output& out) = 0;
  // Writes the ENTER lines of the clients that have dwelled. Returns false if the output stopped it.
  virtual bool end_dwelling(Output& out) = 0;
  // Writes a MOVE that was held back, of a record without a change after the cursor.
  virtual void write_held(bus::RecordIndex record, Output& out) = 0;
  // Called instead of write_held() if the record has a change after the cursor: judging that change writes the MOVE.
  virtual void release_held(bus::RecordIndex record) = 0;
  // The lowest change number that is held back, but for MOVEs; nullopt: none.
  [[nodiscard]] virtual std::optional<bus::ChangeNumber> lowest_held() const = 0;
  // The watch is current again.
  virtual void caught_up() {}
  // When a client has dwelled; nullopt: no client dwells.
  [[nodiscard]] virtual std::optional<protocol::Nanoseconds> dwelling_until() const = 0;

  // Whether the client's id matches, and may be seen.
  [[nodiscard]] bool accepts(bus::RecordIndex record) const;

  // A record changed, by the change `number`: see the lanes above. Returns whether the watch was current.
  bool add_pending(bus::RecordIndex record, bus::ChangeNumber number);
  // The same, but the watch will read the feed instead of a list: it needs no call for later changes until it is
  // current again.
  bool add_to_feed(bus::ChangeNumber number);

  // Writes READY with the number, from which a reader may resume, and with the count of HERE lines.
  void write_ready(bus::ChangeNumber number, std::uint64_t count, Output& out);
  // From now on the watch reads the feed after `cursor`.
  void begin_following(bus::ChangeNumber cursor);

  // All changes up to `number` are written, but for what is held back.
  void raise(bus::ChangeNumber number);
  // Writes an event about a client. With events_only, MOVE and CENTRE are left out.
  void write_event(EventKind kind, bus::RecordIndex record, const std::optional<Sighting>& sighting, Output& out);
  // A member reported with a later time: returns whether its MOVE may be written now. If not, it is held back.
  [[nodiscard]] bool may_move(bus::RecordIndex record, bus::ChangeNumber number, Output& out);
  // Drops the MOVE that is held back for the client, if there is one: it is no member any more.
  void drop_held(bus::RecordIndex record);
  // Ends the watch if `count` members are too many. Returns whether it is over.
  bool end_if_too_many(std::size_t count, Output& out);

  [[nodiscard]] bool is_current() const { return lane_ == Lane::Current; }
  // All changes up to this one are judged.
  [[nodiscard]] bus::ChangeNumber position() const;
  [[nodiscard]] Version version_of(bus::RecordIndex record) const;
  [[nodiscard]] const area::AreaTree& tree() const { return place_.shared.index.tree(); }
  [[nodiscard]] const bus::Store& store() const { return place_.shared.store; }
  [[nodiscard]] const Place& place() const { return place_; }
  // nullopt: not resumed.
  [[nodiscard]] std::optional<bus::ChangeNumber> resumed_after() const {
    return resumed_after_ == 0 ? std::nullopt : std::optional(resumed_after_);
  }

 private:
  enum class Lane : std::uint8_t { Current, Pending, Lagging };

  struct Numbered {
    bus::ChangeNumber number;
    bus::RecordIndex record;
    auto operator<=>(const Numbered&) const = default;  // NOLINT(modernize-use-nullptr): clang-tidy 14 sees a 0 in it
  };

  bool follow(Output& out);
  bool judge_pending(Output& out);
  [[nodiscard]] Pending& pending() { return *place_.shared.pending.at(pending_); }
  bool read_feed(Output& out);
  bool write_held_moves(Output& out);
  [[nodiscard]] bool is_tick_due(protocol::Nanoseconds now_steady) const;
  [[nodiscard]] EventHead head(EventKind kind) const { return {tag(), number_, kind}; }
  void count(EventKind kind, Output& out);
  // Of `match=` or of CLIENT; empty: every client.
  [[nodiscard]] std::string_view prefix() const { return std::string_view(texts_).substr(tag_bytes_); }

  // A node may have millions of watches, so the order of the members leaves little padding. [[no_unique_address]] puts
  // the next four members into the padding at the end of Place.
  [[no_unique_address]] Place place_;
  Lane lane_ = Lane::Lagging;
  bool is_open_ = false;
  bool is_over_ = false;
  std::uint8_t tag_bytes_;
  std::string texts_;  // the tag, directly followed by the prefix
  bus::ChangeNumber number_ = 0;
  bus::ChangeNumber cursor_ = 0;         // not in the lane Current
  bus::ChangeNumber resumed_after_ = 0;  // 0: not resumed; a WATCH from 0 begins anew
  std::uint32_t pending_ = 0;            // in the lane Pending: the number of its list, of Shared::pending
  std::unique_ptr<Delays> moves_;        // with `every`: the clients with a MOVE less than that ago
  protocol::Nanoseconds every_{};
  protocol::Nanoseconds beat_{};
  protocol::Nanoseconds last_event_{};  // steady time
};

}  // namespace herd::node::watches
