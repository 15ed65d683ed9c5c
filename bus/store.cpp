#include "bus/store.hpp"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <array>
#include <compare>
#include <cstring>
#include <tuple>
#include <utility>

#include "bus/mutants.hpp"
#include "protocol/assert.hpp"

namespace herd::bus {

using protocol::Nanoseconds;
using protocol::Update;

// The three texts stand behind each other in one allocation, which is kept while the new texts are as long as the old.
struct Store::Record {
  std::unique_ptr<char[]> texts;
  Nanoseconds time{};
  Nanoseconds difference{};
  ChangeNumber number = 0;          // in this node's feed
  std::uint64_t origin_number = 0;  // in the origin's feed
  std::uint32_t epoch = 0;
  OriginIndex origin = 0;
  std::uint8_t client_bytes = 0;
  std::uint8_t coordinates_bytes = 0;
  std::uint8_t time_bytes = 0;
  LinkIndex by = kToldHere;

  [[nodiscard]] std::string_view client() const { return {texts.get(), client_bytes}; }
  [[nodiscard]] std::string_view coordinates() const { return {texts.get() + client_bytes, coordinates_bytes}; }
  [[nodiscard]] std::string_view time_text() const {
    return {texts.get() + client_bytes + coordinates_bytes, time_bytes};
  }
  [[nodiscard]] std::size_t text_bytes() const { return std::size_t{client_bytes} + coordinates_bytes + time_bytes; }
};

// From a client's id to its record. Many small open-addressing tables instead of a large one: each grows alone, so no
// single insert has to move them all.
class Store::Index {
 public:
  explicit Index(std::uint64_t seed) : seed_(seed) {}

  struct Place {
    RecordIndex* slot = nullptr;  // where the record's index stands, or belongs
    bool found = false;
  };

  // `client_of(index)` gives the id of a record. Makes room for one more before it looks.
  template <typename ClientOf>
  Place find_or_make_room(std::string_view client, ClientOf&& client_of) {
    const std::uint64_t hash = hash_of(client);
    Table& table = tables_[hash >> (64 - kTableBits)];
    if ((table.used + 1) * 4 > table.slots.size() * 3) grow(table, client_of);
    RecordIndex* slot = probe(table.slots, hash, client, client_of);
    const bool found = *slot != kEmpty;
    if (!found) ++table.used;
    return {slot, found};
  }
  template <typename ClientOf>
  std::optional<RecordIndex> find(std::string_view client, ClientOf&& client_of) const {
    const std::uint64_t hash = hash_of(client);
    const Table& table = tables_[hash >> (64 - kTableBits)];
    if (table.slots.empty()) return std::nullopt;
    const RecordIndex index = *probe(table.slots, hash, client, client_of);
    return index == kEmpty ? std::nullopt : std::optional(index);
  }

 private:
  static constexpr unsigned kTableBits = 12;
  static constexpr RecordIndex kEmpty = UINT32_MAX;
  struct Table {
    std::vector<RecordIndex> slots;  // a power of two
    std::size_t used = 0;
  };

  [[nodiscard]] std::uint64_t hash_of(std::string_view client) const {
    return XXH3_64bits_withSeed(client.data(), client.size(), seed_);
  }
  template <typename Slots, typename ClientOf>
  static auto probe(Slots& slots, std::uint64_t hash, std::string_view client, ClientOf&& client_of)
      -> decltype(slots.data()) {
    std::size_t at = hash & (slots.size() - 1);
    while (slots[at] != kEmpty && client_of(slots[at]) != client) at = (at + 1) & (slots.size() - 1);
    return slots.data() + at;
  }
  template <typename ClientOf>
  void grow(Table& table, ClientOf&& client_of) {
    std::vector<RecordIndex> larger(table.slots.empty() ? 8 : table.slots.size() * 2, kEmpty);
    for (const RecordIndex index : table.slots) {
      if (index != kEmpty) *probe(larger, hash_of(client_of(index)), client_of(index), client_of) = index;
    }
    table.slots = std::move(larger);
  }

