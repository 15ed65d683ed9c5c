#include "bus/store/store.hpp"

#include <compare>
#include <tuple>

#include "bus/store/mutants.hpp"
#include "protocol/small_texts.hpp"

namespace herd::bus {

using protocol::same_text;
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

Store::Place Store::locate(const Sought& sought) const {
  const auto is_it = [&](RecordIndex index) { return same_text(cells_.client(index), sought.client); };
  const bool guessed = sought.guess && is_it(*sought.guess);
  const ClientIndex::Place at =
      guessed ? ClientIndex::Place{sought.hash, sought.guess} : index_->find(sought.hash, is_it);
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
    const Bucket bucket = bucket_of(update.client);
    cells_.chain(index, bucket, digests_.add(bucket, head.hash, index));
    fields.number = feed_.append(index);
  } else {
    if (!is_greater(update, place)) return Merged::Unchanged;
    index = place.index();
    head.hash = hash_of(ordered(update));
    digests_.replace(cells_.bucket(index), place.cell.head.hash, head.hash);
    origins_.release(place.known.origin);
    const ChangeNumber old = place.known.number;
    fields.number = mutated(Mutant::ChangeStaysInPlace) ? old : move_to_tail(index, old);
  }
  fields.origin = origins_.use(update.id.origin, update.id.run);
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
void Store::look_ahead(std::span<Sought> clients) const {
  for (Sought& sought : clients) {
    sought.guess.reset();
    if (sought.client.empty()) continue;
    sought.hash = index_->hash_of(sought.client);
    index_->prefetch(sought.hash);
  }
  for (Sought& sought : clients) {
    if (sought.client.empty()) continue;
    // The first whose hash agrees: it need not be the client's.
    sought.guess = index_->find(sought.hash, [](RecordIndex) { return true; }).index;
    if (sought.guess) cells_.prefetch(*sought.guess);
  }
  for (const Sought& sought : clients) {
    if (sought.guess) feed_.prefetch(number_of(*sought.guess));
  }
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
  return {{origin.name, origin.run, fields.origin_number},
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
