#include "tests/model/watch_view.hpp"

#include <algorithm>

#include "tests/model/fault.hpp"

namespace herd::model {

namespace {

// Removes and returns the first word of `text`.
std::string take_word(std::string_view& text) {
  const std::size_t end = std::min(text.find(' '), text.size());
  std::string word(text.substr(0, end));
  text.remove_prefix(std::min(end + 1, text.size()));
  return word;
}

}  // namespace

WatchView::WatchView(WatchCommand command, EpochOf epoch_of, std::string feed, Nanoseconds clock)
    : command_(std::move(command)), epoch_of_(std::move(epoch_of)), feed_(std::move(feed)), last_line_(clock) {
  demand(!feed_.empty(), "WATCHING without a feed");
}

void WatchView::resume(const WatchView& earlier) {
  demand(feed_ == command_.from_feed && feed_ == earlier.feed_, "resumed in another feed: " + feed_);
  demand(command_.from_number == earlier.number_ && earlier.number_ > 0, "resumed from a number of no event");
  resumed_ = true;
  members_ = earlier.members_;
  for (auto& [client, member] : members_) member.moved = std::nullopt;  // the time begins anew
  ages_ = earlier.ages_;
  centre_ = earlier.centre_;
  centre_gone_ = earlier.centre_gone_;
  command_.circle.centre = earlier.command_.circle.centre;
}

void WatchView::read(std::string_view event, Nanoseconds clock) {
  const std::string line(event);
  const std::uint64_t number = number_of(take_word(event));
  const std::string name = take_word(event);
  try {
    demand(phase_ != Phase::Ended, "an event after END");
    demand(number >= number_, "the change number descends");
    demand(phase_ != Phase::Snapshot || number == 0 || name == "READY" || name == "END",
           "a number other than 0 before READY");
    number_ = number;
    if (name == "HERE") {
      here(event);
    } else if (name == "READY") {
      ready(event);
    } else if (name == "ENTER") {
      enter(event);
    } else if (name == "MOVE") {
      move(event, clock);
    } else if (name == "LEAVE") {
      leave(event);
    } else if (name == "CENTRE") {
      centre(event);
    } else if (name == "GONE") {
      gone(event);
    } else if (name == "TICK") {
      tick(event, clock);
    } else {
      demand(name == "END", "an unknown event");
      end(event);
    }
  } catch (const Fault& fault) {
    throw Fault(std::string(fault.what()) + " | ! " + command_.tag + ' ' + line);
  }
  last_line_ = clock;
}

bool WatchView::may_be_inside(const At& at, std::int64_t slack) const {
  if (is_circle()) return distance(middle(), at.point).low <= command_.circle.radius + slack;
  return command_.kind != WatchCommand::Kind::Box || is_inside(at.point, command_.box);
}

std::vector<At> WatchView::members_in_ring() const {
  std::vector<At> found;
  for (const auto& [client, member] : members_) {
    if (!may_be_inside(member.at, 0)) found.push_back(member.at);
  }
  return found;
}

bool WatchView::may_be_outside(const At& at, std::int64_t slack) const {
  if (is_circle()) return distance(middle(), at.point).high > command_.circle.radius + slack;
  return command_.kind == WatchCommand::Kind::Box && !is_inside(at.point, command_.box);
}

At WatchView::take_at(std::string_view text) const {
  if (!is_circle()) return at_of(text);
  const std::string km = take_word(text);
  const std::string bearing = take_word(text);
  At at = at_of(text);
  demand(centre_ || !has_centre_client() || centre_gone_, "km and bearing before CENTRE");
  const Point& from = middle();
  demand(is_km(km, distance(from, at.point)), "km is not the distance from the last CENTRE");
  demand(is_bearing(bearing, from, at.point), "bearing is not that from the last CENTRE");
  return at;
}

Age WatchView::take_age(const At& at) {
  const Age age{epoch_of_(at.line), at.time};
  const auto [known, is_new] = ages_.emplace(at.client, age);
  demand(age >= known->second, "events of a client descend in (epoch, time)");
  known->second = age;
  return age;
}

void WatchView::here(std::string_view rest) {
  demand(phase_ == Phase::Snapshot, "HERE after READY");
  const At at = take_at(rest);
  demand(command_.admits(at.client), "a client that the watch does not watch");
  demand(!has_centre_client() || !centre_gone_, "HERE without a centre");
  demand(may_be_inside(at, 0), "HERE of a client outside");
  demand(resumed_ || !members_.contains(at.client), "HERE twice");
  if (is_circle() && !resumed_) {
    const Range range = distance(middle(), at.point);
    const bool same = at.client <= nearest_client_;
    nearest_ = std::max(range.low, nearest_ + (same && range.low <= nearest_ && here_lines_ > 0 ? 1 : 0));
    in_order_ = in_order_ && nearest_ <= range.high;
    nearest_client_ = at.client;
  }
  members_[at.client] = {at, take_age(at), {}};
  changed_.push_back(at.client);
  ++here_lines_;
}

void WatchView::ready(std::string_view rest) {
  demand(phase_ == Phase::Snapshot, "READY twice");
  demand(number_of(rest) == here_lines_, "READY's count is not that of the HERE lines");
  // A centre that is reset before the snapshot is written has no CENTRE line. The judge knows whether it was reset.
  if (has_centre_client() && !centre_) centre_gone_ = true;
  phase_ = Phase::Live;
}

void WatchView::enter(std::string_view rest) {
  demand(phase_ == Phase::Live, "ENTER before READY");
  const At at = take_at(rest);
  demand(command_.admits(at.client), "a client that the watch does not watch");
  demand(!centre_gone_, "ENTER without a centre");
  demand(!members_.contains(at.client), "ENTER of a member");
  demand(may_be_inside(at, 0), "ENTER of a client outside");
  const auto moved = moved_.find(at.client);
  members_[at.client] = {at, take_age(at),
                         moved == moved_.end() ? std::nullopt : std::optional<Nanoseconds>(moved->second)};
}

void WatchView::move(std::string_view rest, Nanoseconds clock) {
  demand(phase_ == Phase::Live, "MOVE before READY");
  const At at = take_at(rest);
  demand(!centre_gone_, "MOVE without a centre");
  const auto member = members_.find(at.client);
  demand(member != members_.end(), "MOVE of a client that is no member");
  demand(may_be_inside(at, command_.slack), "MOVE of a client outside");
  const Age age = take_age(at);
  demand(age > member->second.age, "MOVE without a later time");
  demand(!member->second.moved || clock - *member->second.moved >= command_.every, "two MOVEs within `every`");
  member->second.at = at;
  member->second.age = age;
  member->second.moved = moved_[at.client] = clock;
}

void WatchView::leave(std::string_view rest) {
  demand(phase_ == Phase::Live || resumed_, "LEAVE in a fresh snapshot");
  const At at = take_at(rest);
  demand(command_.admits(at.client), "a client that the watch does not watch");
  const auto member = members_.find(at.client);
  demand(member != members_.end() || phase_ == Phase::Snapshot, "LEAVE of a client that is no member");
  demand(centre_gone_ || may_be_outside(at, 0), "LEAVE of a client inside");
  (void)take_age(at);
  if (phase_ == Phase::Snapshot) {
    changed_.push_back(at.client);
  } else if (!centre_gone_) {
    leaves_.push_back({at.client, member->second.at.line, at.line, may_be_outside(at, command_.slack)});
  }
  if (member != members_.end()) members_.erase(member);
}

void WatchView::centre(std::string_view rest) {
  demand(has_centre_client(), "CENTRE of a watch without one");
  demand(phase_ == Phase::Live || !resumed_, "CENTRE in a resume");
  const At at = at_of(rest);
  demand(at.client == command_.circle.client, "CENTRE of another client");
  demand(phase_ == Phase::Live || (here_lines_ == 0 && !centre_), "CENTRE after HERE");
  demand(!centre_gone_ || members_.empty(), "CENTRE, but not all members of the gone centre left");
  const Age age = take_age(at);
  // A record with the same time can still replace another one, by the order of the texts.
  demand(!centre_ || age > centre_->age || (age == centre_->age && at.line != centre_->at.line),
         "CENTRE without a later time");
  centre_ = {at, age, {}};
  centre_gone_ = false;
}

void WatchView::gone(std::string_view rest) {
  demand(phase_ == Phase::Live || resumed_, "GONE in a fresh snapshot");
  demand(take_word(rest) == "reset" && !rest.empty() && rest.find(' ') == rest.npos, "not `GONE reset <client>`");
  const std::string client(rest);
  if (has_centre_client() && client == command_.circle.client) {
    demand(!centre_gone_, "GONE of a centre that is gone");
    command_.circle.centre = centre_->at.point;  // km and bearing refer to the last CENTRE
    centre_.reset();
    centre_gone_ = true;
  } else {
    demand(command_.admits(client), "a client that the watch does not watch");
    const bool was_member = members_.erase(client) > 0;
    demand(was_member || phase_ == Phase::Snapshot, "GONE of a client that is no member");
    if (phase_ == Phase::Snapshot) changed_.push_back(client);
  }
  // Its next report has a greater epoch. After a resume the same reset may be read twice.
  const auto age = ages_.find(client);
  if (age != ages_.end() && age->second.second > Nanoseconds{}) age->second = {age->second.first + 1, {}};
}

void WatchView::tick(std::string_view rest, Nanoseconds clock) {
  demand(command_.beat > Nanoseconds{}, "TICK without beat=");
  demand(seconds_of(rest) == clock, "TICK is not the node's clock");
  demand(clock - last_line_ >= command_.beat, "TICK within `beat` of another line");
}

void WatchView::end(std::string_view rest) {
  end_reason_ = rest;
  demand(rest == "unwatched" || rest == "stopping" || rest == "not allowed" || rest == "too many", "unknown reason");
  phase_ = Phase::Ended;
}

}  // namespace herd::model