  std::uint64_t seed_;
  std::array<Table, std::size_t{1} << kTableBits> tables_;
};

namespace {

constexpr std::size_t kBlockRecords = 1024;

// The order of rule 1, on anything that has these fields.
template <typename A, typename B>
bool greater(const A& a, const B& b) {
  const auto key = [](const auto& x) {
    return std::tuple(x.epoch, x.time.count(), x.origin, x.coordinates, x.time_text, x.difference.count());
  };
  if (mutated(Mutant::TiesByArrival)) return std::tuple(a.epoch, a.time) > std::tuple(b.epoch, b.time);
  if (mutated(Mutant::SameCountsAsNewer)) return key(a) >= key(b);
  return key(a) > key(b);
}

RecordView as_record(const Update& update) {
  return {update.client,     update.coordinates, update.time_text, update.time,
          update.difference, update.id.origin,   update.epoch};
}

}  // namespace

Store::Store(std::uint64_t hash_seed, ChangeNumber base) : index_(std::make_unique<Index>(hash_seed)), feed_(base) {}
Store::~Store() = default;
Store::Store(Store&&) noexcept = default;

Store::Record& Store::at(RecordIndex index) const {
  return blocks_[index / kBlockRecords][index % kBlockRecords];
}

RecordView Store::view(const Record& record, const Origins& origins) {
  return {record.client(),   record.coordinates(),           record.time_text(), record.time,
          record.difference, origins.at(record.origin).name, record.epoch};
}

RecordIndex Store::create() {
  if (count_ % kBlockRecords == 0) blocks_.push_back(std::make_unique<Record[]>(kBlockRecords));
  return count_++;
}

void Store::assign(Record& record, const Update& update, LinkIndex by) {
  const std::size_t bytes = update.client.size() + update.coordinates.size() + update.time_text.size();
  if (record.texts == nullptr || record.text_bytes() != bytes) {
    record.texts = std::make_unique_for_overwrite<char[]>(bytes);  // `update` never points into the record it replaces
  }
  char* at = record.texts.get();
  for (const std::string_view text : {update.client, update.coordinates, update.time_text}) {
    std::memcpy(at, text.data(), text.size());
    at += text.size();
  }
  record.client_bytes = static_cast<std::uint8_t>(update.client.size());
  record.coordinates_bytes = static_cast<std::uint8_t>(update.coordinates.size());
  record.time_bytes = static_cast<std::uint8_t>(update.time_text.size());
  record.time = update.time;
  record.difference = update.difference;
  record.epoch = update.epoch;
  record.origin = origins_.use(update.id.origin, update.id.feed);
  record.origin_number = update.id.number;
  record.by = by;
}

Store::Merged Store::merge(const Update& update, LinkIndex by) {
  const auto place = index_->find_or_make_room(update.client, [this](RecordIndex i) { return at(i).client(); });
  if (!place.found) {
    *place.slot = create();
    digests_.add(as_record(update), *place.slot);
  } else {
    const Record& record = at(*place.slot);
    const RecordView known = view(record, origins_);
    if (!greater(as_record(update), known)) return Merged::Unchanged;
    digests_.replace(known, as_record(update));
    if (mutated(Mutant::ChangeStaysInPlace)) {
      origins_.release(record.origin);
      assign(at(*place.slot), update, by);
      return Merged::Changed;
    }
    feed_.retire(record.number);
    displaced_.note(record.number, *place.slot);
    origins_.release(record.origin);
  }
  Record& record = at(*place.slot);
  assign(record, update, by);
  record.number = feed_.append(*place.slot);
  return Merged::Changed;
}

std::optional<RecordView> Store::find(std::string_view client) const {
  const auto index = index_->find(client, [this](RecordIndex i) { return at(i).client(); });
  if (!index) return std::nullopt;
  return view(at(*index), origins_);
}

Update Store::update_at(RecordIndex index) const {
  const Record& record = at(index);
  const Origins::Origin& origin = origins_.at(record.origin);
  return {{origin.name, origin.feed, record.origin_number},
          record.epoch,
          record.client(),
          record.coordinates(),
          record.time_text(),
          record.time,
          record.difference};
}

LinkIndex Store::came_by(RecordIndex index) const {
  return at(index).by;
}

ChangeNumber Store::number_of(RecordIndex index) const {
  return at(index).number;
}

ChangeNumber Store::number_of(std::string_view client) const {
  const auto index = index_->find(client, [this](RecordIndex i) { return at(i).client(); });
  return index ? at(*index).number : 0;
}

}  // namespace herd::bus
