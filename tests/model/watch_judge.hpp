// Compares what a watch's reader believes with the truth of its node: all records, one by one. The judge belongs to one
// watch at one node. It follows the truth from the moment when the node executes WATCH:
//   WatchJudge judge(command, records, now);
//   judge.changed(records, "car", now);      // after each change of the node's store
//   judge.followed(now);                     // the watches have seen all changes, and the clock
//   judge.check(view, now);                  // the reader has read everything; throws Fault
// For tests only.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tests/model/watch_view.hpp"

namespace herd::model {

// The records of a node, by client.
using Records = std::map<std::string, Record>;

class WatchJudge {
 public:
  WatchJudge(WatchCommand command, const Records& records, Nanoseconds now);

  // The record of `client` changed.
  void changed(const Records& records, const std::string& client, Nanoseconds now);
  // The watch wrote an ENTER of this client. Throws Fault if the client cannot have dwelled that long.
  void entered(const std::string& client, Nanoseconds now) const;
  // The watch wrote a LEAVE of this client: its time inside begins anew. It may never have been outside, if the watch
  // judged it from a place where the centre was no longer.
  void left(const std::string& client);
  void followed(Nanoseconds now);

  // Throws Fault unless the view, which has read all that the node wrote until followed(), believes the truth. A view
  // that is not live cannot be judged, and throws.
  void check(WatchView& view, Nanoseconds now) const;

 private:
  // The state of one client: what it must be, by all that the page permits a node to compute and to conflate.
  struct State {
    Record record;
    Point point;
    bool may_be_inside = false;
    bool must_be_inside = false;
    bool must_be_outside = true;            // beyond the slack, too
    bool has_changed = false;               // since followed()
    std::optional<Nanoseconds> surely_in;   // inside in every moment since then, as a node must have seen
    std::optional<Nanoseconds> perhaps_in;  // inside since then if changes between two follow-ups were conflated
    // For each record since the judge began: its AT line, and whether it was perhaps beyond the slack with it.
    std::vector<std::pair<std::string, bool>> history;
  };
  void take(const Record& record, Nanoseconds now);
  void place(State& state, Nanoseconds now) const;
  // If both the client and the centre have changed, the watch may have judged the client's new place by the old centre.
  // If the client was outside so, its dwell began anew.
  void begin_dwell_anew(State& state) const {
    if (state.has_changed && centre_has_changed_) state.surely_in.reset();
  }
  void check_member(const Member& member, const State& state, Nanoseconds now) const;
  void check_centre(const WatchView& view) const;
  void check_leave(const Leave& leave) const;

  WatchCommand command_;
  std::optional<Point> middle_;  // of a circle; nullopt: the centre has no position
  std::map<std::string, State> states_;
  std::optional<Record> centre_;
  bool centre_has_changed_ = false;  // since followed()
  bool is_opening_ = true;           // the snapshot is being read
};

}  // namespace herd::model
