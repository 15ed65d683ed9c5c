// The lines of a MemberWatch up to READY.
//
// A new watch begins at the cursor of the area index. It searches its members in pages, while clients may move; after
// READY it judges all changes after its beginning, so those that a page missed or showed earlier are put right.
//
// A resumed watch first searches the members that did not change since, which the reader knows. Then it reads the feed
// after the number from which it resumes, to its tail, and writes how each client is that changed.
#include <algorithm>
#include <utility>

#include "node/watches/member_watch.hpp"
#include "node/watches/mutants.hpp"
#include "protocol/assert.hpp"

namespace herd::node::watches {

using protocol::Point;

bool MemberWatch::open(Output& out) {
  while (!is_open()) {
    if (is_over() || out.is_full()) return false;
    switch (opening_->stage) {
      case Opening::Stage::Begin:
        begin_opening(out);
        break;
      case Opening::Stage::Search:
        if (out.slice.is_over() || !search_page(out)) return false;
        break;
      case Opening::Stage::Page:
        if (!write_page(out)) return false;
        break;
      case Opening::Stage::Changes:
        if (!write_changes(out)) return false;
        opening_->stage = Opening::Stage::Ready;
        break;
      case Opening::Stage::Ready:
        end_opening(out);
        break;
    }
  }
  return true;
}

// The centre of a resumed watch is where it was when WATCH was accepted, as it must not have changed by then.
void MemberWatch::begin_opening(Output& out) {
  opening_->cursor = resumed_after().value_or(place().shared.index.cursor());
  opening_->stage = Opening::Stage::Search;
  if (centre_ != nullptr && !resumed_after()) {
    const std::optional<Point> point = tree().point_of(centre_->record);
    centre_->is_known = point.has_value();
    if (!point) {
      opening_->stage = Opening::Stage::Ready;
      return;
    }
    centre_->version = version_of(centre_->record);
    area_->set_centre(*point);
    centre_->was_away = false;
  }
  if (area_) add_area();
  if (mutated(Mutant::SnapshotNumbered)) raise(opening_->cursor);
  if (centre_ != nullptr && !resumed_after()) write_event(EventKind::Centre, centre_->record, std::nullopt, out);
}

bool MemberWatch::search_page(Output& out) {
  Opening& opening = *opening_;
  opening.page.clear();
  opening.next = 0;
  if (!area_) {
    if (client_ != kNone) opening.page.push_back(client_);
  } else if (area_->is_circle()) {
    if (!opening.near) {
      const protocol::Millimetres radius = area_->radius() + (resumed_after() ? area_->slack() : 0);
      opening.near.emplace(tree(), area_->centre(), radius, kPage, opening.near_place, nullptr);
    }
    if (!opening.near->run(out.slice)) return false;
    const std::vector<area::Found> found = opening.near->take();
    for (const area::Found& one : found) opening.page.push_back(one.record);
    if (mutated(Mutant::FarthestFirst)) std::reverse(opening.page.begin(), opening.page.end());
    opening.has_more = opening.near->has_more();
    if (!found.empty()) opening.near_place = {found.back().distance, std::string(tree().id_of(found.back().record))};
    opening.near.reset();
  } else {
    if (!opening.within) opening.within.emplace(tree(), area_->box(), kPage, opening.within_place, nullptr);
    if (!opening.within->run(out.slice)) return false;
    opening.page = opening.within->take();
    opening.has_more = opening.within->has_more();
    opening.within_place = opening.within->last_place();
    opening.within.reset();
  }
  opening.stage = Opening::Stage::Page;
  return true;
}

bool MemberWatch::write_page(Output& out) {
  for (; opening_->next < opening_->page.size(); ++opening_->next) {
    if (out.must_stop()) return false;
    write_found(opening_->page[opening_->next], out);
    if (is_over()) return false;
  }
  const bool reads_changes = resumed_after() && !mutated(Mutant::ResumeSkipsChanges);
  const Opening::Stage after = reads_changes ? Opening::Stage::Changes : Opening::Stage::Ready;
  const bool has_more = opening_->has_more && !mutated(Mutant::ReadyTooEarly);
  opening_->stage = has_more ? Opening::Stage::Search : after;
  return true;
}

void MemberWatch::write_found(bus::RecordIndex record, Output& out) {
  const std::optional<Point> point = tree().point_of(record);
  if (!point || members_.contains(record) || (centre_ != nullptr && record == centre_->record)) return;
  if (resumed_after() && store().number_of(record) > *resumed_after()) return;
  if (!accepts(record)) return;
  if (!resumed_after()) {
    if (!contains(record, *point, false)) return;
    enter(record, *point, {EventKind::Here, 0}, out);
    ++opening_->count;
  } else if (!contains(record, *point, false)) {
    if (mutated(Mutant::SlackKeptAtResume)) return insert(record);
    write_event(EventKind::Leave, record, sighting(point), out);  // in the slack
  } else if (!end_if_too_many(counted() + 1, out)) {
    insert(record);
  }
}

// Clients that change while this is read come again at the end of the feed. One that moves into the slack leaves: at
// READY the members are those inside the radius.
bool MemberWatch::write_changes(Output& out) {
  if (!area_) {
    if (client_ != kNone && store().number_of(client_) > opening_->cursor) {
      write_changed(client_, store().number_of(client_), out);
    }
    opening_->cursor = place().shared.index.cursor();
    return true;
  }
  constexpr unsigned kRecordsAtOnce = 32;
  bus::Feed::Reader reader = store().feed().read_after(opening_->cursor);
  for (unsigned count = 1; const auto entry = reader.next(); ++count) {
    if (out.is_full() || (count % kRecordsAtOnce == 0 && out.slice.is_over())) return false;
    opening_->cursor = entry->number;
    write_changed(entry->index, entry->number, out);
    if (is_over()) return false;
  }
  opening_->cursor = place().shared.index.cursor();
  return true;
}

void MemberWatch::write_changed(bus::RecordIndex record, bus::ChangeNumber number, Output& out) {
  if (centre_ != nullptr && record == centre_->record) {
    if (centre_->held == 0) centre_->held = number;
    return;
  }
  if (!accepts(record)) return;
  const std::optional<Point> point = tree().point_of(record);
  const bool is_member = members_.contains(record);
  if (point && contains(record, *point, is_member && mutated(Mutant::SlackCountsAtResume))) {
    if (is_member) erase(record);
    enter(record, *point, {EventKind::Here, 0}, out);
    ++opening_->count;
    return;
  }
  if (is_member) erase(record);
  if (mutated(Mutant::ReadyCountsLeaves)) ++opening_->count;
  write_event(point ? EventKind::Leave : EventKind::Gone, record, sighting(point), out);
}

void MemberWatch::end_opening(Output& out) {
  const bus::ChangeNumber cursor = opening_->cursor;
  write_ready(cursor, opening_->count, out);
  begin_following(cursor);
  opening_.reset();
}

}  // namespace herd::node::watches
