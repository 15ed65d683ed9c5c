#include "node/watches/member_watch.hpp"

#include <algorithm>
#include <variant>

#include "node/watches/mutants.hpp"
#include "protocol/assert.hpp"
#include "protocol/overloaded.hpp"

namespace herd::node::watches {

using protocol::Point;

MemberWatch::MemberWatch(const Place& place, const protocol::Watch& command, bool is_resumed, protocol::Now now)
    : Watch(place, command, is_resumed, now), dwell_(command.options.dwell), opening_(std::make_unique<Opening>()) {
  std::visit(protocol::Overloaded{
                 [&](const protocol::Circle& circle) { watch_circle(circle, command.options.slack); },
                 [&](const protocol::Box& box) { area_.emplace(box); },
                 [&](const protocol::WatchedClients& clients) { watch_client(clients.id); },
                 [](const protocol::AllClients&) {},
             },
             command.what);
  HERD_ASSERT(area_ || unknown_ || client_ != kNone);
}

MemberWatch::~MemberWatch() {
  Interests& interests = place().shared.interests;
  if (is_added_) remove_area();
  if (centre_) interests.remove_record(place().id, centre_->record);
  if (client_ != kNone) interests.remove_record(place().id, client_);
  if (unknown_) interests.remove_unknown(place().id, *unknown_);
  place().shared.counters.members -= members_.size();
}

void MemberWatch::watch_circle(const protocol::Circle& circle, protocol::Millimetres slack) {
  Point point = circle.centre.point;
  if (!circle.centre.client.empty()) {
    const bus::Store::Slot slot = store().locate(circle.centre.client);
    HERD_ASSERT(slot.found());
    const bus::RecordView record = store().record_at(slot.index());
    point = protocol::point_of(record.coordinates);
    centre_ = std::make_unique<Centre>();
    centre_->record = slot.index();
    centre_->is_known = true;
    centre_->version = {record.epoch, record.time};
    centre_->noted = point;
    place().shared.interests.add_record(place().id, slot.index());
  }
  area_.emplace(area::point_of(area::spot_of(point)), circle.radius, slack);
}

void MemberWatch::watch_client(std::string_view client) {
  const bus::Store::Slot slot = store().locate(client);
  if (slot.found()) {
    client_ = slot.index();
    place().shared.interests.add_record(place().id, client_);
  } else {
    unknown_ = std::make_unique<std::string>(client);
    place().shared.interests.add_unknown(place().id, client);
  }
}

void MemberWatch::add_area() {
  place().shared.interests.add_area(place().id, area_->bounds());
  is_added_ = true;
}

void MemberWatch::remove_area() {
  place().shared.interests.remove_area(place().id, area_->bounds());
  is_added_ = false;
}

// A client that leaves begins to dwell anew, also if the reader is too slow for this watch to judge it now.
bool MemberWatch::note(const area::Moved& moved, const Change& /*change*/) {
  if (centre_ != nullptr && moved.record == centre_->record) note_centre(moved.after);
  if (unknown_ != nullptr) {
    Interests& interests = place().shared.interests;
    interests.remove_unknown(place().id, *unknown_);
    unknown_.reset();
    client_ = moved.record;
    interests.add_record(place().id, client_);
  }
  if (dwelling_ != nullptr && dwelling_->find(moved.record) && !mutated(Mutant::DwellSurvivesLeave)) {
    if (!moved.after || !is_noted_inside(moved.record, *moved.after)) dwelling_->erase(moved.record);
  }
  return add_pending(moved.record, moved.number);
}

void MemberWatch::note_centre(std::optional<Point> point) {
  centre_->noted = point;
  if (point != area_->centre()) centre_->was_away = true;
  if (dwelling_ == nullptr) return;
  dwelling_->erase_if([&](bus::RecordIndex record) {
    const std::optional<Point> at = tree().point_of(record);
    return !at || !is_noted_inside(record, *at);
  });
}

bool MemberWatch::is_noted_inside(bus::RecordIndex record, Point point) const {
  if (centre_ == nullptr) return contains(record, point, false);
  if (!centre_->noted || record == centre_->record) return false;
  WatchedArea area = *area_;
  area.set_centre(*centre_->noted);
  return area.contains(point, false);
}

bool MemberWatch::contains(bus::RecordIndex record, Point point, bool is_member) const {
  if (!area_) return record == client_;
  if (centre_ != nullptr && (!centre_->is_known || record == centre_->record)) return false;
  return area_->contains(point, is_member);
}

std::optional<Sighting> MemberWatch::sighting(const std::optional<Point>& point) const {
  if (!area_ || !area_->is_circle() || !point) return std::nullopt;
  return Sighting{area_->centre(), *point};
}

void MemberWatch::judge(bus::RecordIndex record, bus::ChangeNumber number, Output& out) {
  if (centre_ != nullptr && record == centre_->record) return judge_centre(number, out);
  const std::optional<Point> point = tree().point_of(record);
  const bool is_member = members_.contains(record);
  const bool is_inside = point && contains(record, *point, is_member);
  if (is_member && is_inside) return stay(record, *point, number, out);
  if (is_member && !point && mutated(Mutant::ResetUnnoticed)) return;
  if (is_member) return leave(record, point, number, out);
  if (is_inside && accepts(record)) return approach(record, *point, number, out);
  if (dwelling_ != nullptr && !mutated(Mutant::DwellSurvivesLeave)) dwelling_->erase(record);
}

void MemberWatch::stay(bus::RecordIndex record, Point point, bus::ChangeNumber number, Output& out) {
  const Version version = version_of(record);
  const bool is_known = members_.version_of(record) == version && !mutated(Mutant::TieIsMove);
  if (is_known || !may_move(record, number, out)) return;
  members_.set_version(record, version);
  raise(number);
  write_event(EventKind::Move, record, sighting(point), out);
}

void MemberWatch::leave(bus::RecordIndex record, std::optional<Point> point, bus::ChangeNumber number, Output& out) {
  erase(record);
  drop_held(record);
  raise(number);
  if (mutated(Mutant::LeftWithoutLeave) && point) return;
  write_event(point ? EventKind::Leave : EventKind::Gone, record, sighting(point), out);
}

void MemberWatch::approach(bus::RecordIndex record, Point point, bus::ChangeNumber number, Output& out) {
  if (dwell_.count() > 0 && !mutated(Mutant::DwellIgnored)) {
    const auto delay = dwelling_ != nullptr ? dwelling_->find(record) : std::nullopt;
    if (!delay) return dwell(record, number, out);
    if (out.now.steady < delay->due) return;
    dwelling_->erase(record);
  }
  enter(record, point, {EventKind::Enter, number}, out);
}

void MemberWatch::enter(bus::RecordIndex record, Point point, Entry entry, Output& out) {
  if (end_if_too_many(counted() + 1, out)) return;
  insert(record);
  raise(entry.number);
  if (mutated(Mutant::EnteredWithoutEnter) && entry.kind == EventKind::Enter) return;
  write_event(entry.kind, record, sighting(point), out);
  if (mutated(Mutant::EnterTwice) && entry.kind == EventKind::Enter)
    write_event(entry.kind, record, sighting(point), out);
}

void MemberWatch::insert(bus::RecordIndex record) {
  members_.insert(record, version_of(record));
  ++place().shared.counters.members;
}

void MemberWatch::erase(bus::RecordIndex record) {
  members_.erase(record);
  --place().shared.counters.members;
}

// If the centre has moved away after the change that is judged, the client does not dwell.
void MemberWatch::dwell(bus::RecordIndex record, bus::ChangeNumber number, Output& out) {
  const std::optional<Point> point = tree().point_of(record);
  if (!point || !is_noted_inside(record, *point)) return;
  if (end_if_too_many(counted() + 1, out)) return;
  if (dwelling_ == nullptr) dwelling_ = std::make_unique<Delays>();
  dwelling_->put(record, {out.now.steady + dwell_, number});
}

bool MemberWatch::end_dwelling(Output& out) {
  if (dwelling_ == nullptr) return true;
  for (auto first = dwelling_->first(); first && first->second.due <= out.now.steady; first = dwelling_->first()) {
    if (out.must_stop()) return false;
    const bus::RecordIndex record = first->first;
    dwelling_->erase(record);
    const std::optional<Point> point = tree().point_of(record);
    if (!point || !contains(record, *point, false)) continue;
    enter(record, *point, {EventKind::Enter, position()}, out);
    if (is_over()) return false;
  }
  return true;
}

void MemberWatch::write_held(bus::RecordIndex record, Output& out) {
  members_.set_version(record, version_of(record));
  write_event(EventKind::Move, record, sighting(tree().point_of(record)), out);
}

std::optional<bus::ChangeNumber> MemberWatch::lowest_held() const {
  std::optional<bus::ChangeNumber> lowest = dwelling_ != nullptr ? dwelling_->lowest_held() : std::nullopt;
  const bus::ChangeNumber held = centre_ != nullptr ? centre_->held : 0;
  if (held != 0 && (!lowest || held < *lowest)) lowest = held;
  return lowest;
}

std::optional<protocol::Nanoseconds> MemberWatch::dwelling_until() const {
  const auto first = dwelling_ != nullptr ? dwelling_->first() : std::nullopt;
  return first ? std::optional(first->second.due) : std::nullopt;
}

void MemberWatch::check_invariants() const {
  members_.check_invariants();
  HERD_ASSERT(is_over() || is_open() == (opening_ == nullptr));
  HERD_ASSERT(is_added_ ==
              (area_ && (!centre_ || centre_->is_known) && (is_open() || opening_->stage != Opening::Stage::Begin)));
  for (std::size_t at = 0; at < members_.slots(); ++at) {
    const bus::RecordIndex record = members_.at(at);
    if (record == kNone) continue;
    HERD_ASSERT(accepts(record) && (!centre_ || centre_->record != record));
    HERD_ASSERT(dwelling_ == nullptr || !dwelling_->find(record));
  }
}

}  // namespace herd::node::watches
