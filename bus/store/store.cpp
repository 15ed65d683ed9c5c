#include "bus/store/store.hpp"

#include <algorithm>
#include <compare>
#include <tuple>
#include <vector>

#include "bus/store/mutants.hpp"
#include "protocol/assert.hpp"
#include "protocol/small_texts.hpp"

namespace herd::bus {

using protocol::same_text;
using protocol::Update;

namespace {

Ordered ordered(const Update& u) {
  return {u.client, u.epoch, u.time, u.id.origin, u.coordinates, u.time_text, u.difference};
}

// The order of rule 1, for records with equal epoch and time.
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

Store::Slot Store::locate(const ClientKey& key) const {
  const auto is_match = [&](RecordIndex index) { return same_text(cells_.client(index), key.client); };
  const bool guessed = key.guess && is_match(*key.guess);
  const ClientIndex::Found at = guessed ? ClientIndex::Found{key.hash, key.guess} : index_->find(key.hash, is_match);
  if (!at.index) return {at};
  const RecordCells::Cell cell = cells_.at(*at.index);
  return {at, cell, unpack_fields(cell.head, cell.body)};
}

Store::Merged Store::merge(const Update& update, PeerIndex by, const Slot& slot) {
  RecordFields fields{0, update.id.number, update.time, update.difference, update.epoch, 0};
  RecordHead head;
  head.by = by;
  RecordIndex index = 0;
  if (!slot.found()) {
    head.hash = hash_of(ordered(update));
    index = cells_.create(update.client);
    index_->insert(slot.at.hash, index);
    const Bucket bucket = bucket_of(update.client);
    cells_.chain(index, bucket, digests_.add(bucket, head.hash, index));
    fields.number = feed_.append(index);
  } else {
    if (!is_greater(update, slot)) return Merged::Unchanged;
    index = slot.index();
    head.hash = hash_of(ordered(update));
    digests_.replace(cells_.bucket(index), slot.cell.head.hash, head.hash);
    origins_.release(slot.known.origin);
    const ChangeNumber old = slot.known.number;
    fields.number = mutated(Mutant::ChangeStaysInPlace) ? old : move_to_tail(index, old);
  }
  fields.origin = origins_.use(update.id.origin, update.id.run);
  RecordBody body;
  pack_record(fields, update.coordinates, update.time_text, head, body);
  cells_.put(index, head, body);
  return Merged::Changed;
}

// Compares the cheap fields first: epoch and time decide in most cases.
bool Store::is_greater(const Update& update, const Slot& slot) const {
  if (update.epoch != slot.known.epoch) return update.epoch > slot.known.epoch;
  if (update.time != slot.known.time) return update.time > slot.known.time;
  const RecordView record = record_at(slot.index());
  return wins_tie(ordered(update), record.ordered());
}

ChangeNumber Store::move_to_tail(RecordIndex index, ChangeNumber old) {
  feed_.retire(old);
  superseded_.note(old, index);
  return feed_.append(index);
}

// Each step visits all clients before the next step begins, so that the cache misses of one step overlap.
void Store::look_ahead(std::span<ClientKey> clients) const {
  for (ClientKey& key : clients) {
    key.guess.reset();
    if (key.client.empty()) continue;
    key.hash = index_->hash_of(key.client);
    index_->prefetch(key.hash);
  }
  for (ClientKey& key : clients) {
    if (key.client.empty()) continue;
    // The first record with a matching hash; it may belong to another client.
    key.guess = index_->find(key.hash, [](RecordIndex) { return true; }).index;
    if (key.guess) cells_.prefetch(*key.guess);
  }
  for (const ClientKey& key : clients) {
    if (key.guess) feed_.prefetch(number_of(*key.guess));
  }
}

std::optional<RecordView> Store::find(std::string_view client) const {
  const Slot slot = locate(client);
  if (!slot.found()) return std::nullopt;
  return record_at(slot.index());
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

PeerIndex Store::came_by(RecordIndex index) const {
  return cells_.at(index).head.by;
}

ChangeNumber Store::number_of(RecordIndex index) const {
  const RecordCells::Cell cell = cells_.at(index);
  return packed_number(cell.head, cell.body);
}

ChangeNumber Store::number_of(std::string_view client) const {
  const Slot slot = locate(client);
  return slot.found() ? slot.known.number : 0;
}

void Store::check_invariants() const {
  std::size_t records = 0;
  std::uint64_t total = 0;
  std::vector<std::uint64_t> uses;  // of the origins, by index
  for (Bucket bucket = 0; bucket < protocol::kBuckets; ++bucket) {
    std::uint64_t sum = 0;
    for (RecordIndex at = digests_.first(bucket); at != BucketDigests::kEnd; at = next_in_bucket(at)) {
      HERD_ASSERT(has(at) && records < feed_.size());
      check_record(at, bucket);
      const RecordCells::Cell cell = cells_.at(at);
      sum += cell.head.hash;
      const OriginIndex origin = packed_origin(cell.head, cell.body);
      uses.resize(std::max<std::size_t>(uses.size(), origin + std::size_t{1}));
      ++uses[origin];
      ++records;
    }
    HERD_ASSERT(sum == digests_.sums()[bucket]);
    total += sum;
  }
  HERD_ASSERT(total == digests_.total() && records == feed_.size() && records == cells_.size());
  origins_.check_invariants(uses);
  index_->check_invariants(records);
  feed_.check_invariants();
  Feed::Reader reader = feed_.read_after(0);
  while (const auto entry = reader.next()) HERD_ASSERT(has(entry->index) && number_of(entry->index) == entry->number);
  superseded_.check_invariants([this](RecordIndex index) { return number_of(index); });
}

void Store::check_record(RecordIndex index, Bucket bucket) const {
  const RecordView record = record_at(index);
  HERD_ASSERT(bucket_of(record.client) == bucket && cells_.bucket(index) == bucket);
  HERD_ASSERT(hash_of(record.ordered()) == cells_.at(index).head.hash);
  HERD_ASSERT(locate(record.client).at.index == index);
}

}  // namespace herd::bus
