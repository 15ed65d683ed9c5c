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
    centre_->recentring = std::make_unique<Recentring>();
    centre_->recentring->number = number;
    centre_->recentring->first = EventKind::Gone;
    return;
  }
  const Version version = version_of(centre_->record);
  const bool is_same_place = centre_->is_known && !centre_->was_away;
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
  centre_->was_away = false;
  if (!stays) add_area();
  const auto may_enter = [this](bus::RecordIndex record) {
    return record != centre_->record && !members_.contains(record) && accepts(record);
  };
  centre_->recentring = std::make_unique<Recentring>();
  centre_->recentring->number = number;
  centre_->recentring->search.emplace(tree(), point, area_->radius(), SIZE_MAX, std::nullopt, may_enter);
}

// A change of the centre that came while a resumed watch opened is judged first.
bool MemberWatch::complete(Output& out) {
  if (centre_ == nullptr) return true;
  if (centre_->held != 0) {
    if (out.is_full()) return false;
    centre_->held = 0;
    judge_centre(position(), out);
  }
  if (centre_->recentring == nullptr) return true;
  Recentring& recentring = *centre_->recentring;
  if (!recentring.is_listed && !list(out)) {
    if (!recentring.first_is_written && !is_over()) write_first(out);
    return false;
  }
  bool has_next = find_next();
  if (!recentring.first_is_written) {
    if (!has_next || mutated(Mutant::CentreNumberedEarly)) raise(recentring.number);
    write_first(out);
  }
  while (has_next) {
    if (out.must_stop()) return false;
    const bus::RecordIndex record = recentring.records[recentring.next++];
    has_next = find_next();
    HERD_ASSERT(record != centre_->record);  // judge() would replace *centre_->recentring
    judge(record, has_next ? 0 : recentring.number, out);
    if (is_over()) return false;
  }
  centre_->recentring.reset();
  return true;
}

// Lists the records, in slices.
bool MemberWatch::list(Output& out) {
  constexpr std::size_t kRecordsAtOnce = 64;
  Recentring& recentring = *centre_->recentring;
  for (; recentring.scanned < members_.slots(); ++recentring.scanned) {
    if (recentring.scanned % kRecordsAtOnce == kRecordsAtOnce - 1 && out.slice.is_over()) return false;
    const bus::RecordIndex record = members_.at(recentring.scanned);
    if (mutated(Mutant::CentreKeepsMembers)) continue;
    if (record != kNone && has_event(record)) recentring.records.push_back(record);
  }
  if (recentring.search) {
    if (!recentring.search->run(out.slice)) return false;
    for (const area::Found& found : recentring.search->take()) {
      if (members_.contains(found.record) || mutated(Mutant::CentreFindsNone)) continue;
      if (dwell_.count() == 0) {
        recentring.records.push_back(found.record);
      } else if (dwelling_ == nullptr || !dwelling_->find(found.record)) {
        dwell(found.record, recentring.number, out);
        if (is_over()) return false;
      }
    }
  }
  recentring.is_listed = true;
  return true;
}

void MemberWatch::write_first(Output& out) {
  Recentring& recentring = *centre_->recentring;
  recentring.first_is_written = true;
  if (!place().sight.events_only) write_event(recentring.first, centre_->record, std::nullopt, out);
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
  Recentring& recentring = *centre_->recentring;
  while (recentring.next < recentring.records.size() && !has_event(recentring.records[recentring.next])) {
    ++recentring.next;
  }
  return recentring.next < recentring.records.size();
}

}  // namespace herd::node::watches
