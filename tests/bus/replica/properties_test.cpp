// The store, its feed and its superseded changes, compared with a simple model over many random operations: a map of
// the greatest records and a list of changes. Every run uses the same seeds.
#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "bus/store/store.hpp"
#include "tests/bus/sample_update.hpp"
#include "tests/catch.hpp"
#include "tests/sim/random.hpp"

using namespace herd::bus;
using herd::protocol::Nanoseconds;
using herd::protocol::Update;
using herd::sim::Random;

namespace {

constexpr std::size_t kSegmentEntries = 4096;  // entries of a segment of the feed

struct PlainStore {
  using Key = std::tuple<std::uint32_t, std::int64_t, std::string, std::string, std::string, std::int64_t>;
  struct Record {
    Key key;
    ChangeNumber number = 0;
    PeerIndex by = 0;
    std::uint64_t feed = 0;
    std::uint64_t origin_number = 0;
  };
  std::map<std::string, Record> records;
  std::map<ChangeNumber, std::string> feed;
  ChangeNumber tail = 0;

  static Key key_of(const Update& u) {
    return {u.epoch,
            u.time.count(),
            std::string(u.id.origin),
            std::string(u.coordinates),
            std::string(u.time_text),
            u.difference.count()};
  }

  bool merge(const Update& u, PeerIndex by) {
    const std::string client(u.client);
    const auto known = records.find(client);
    if (known != records.end() && known->second.key >= key_of(u)) return false;
    if (known != records.end()) feed.erase(known->second.number);
    records[client] = {key_of(u), ++tail, by, u.id.run, u.id.number};
    feed[tail] = client;
    return true;
  }
};

// A journal with flushes: for each client the change number that is on disk, and the one that is being written.
struct PlainDisk {
  using Numbers = std::map<std::string, ChangeNumber>;
  Numbers durable;
  Numbers in_flush_numbers;
  ChangeNumber durable_to = 0;
  ChangeNumber flush_to = 0;
  bool in_flush = false;

  void step(Store& store, const PlainStore& plain, Random& random) {
    if (!in_flush) {
      in_flush_numbers = durable;
      for (const auto& [client, record] : plain.records) in_flush_numbers[client] = record.number;
      flush_to = plain.tail;
      store.superseded().begin_flush(flush_to);
    } else if (random.chance(0.3)) {
      store.superseded().flush_failed(durable_to);
    } else {
      durable = in_flush_numbers;
      durable_to = flush_to;
      if (random.chance(0.5)) {
        store.superseded().full_flush_written();
      } else {
        store.superseded().flush_durable(durable_to, [&](RecordIndex index) { return store.number_of(index); });
      }
    }
    in_flush = !in_flush;
  }

  // Each record that a crash would bring back under an old number must be listed as superseded, exactly once.
  void check(const Store& store, const PlainStore& plain) const {
    std::map<std::string, std::vector<ChangeNumber>> superseded;
    for (const SupersededChanges::Entry& entry : store.superseded().entries()) {
      REQUIRE(entry.old < store.number_of(entry.index));
      superseded[std::string(store.record_at(entry.index).client)].push_back(entry.old);
    }
    std::size_t most = 0;
    for (const Numbers* numbers : {&durable, &in_flush_numbers}) {
      if (numbers == &in_flush_numbers && !in_flush) continue;
      for (const auto& [client, number] : *numbers) {
        if (plain.records.at(client).number == number) continue;
        const auto& olds = superseded[client];
        REQUIRE(std::count(olds.begin(), olds.end(), number) == 1);
      }
      most += numbers->size();
    }
    REQUIRE(store.superseded().entries().size() <= std::max(most, durable.size()) * 2);
  }
};

void check_reading(const Store& store, const PlainStore& plain, ChangeNumber cursor) {
  Feed::Reader reader = store.feed().read_after(cursor);
  for (auto expected = plain.feed.upper_bound(cursor); expected != plain.feed.end(); ++expected) {
    const auto entry = reader.next();
    REQUIRE(entry);
    REQUIRE(entry->number == expected->first);
    REQUIRE(store.record_at(entry->index).client == expected->second);
  }
  REQUIRE_FALSE(reader.next());
}

void check_record(const Store& store, const PlainStore& plain, const std::string& client) {
  const auto record = store.find(client);
  const auto expected = plain.records.find(client);
  REQUIRE(record.has_value() == (expected != plain.records.end()));
  if (!record) return;
  Update update = sample_update(client);
  update.epoch = record->epoch;
  update.time = record->time;
  update.id.origin = record->origin;
  update.coordinates = record->coordinates;
  update.time_text = record->time_text;
  update.difference = record->difference;
  REQUIRE(PlainStore::key_of(update) == expected->second.key);
  REQUIRE(store.number_of(client) == expected->second.number);
}

void check_all(const Store& store, const PlainStore& plain, Random& random) {
  store.check_invariants();
  REQUIRE(store.size() == plain.records.size());
  REQUIRE(store.feed().tail() == plain.tail);
  REQUIRE(store.feed().held() <= 4 * store.size() + 2 * kSegmentEntries);
  for (const ChangeNumber cursor : {ChangeNumber{0}, plain.tail, random.below(plain.tail + 1)}) {
    check_reading(store, plain, cursor);
  }
  Feed::Reader reader = store.feed().read_after(random.below(plain.tail + 1));
  UpdateTexts texts;
  while (const auto entry = reader.next()) {
    const Update update = store.update_at(entry->index, texts);
    const PlainStore::Record& expected = plain.records.at(std::string(update.client));
    REQUIRE(PlainStore::key_of(update) == expected.key);
    REQUIRE(update.id.run == expected.feed);
    REQUIRE(update.id.number == expected.origin_number);
    REQUIRE(store.came_by(entry->index) == expected.by);
    REQUIRE(store.number_of(entry->index) == expected.number);
  }
}

struct Drawn {
  std::string client, coordinates, time_text, origin;
  Update update;

