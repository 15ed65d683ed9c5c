#include "node/api/map_query.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "bus/store/age.hpp"
#include "bus/store/packed_record.hpp"

namespace herd::node::api {
namespace {

// Clients that are written between two looks at the slice: about 10 us. Their records are loaded together.
constexpr std::size_t kAtOnce = 32;

}  // namespace

MapQuery::MapQuery(const Parts& parts, const MapAsked& asked, area::Visible visible)
    : parts_(parts), box_(asked.box), visible_(std::move(visible)), number_(parts.store.feed().tail()) {
  if (!may_continue(asked.since)) return;
  kind_ = MapKind::Changed;
  after_ = asked.since->number;
  bytes_.emplace(parts_.store.feed().count_after(*after_));
}

bool MapQuery::may_continue(const std::optional<protocol::ResumeFrom>& since) const {
  return since && since->feed_id == parts_.feed_id && since->number >= parts_.oldest && since->number <= number_ &&
         parts_.store.feed().count_after(since->number) <= kMaxMapClients;
}

bool MapQuery::run(area::Slice& slice) {
  if (after_) return read_changes(slice);
  if (!is_searched_ && !search(slice)) return false;
  return kind_ == MapKind::Cells || write_clients(slice);
}

// A client that changes while this reads has a number above number_ then, and is in the next answer.
bool MapQuery::read_changes(area::Slice& slice) {
  auto reader = parts_.store.feed().read_after(*after_);
  std::array<bus::RecordIndex, kAtOnce> records;
  while (*after_ < number_) {
    std::size_t count = 0;
    while (count < kAtOnce) {
      const auto entry = reader.next();
      after_ = entry && entry->number <= number_ ? entry->number : number_;
      if (!entry || entry->number > number_) break;
      records[count++] = entry->index;
      parts_.store.prefetch(entry->index);
    }
    for (std::size_t i = 0; i < count; ++i) write(records[i]);
    if (slice.is_over()) return *after_ >= number_;
  }
  return true;
}

bool MapQuery::search(area::Slice& slice) {
  if (!search_) {
    area::Accepts accepts;
    if (visible_) accepts = [this](bus::RecordIndex record) { return visible_(parts_.index.tree().id_of(record)); };
    search_.emplace(parts_.index.tree(), box_, area::MapSearch::Limits{kMaxMapClients, kMaxMapCells},
                    std::move(accepts));
  }
  if (!search_->run(slice)) return false;
  is_searched_ = true;
  if (search_->are_few()) {
    bytes_.emplace(search_->clients().size());
    return true;
  }
  kind_ = MapKind::Cells;
  bytes_.emplace(kMaxMapCells);
  for (const area::CellCount& cell : search_->cells()) bytes_->add(cell);
  return true;
}

bool MapQuery::write_clients(area::Slice& slice) {
  const auto& clients = search_->clients();
  while (at_ < clients.size()) {
    const std::size_t end = std::min(clients.size(), at_ + kAtOnce);
    for (std::size_t i = at_; i < end; ++i) parts_.store.prefetch(clients[i]);
    for (; at_ < end; ++at_) write(clients[at_]);
    if (at_ < clients.size() && slice.is_over()) return false;
  }
  return true;
}

void MapQuery::write(bus::RecordIndex record) {
  const auto cell = parts_.store.packed_at(record);
  if (visible_ && !visible_(cell.client)) return;
  const auto point = bus::packed_point(cell.head, cell.body);
  if (!point && kind_ == MapKind::All) return;  // reset since the search found it
  const bus::RecordFields fields = bus::unpack_fields(cell.head, cell.body);
  bytes_->add({.record = record,
               .point = point.value_or(protocol::Point{}),
               .age = bus::age_of(fields.time, fields.difference, parts_.wall),
               .node = parts_.store.origin_at(fields.origin).name,
               .is_reset = !point});
}

std::string MapQuery::take_answer() {
  return bytes_->take({parts_.feed_id, number_, kind_});
}

}  // namespace herd::node::api
