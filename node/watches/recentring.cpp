// The events of a MemberWatch that follow a change of the client in the centre of its circle.
//
// The area moves at once, so the registry finds the changes of the clients in the new one. The records that may leave
// or enter are listed, and each is judged once more when its line is written. Only the last line bears the number of
// the centre's change, so before a line is written, the next record with an event is found.
#include <utility>

#include "node/watches/member_watch.hpp"
#include "node/watches/mutants.hpp"
#include "protocol/assert.hpp"

namespace herd::node::watches {

using protocol::Point;

void MemberWatch::judge_centre(bus::ChangeNumber number, Output& out) {
  const std::optional<Point> point = tree().point_of(centre_->record);
  if (!point) {
    if (!centre_->is_known || mutated(Mutant::CentreResetUnnoticed)) return;
    remove_area();
    centre_->is_known = false;
    if (dwelling_ != nullptr) dwelling_->clear();
    recentring_ = std::make_unique<Recentring>();
    recentring_->number = number;
    recentring_->first = EventKind::Gone;
    return;
  }
  const Version version = version_of(centre_->record);
  const bool is_same_place = centre_->is_known && *point == area_->centre();
  if (is_same_place && centre_->version == version) return;
  centre_->version = version;
  if (!is_same_place) return begin_recentring(number, *point);
  raise(number);
  write_event(EventKind::Centre, centre_->record, std::nullopt, out);
}

void MemberWatch::begin_recentring(bus::ChangeNumber number, Point point) {
  const bool stays = is_added_ && mutated(Mutant::CentreAreaStays);
  if (is_added_ && !stays) remove_area();
  area_->set_centre(point);
  centre_->is_known = true;
  if (!stays) add_area();
  if (dwelling_ != nullptr) {
    dwelling_->erase_if([&](bus::RecordIndex record) {
      const std::optional<Point> at = tree().point_of(record);
      return !at || !contains(record, *at, false);
    });
  }
  recentring_ = std::make_unique<Recentring>();
  recentring_->number = number;
  recentring_->search.emplace(tree(), point, area_->radius(), SIZE_MAX, std::nullopt, [this](bus::RecordIndex record) {
    return record != centre_->record && !members_.contains(record) && accepts(record);
  });
}

// A change of the centre that came while a resumed watch opened is judged first.
bool MemberWatch::complete(Output& out) {
  if (centre_held_ != 0) {
    if (out.is_full()) return false;
    centre_held_ = 0;
    judge_centre(position(), out);
  }
  if (recentring_ == nullptr) return true;
  if (!recentring_->is_listed && !list(out)) {
    if (!recentring_->first_is_written && !is_over()) write_first(out);
    return false;
  }
  bool has_next = find_next();
  if (!recentring_->first_is_written) {
    if (!has_next || mutated(Mutant::CentreNumberedEarly)) raise(recentring_->number);
    write_first(out);
  }
  while (has_next) {
    if (out.must_stop()) return false;
    const bus::RecordIndex record = recentring_->records[recentring_->next++];
    has_next = find_next();
    judge(record, has_next ? 0 : recentring_->number, out);
    if (is_over()) return false;
  }
  recentring_.reset();
  return true;
}

// Lists the records, in slices.
bool MemberWatch::list(Output& out) {
  constexpr std::size_t kRecordsAtOnce = 64;
  for (; recentring_->scanned < members_.slots(); ++recentring_->scanned) {
    if (recentring_->scanned % kRecordsAtOnce == kRecordsAtOnce - 1 && out.slice.is_over()) return false;
    const bus::RecordIndex record = members_.at(recentring_->scanned);
    if (mutated(Mutant::CentreKeepsMembers)) continue;
    if (record != kNone && has_event(record)) recentring_->records.push_back(record);
  }
  if (recentring_->search) {
    if (!recentring_->search->run(out.slice)) return false;
    for (const area::Found& found : recentring_->search->take()) {
      if (members_.contains(found.record) || mutated(Mutant::CentreFindsNone)) continue;
      if (dwell_.count() == 0) {
        recentring_->records.push_back(found.record);
      } else if (dwelling_ == nullptr || !dwelling_->find(found.record)) {
        dwell(found.record, recentring_->number, out);
        if (is_over()) return false;
      }
    }
  }
  recentring_->is_listed = true;
  return true;
}

void MemberWatch::write_first(Output& out) {
  recentring_->first_is_written = true;
  if (!place().sight.events_only) write_event(recentring_->first, centre_->record, std::nullopt, out);
}

// Whether judge() writes an event other than MOVE for a listed record.
bool MemberWatch::has_event(bus::RecordIndex record) const {
  const std::optional<Point> point = tree().point_of(record);
  const bool is_member = members_.contains(record);
  const bool is_inside = point && contains(record, *point, is_member);
  if (is_member) return !is_inside;
  return is_inside && dwell_.count() == 0;
}

bool MemberWatch::find_next() {
  while (recentring_->next < recentring_->records.size() && !has_event(recentring_->records[recentring_->next])) {
    ++recentring_->next;
  }
  return recentring_->next < recentring_->records.size();
}

}  // namespace herd::node::watches