  // Half of the updates come from few clients, so that segments of the feed become stale. Ties are frequent. Times
  // begin at `since`, in seconds.
  Drawn(Random& random, std::size_t clients, std::uint64_t since) {
    const std::size_t among = random.chance(0.5) ? std::min<std::size_t>(clients, 20) : clients;
    client = "client" + std::to_string(random.below(among));
    origin = random.chance(0.5) ? "Hill" : "Smith" + std::to_string(random.below(20));
    const auto digits = std::to_string(random.below(90));
    coordinates = "+" + digits + (random.chance(0.5) ? "-1" : "+100.125");
    const std::uint64_t seconds = since + random.below(50);
    time_text = std::to_string(seconds) + (random.chance(0.3) ? ".0" : "");
    update.id = {{}, random.below(3), random.below(1000) + 1};
    update.time = std::chrono::seconds(seconds);
    update.epoch = random.chance(0.02) ? 1 : 0;
    update.difference = Nanoseconds(random.between(-1, 1));
  }
  [[nodiscard]] Update view() const {
    Update u = update;
    u.client = client;
    u.coordinates = coordinates;
    u.time_text = time_text;
    u.id.origin = origin;
    return u;
  }
};

struct Sizes {
  std::uint64_t seed;
  std::size_t clients;
  int operations;
};

}  // namespace

TEST_CASE("after any operations a store equals a map of the greatest records and a list of changes") {
  for (const Sizes& sizes : {Sizes{1, 3, 2000}, Sizes{2, 50, 5000}, Sizes{3, 2000, 40'000}, Sizes{4, 9000, 40'000}}) {
    INFO("seed " << sizes.seed);
    Random random(sizes.seed);
    const ChangeNumber base = random.chance(0.5) ? 0 : random.below(1000);
    Store store(sizes.seed, base);
    PlainStore plain;
    plain.tail = base;
    PlainDisk disk;
    for (int operation = 0; operation < sizes.operations; ++operation) {
      // Time must pass, or in the end no update would be newer.
      const Drawn drawn(random, sizes.clients, static_cast<std::uint64_t>(operation / 100));
      const auto by = static_cast<PeerIndex>(random.below(4));
      const bool changed = store.merge(drawn.view(), by) == Store::Merged::Changed;
      REQUIRE(changed == plain.merge(drawn.view(), by));
      check_record(store, plain, drawn.client);
      if (random.chance(0.005)) {
        plain.tail += random.below(std::uint64_t{1} << 40);
        store.skip_to(plain.tail);
      }
      if (random.chance(0.01)) disk.step(store, plain, random);
      if (operation % 500 != 0) continue;
      check_all(store, plain, random);
      disk.check(store, plain);
    }
    check_all(store, plain, random);
    disk.check(store, plain);
  }
}
