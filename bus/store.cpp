#include "bus/store.hpp"

#include <algorithm>
#include <array>
#include <compare>
#include <tuple>

#include "bus/mutants.hpp"

namespace herd::bus {

using protocol::Update;

namespace {

Ordered ordered(const Update& u) {
  return {u.client, u.epoch, u.time, u.id.origin, u.coordinates, u.time_text, u.difference};
}

// The order of rule 1, for records of one epoch and time.
bool wins_tie(const Ordered& a, const Ordered& b) {
  const auto key = [](const Ordered& x) {
    return std::tuple(x.origin, x.coordinates, x.time_text, x.difference.count());
  };
  if (mutated(Mutant::TiesByArrival)) return false;
  if (mutated(Mutant::SameCountsAsNewer)) return key(a) >= key(b);
  return key(a) > key(b);
}

}  // namespace

Store::Store(std::uint64_t hash_seed, ChangeNumber base)
    : index_(std::make_unique<ClientIndex>(hash_seed)), feed_(base) {}

Store::Place Store::locate(std::string_view client) const {
  const ClientIndex::Place at =
      index_->find(index_->hash_of(client), [&](RecordIndex index) { return cells_.client(index) == client; });
  if (!at.index) return {at};
  const RecordCells::Cell cell = cells_.at(*at.index);
  return {at, cell, unpack_fields(cell.head, cell.body)};
}

Store::Merged Store::merge(const Update& update, LinkIndex by, const Place& place) {
  RecordFields fields{0, update.id.number, update.time, update.difference, update.epoch, 0};
  RecordHead head;
  head.by = by;
  RecordIndex index = 0;
  if (!place.found()) {
    head.hash = hash_of(ordered(update));
    index = cells_.create(update.client);
    index_->insert(place.at.hash, index);
    cells_.chain(index, digests_.add(update.client, head.hash, index));
    fields.number = feed_.append(index);
  } else {
    if (!is_greater(update, place)) return Merged::Unchanged;
    index = place.index();
    head.hash = hash_of(ordered(update));
    digests_.replace(update.client, place.cell.head.hash, head.hash);
    origins_.release(place.known.origin);
    const ChangeNumber old = place.known.number;
    fields.number = mutated(Mutant::ChangeStaysInPlace) ? old : move_to_tail(index, old);
  }
  fields.origin = origins_.use(update.id.origin, update.id.feed);
  RecordBody body;
  pack_record(fields, update.coordinates, update.time_text, head, body);
  cells_.put(index, head, body);
  return Merged::Changed;
}

// Most are told apart by what costs least to look at.
bool Store::is_greater(const Update& update, const Place& place) const {
  if (update.epoch != place.known.epoch) return update.epoch > place.known.epoch;
  if (update.time != place.known.time) return update.time > place.known.time;
  const RecordView record = record_at(place.index());
  return wins_tie(ordered(update), record.ordered());
}

ChangeNumber Store::move_to_tail(RecordIndex index, ChangeNumber old) {
  feed_.retire(old);
  displaced_.note(old, index);
  return feed_.append(index);
}

// Step by step through all of them, so that the memory of one is on its way while the next is asked for.
void Store::prefetch(std::span<const std::string_view> clients) const {
  constexpr std::size_t kAtOnce = 64;
  std::array<std::uint64_t, kAtOnce> hashes;
  std::array<RecordIndex, kAtOnce> indexes;
  clients = clients.first(std::min(clients.size(), kAtOnce));
  for (std::size_t i = 0; i < clients.size(); ++i) {
    hashes[i] = index_->hash_of(clients[i]);
    index_->prefetch(hashes[i]);
  }
  std::size_t found = 0;
  for (std::size_t i = 0; i < clients.size(); ++i) {
    // The first whose hash agrees: it need not be the client's, a hint may be wrong.
    const ClientIndex::Place place = index_->find(hashes[i], [](RecordIndex) { return true; });
    if (!place.index) continue;
    cells_.prefetch(*place.index);
    indexes[found++] = *place.index;
  }
  for (std::size_t i = 0; i < found; ++i) feed_.prefetch(number_of(indexes[i]));
}

std::optional<RecordView> Store::find(std::string_view client) const {
  const Place place = locate(client);
  if (!place.found()) return std::nullopt;
  return record_at(place.index());
}

RecordView Store::record_at(RecordIndex index) const {
  RecordView view;
  const RecordCells::Cell cell = cells_.at(index);
  const RecordFields fields = unpack_record(cell.head, cell.body, view.coordinates, view.time_text);
  view.client = cell.client;
  view.time = fields.time;
  view.difference = fields.difference;
  view.origin = origins_.at(fields.origin).name;
  view.epoch = fields.epoch;
  return view;
}

Update Store::update_at(RecordIndex index, UpdateTexts& texts) const {
  const RecordCells::Cell cell = cells_.at(index);
  const RecordFields fields = unpack_record(cell.head, cell.body, texts.coordinates, texts.time_text);
  const Origins::Origin& origin = origins_.at(fields.origin);
  return {{origin.name, origin.feed, fields.origin_number},
          fields.epoch,
          cell.client,
          texts.coordinates,
          texts.time_text,
          fields.time,
          fields.difference};
}

LinkIndex Store::came_by(RecordIndex index) const {
  return cells_.at(index).head.by;
}

ChangeNumber Store::number_of(RecordIndex index) const {
  const RecordCells::Cell cell = cells_.at(index);
  return packed_number(cell.head, cell.body);
}

ChangeNumber Store::number_of(std::string_view client) const {
  const Place place = locate(client);
  return place.found() ? place.known.number : 0;
}

}  // namespace herd::bus
