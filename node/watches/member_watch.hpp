// A watch with a set of members: of a circle, a box, or one client. Each member has the version of its record that the
// reader knows, so judging a record is idempotent.
//
// A circle round a client moves with it. Then the centre's change is a task of its own: all members that are now
// outside leave, and the clients that are now inside enter. Pure; loop thread only.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "node/area/near_search.hpp"
#include "node/area/within_search.hpp"
#include "node/watches/member_set.hpp"
#include "node/watches/watch.hpp"
#include "node/watches/watched_area.hpp"

namespace herd::node::watches {

class MemberWatch final : public Watch {
 public:
  // `what` is a Circle, a Box, or one client. If the centre is a client, it has a record that is not reset.
  MemberWatch(const Place& place, const protocol::Watch& command, bool is_resumed, protocol::Now now);
  ~MemberWatch() override;

  bool note(const area::Moved& moved, const Change& change) override;
  void check_invariants() const override;

 private:
  static constexpr bus::RecordIndex kNone = MemberSet::kNone;
  static constexpr std::size_t kPage = 256;  // members that the opening searches at once

  // The lines up to READY.
  struct Opening {
    enum class Stage : std::uint8_t { Begin, Search, Page, Changes, Ready };
    Stage stage = Stage::Begin;
    std::optional<area::NearSearch> near;
    std::optional<area::WithinSearch> within;
    std::vector<bus::RecordIndex> page;
    std::size_t next = 0;  // in the page
    std::optional<area::NearPlace> near_place;
    std::optional<area::WithinPlace> within_place;
    bool has_more = false;         // after this page
    std::uint64_t count = 0;       // HERE lines
    bus::ChangeNumber cursor = 0;  // the changes after it are still to be judged
  };

  // What follows a change of the centre.
  struct Recentring {
    bus::ChangeNumber number = 0;  // of the change
    EventKind first = EventKind::Centre;
    bool first_is_written = false;
    std::optional<area::NearSearch> search;  // of the clients that enter
    std::size_t scanned = 0;                 // positions of the member set
    bool is_listed = false;
    std::vector<bus::RecordIndex> records;  // that may leave, then those that may enter
    std::size_t next = 0;
  };

  // The client in the centre of a circle.
  struct Centre {
    bus::RecordIndex record = kNone;
    bool is_known = false;                 // false: it was reset
    Version version;                       // that the reader knows
    std::optional<protocol::Point> noted;  // its place after the last change that note() received; nullopt: reset
    bool was_away = false;                 // noted was another place than the area's centre since that was judged
    std::unique_ptr<Recentring> recentring;
    bus::ChangeNumber held = 0;  // it changed while a resumed watch opened; 0: it did not
  };

  bool open(Output& out) override;
  void judge(bus::RecordIndex record, bus::ChangeNumber number, Output& out) override;
  bool complete(Output& out) override;
  bool end_dwelling(Output& out) override;
  void write_held(bus::RecordIndex record, Output& out) override;
  void release_held(bus::RecordIndex) override {}  // the member's version is older than its record
  [[nodiscard]] std::optional<bus::ChangeNumber> lowest_held() const override;
  [[nodiscard]] std::optional<protocol::Nanoseconds> dwelling_until() const override;

  void watch_circle(const protocol::Circle& circle, protocol::Millimetres slack);
  void watch_client(std::string_view client);
  void add_area();
  void remove_area();

  [[nodiscard]] bool contains(bus::RecordIndex record, protocol::Point point, bool is_member) const;
  // Clients dwell only inside the circle round `noted`, a place that judge() may not have read.
  void note_centre(std::optional<protocol::Point> point);
  [[nodiscard]] bool is_noted_inside(bus::RecordIndex record, protocol::Point point) const;
  [[nodiscard]] std::optional<Sighting> sighting(const std::optional<protocol::Point>& point) const;
  void stay(bus::RecordIndex record, protocol::Point point, bus::ChangeNumber number, Output& out);
  void leave(bus::RecordIndex record, std::optional<protocol::Point> point, bus::ChangeNumber number, Output& out);
  void approach(bus::RecordIndex record, protocol::Point point, bus::ChangeNumber number, Output& out);
  struct Entry {
    EventKind kind = EventKind::Enter;  // or HERE
    bus::ChangeNumber number = 0;       // up to which all changes are written with it; 0: no more than before
  };
  void enter(bus::RecordIndex record, protocol::Point point, Entry entry, Output& out);
  void insert(bus::RecordIndex record);
  void erase(bus::RecordIndex record);
  void dwell(bus::RecordIndex record, bus::ChangeNumber number, Output& out);
  [[nodiscard]] std::size_t counted() const { return members_.size() + (dwelling_ ? dwelling_->size() : 0); }

  // member_opening.cpp
  void begin_opening(Output& out);
  bool search_page(Output& out);
  bool write_page(Output& out);
  void write_found(bus::RecordIndex record, Output& out);
  bool write_changes(Output& out);
  void write_changed(bus::RecordIndex record, bus::ChangeNumber number, Output& out);
  void end_opening(Output& out);

  // recentring.cpp
  void judge_centre(bus::ChangeNumber number, Output& out);
  void begin_recentring(bus::ChangeNumber number, protocol::Point point);
  [[nodiscard]] bool list(Output& out);
  void write_first(Output& out);
  [[nodiscard]] bool has_event(bus::RecordIndex record) const;
  [[nodiscard]] bool find_next();

  std::optional<WatchedArea> area_;       // nullopt: one client is watched
  std::unique_ptr<Centre> centre_;        // of a circle round a client
  std::unique_ptr<std::string> unknown_;  // the watched client's id, as long as it has no record
  bus::RecordIndex client_ = kNone;       // the watched client's record
  bool is_added_ = false;                 // the area, to the interests
  MemberSet members_;
  protocol::Nanoseconds dwell_{};
  std::unique_ptr<Delays> dwelling_;
  std::unique_ptr<Opening> opening_;
};

}  // namespace herd::node::watches
