#include "tests/model/watch_judge.hpp"

#include <algorithm>

#include "tests/model/fault.hpp"

namespace herd::model {

namespace {

constexpr Nanoseconds kAlways = Nanoseconds::min() / 2;  // since before any dwell

}  // namespace

WatchJudge::WatchJudge(WatchCommand command, const Records& records, Nanoseconds now) : command_(std::move(command)) {
  if (command_.kind == WatchCommand::Kind::Circle && command_.circle.client.empty()) middle_ = command_.circle.centre;
  for (const auto& [client, record] : records) take(record, now);
  // Members of the snapshot count at once.
  for (auto& [client, state] : states_) {
    state.history.clear();
    place(state, now);
    if (state.must_be_inside) state.surely_in = kAlways;
    if (state.may_be_inside) state.perhaps_in = kAlways;
    state.has_changed = false;
  }
  centre_has_changed_ = false;
}

void WatchJudge::take(const Record& record, Nanoseconds now) {
  const bool is_centre = command_.kind == WatchCommand::Kind::Circle && record.client == command_.circle.client;
  const std::optional<Point> point =
      record.is_reset() ? std::nullopt : std::optional<Point>(point_of(record.coordinates));
  if (is_centre) {
    centre_ = record;
    middle_ = point;
    centre_has_changed_ = true;
    for (auto& [client, state] : states_) {
      place(state, now);
      begin_dwell_anew(state);
    }
  }
  if (!command_.admits(record.client)) return;
  State& state = states_[record.client];
  state.record = record;
  state.point = point.value_or(Point{});
  place(state, now);
  state.has_changed = true;
  begin_dwell_anew(state);
  if (is_opening_) state.surely_in.reset();  // the snapshot may miss a client that moves
}

void WatchJudge::place(State& state, Nanoseconds now) const {
  bool must_leave = state.record.is_reset();
  bool may_be_beyond = must_leave;
  state.may_be_inside = state.must_be_inside = !state.record.is_reset();
  if (command_.kind == WatchCommand::Kind::Box && !must_leave) {
    state.may_be_inside = state.must_be_inside = is_inside(state.point, command_.box);
    must_leave = may_be_beyond = !state.may_be_inside;
  }
  if (command_.kind == WatchCommand::Kind::Circle && !must_leave) {
    const std::int64_t radius = command_.circle.radius;
    const Range range = middle_ ? distance(*middle_, state.point) : Range{INT64_MAX, INT64_MAX};
    state.may_be_inside = range.low <= radius;
    state.must_be_inside = range.high <= radius;
    must_leave = range.low > radius + command_.slack;
    may_be_beyond = range.high > radius + command_.slack;
  }
  state.must_be_outside = must_leave;
  if (!state.must_be_inside) state.surely_in.reset();
  if (state.may_be_inside && !state.perhaps_in) state.perhaps_in = now;
  state.history.emplace_back(state.record.at, may_be_beyond);
}

void WatchJudge::changed(const Records& records, const std::string& client, Nanoseconds now) {
  take(records.at(client), now);
}

void WatchJudge::entered(const std::string& client, Nanoseconds now) const {
  if (command_.dwell == Nanoseconds{}) return;
  const auto found = states_.find(client);
  const bool is_inside = found != states_.end() && found->second.perhaps_in.has_value();
  demand(is_inside && now - *found->second.perhaps_in >= command_.dwell,
         command_.text + ": " + client + " entered before `dwell` was over");
}

void WatchJudge::left(const std::string& client) {
  const auto found = states_.find(client);
  if (found != states_.end()) found->second.surely_in.reset();
}

void WatchJudge::followed(Nanoseconds now) {
  is_opening_ = false;
  centre_has_changed_ = false;
  for (auto& [client, state] : states_) {
    if (state.must_be_inside && !state.surely_in) state.surely_in = now;
    if (!state.may_be_inside) state.perhaps_in.reset();
    state.has_changed = false;
  }
}

void WatchJudge::check(WatchView& view, Nanoseconds now) const {
  demand(view.phase() == WatchView::Phase::Live, command_.text + " is not live");
  check_centre(view);
  for (const auto& [client, state] : states_) {
    const std::string name = command_.text + ": " + client + " at " + state.record.coordinates;
    const auto member = view.members().find(client);
    const bool believed = member != view.members().end();
    demand(!believed || !state.must_be_outside, name + " is outside, but the reader believes it inside");
    const bool dwelt = command_.dwell == Nanoseconds{} || (state.surely_in && now - *state.surely_in >= command_.dwell);
    demand(believed || !state.must_be_inside || !dwelt, name + " is inside, but the reader does not know");
    if (believed) check_member(member->second, state, now);
  }
  for (const auto& [client, member] : view.members()) {
    demand(states_.contains(client), command_.text + ": a member that the node does not know: " + client);
  }
  for (const Leave& leave : view.take_leaves()) check_leave(leave);
}

void WatchJudge::check_member(const Member& member, const State& state, Nanoseconds now) const {
  const std::string name = command_.text + ": " + state.record.client;
  const bool is_held_back = command_.every > Nanoseconds{} && member.moved && now - *member.moved < command_.every;
  demand(member.age == state.record.age() || (is_held_back && member.age < state.record.age()),
         name + ": not the newest report: " + member.at.line + ", but " + state.record.at);
}

void WatchJudge::check_centre(const WatchView& view) const {
  if (command_.kind != WatchCommand::Kind::Circle || command_.circle.client.empty()) return;
  const bool has_place = centre_ && !centre_->is_reset();
  demand(has_place == view.centre().has_value(), command_.text + ": the centre was reset, or came back");
  demand(!has_place || (view.centre()->age == centre_->age() && distance(view.centre()->at.point, *middle_).high == 0),
         command_.text + ": not the centre's newest report: " + centre_->at);
}

// A client leaves only beyond the slack: it is there, seen from the centre that the reader knows, or it was there with
// some record since the one that the reader knew.
void WatchJudge::check_leave(const Leave& leave) const {
  const auto found = states_.find(leave.client);
  if (found == states_.end() || leave.is_beyond) return;
  const auto& history = found->second.history;
  auto from =
      std::find_if(history.begin(), history.end(), [&](const auto& each) { return each.first == leave.known_at; });
  if (from == history.end()) from = history.begin();
  demand(std::any_of(from, history.end(), [](const auto& each) { return each.second; }),
         command_.text + ": LEAVE of a client that was never beyond the slack: " + leave.at);
}

}  // namespace herd::model
