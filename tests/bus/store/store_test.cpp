#include "bus/store/store.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <random>
#include <string>
#include <tuple>

#include "protocol/limits.hpp"
#include "protocol/time_text.hpp"
#include "tests/bus/sample_update.hpp"
#include "tests/catch.hpp"

using namespace herd::bus;
using herd::protocol::Nanoseconds;
using herd::protocol::Update;

namespace {

constexpr auto kChanged = Store::Merged::Changed;
constexpr auto kUnchanged = Store::Merged::Unchanged;

// The fields of a record as a tuple, which compares by the order of rule 1.
using Key = std::tuple<std::uint32_t, std::int64_t, std::string, std::string, std::string, std::int64_t>;

Key key(const Update& u) {
  return {u.epoch,
          u.time.count(),
          std::string(u.id.origin),
          std::string(u.coordinates),
          std::string(u.time_text),
          u.difference.count()};
}
Key key(const RecordView& r) {
  return {r.epoch,
          r.time.count(),
          std::string(r.origin),
          std::string(r.coordinates),
          std::string(r.time_text),
          r.difference.count()};
}

// A random update with few values for each field, so that ties are frequent.
Update drawn(std::mt19937_64& random) {
  static constexpr std::array<std::string_view, 3> kClients{"a", "b", "kiwi.example"};
  static constexpr std::array<std::string_view, 3> kOrigins{"Hill", "Hill2", "Smith"};
  static constexpr std::array<std::string_view, 3> kCoordinates{"+1-2", "+1-20", "+10-2"};
  static constexpr std::array<std::string_view, 9> kTimes{"5", "5.0", "05", "5.1", "5.10", "05.1", "6", "6.0", "06"};
  Update u;
  u.id = {kOrigins[random() % 3], random() % 3, random() % 50 + 1};
  u.epoch = static_cast<std::uint32_t>(random() % 2);
  u.client = kClients[random() % 3];
  u.coordinates = kCoordinates[random() % 3];
  u.time_text = kTimes[random() % kTimes.size()];
  u.time = *herd::protocol::parse_time(u.time_text);
  u.difference = Nanoseconds{static_cast<std::int64_t>(random() % 3) - 1};
  return u;
}

}  // namespace

TEST_CASE("a record is compared by epoch, time, origin, coordinates, time text and difference, in this order") {
  const auto greater_in = [](std::size_t field, Update update) {
    switch (field) {
      case 0:
        update.epoch += 1;
        break;
      case 1:
        update.time += 1ns;
        update.time_text = "5.000000001";
        break;
      case 2:
        update.id.origin = "Hilm";
        break;
      case 3:
        update.coordinates = "+1-3";
        break;
      case 4:
        update.time_text = "5.0";
        break;
      default:
        update.difference += 1ns;
    }
    return update;
  };
  const auto least_in = [](std::size_t from, Update update) {
    if (from <= 1) {
      update.time = 0s;
      update.time_text = "0";
    }
    if (from <= 2) update.id.origin = "A";
    if (from <= 3) update.coordinates = "+0-0";
    if (from > 1 && from <= 4) {
      update.time_text = update.time == 5s ? "0000000005" : "0000000005.000000001";
    }
    update.difference = Nanoseconds::min();
    return update;
  };
  for (std::size_t field = 0; field < 6; ++field) {
    INFO("field " << field);
    Store store(1);
    REQUIRE(store.merge(sample_update("kiwi"), 0) == kChanged);
    Update winner = greater_in(field, sample_update("kiwi", 2));
    if (field < 5) winner = least_in(field + 1, winner);  // the fields that are compared later must not matter
    CHECK(store.merge(winner, 1) == kChanged);
    CHECK(key(*store.find("kiwi")) == key(winner));
    CHECK(store.merge(sample_update("kiwi", 3), 0) == kUnchanged);
    CHECK(key(*store.find("kiwi")) == key(winner));
  }
}

TEST_CASE("change number, run and link are not part of the order") {
  Store store(1);
  REQUIRE(store.merge(sample_update("kiwi", 1), 0) == kChanged);
  Update again = sample_update("kiwi", 2);
  again.id.run = 99;
  CHECK(store.merge(again, 5) == kUnchanged);
  CHECK(store.feed().tail() == 1);
  CHECK(store.came_by(0) == 0);
  UpdateTexts texts;
  CHECK(store.update_at(0, texts).id.run == 7);
}

TEST_CASE("texts compare by unsigned bytes on every machine") {
  Store store(1);
  Update high = sample_update("kiwi");
  high.coordinates = "\x80";
  REQUIRE(store.merge(high, 0) == kChanged);
  Update low = sample_update("kiwi");
  low.coordinates = "\x7f";
  CHECK(store.merge(low, 0) == kUnchanged);
}

TEST_CASE("merging is commutative, associative and idempotent, and equal stores have equal digests") {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    INFO("seed " << seed);
    std::mt19937_64 random(seed);
    std::vector<Update> updates(1 + random() % 60);
    std::generate(updates.begin(), updates.end(), [&] { return drawn(random); });
    std::map<std::string, Key> model;
    for (const Update& u : updates) {
      auto [at, is_new] = model.emplace(u.client, key(u));
      if (!is_new) at->second = std::max(at->second, key(u));
    }
    std::uint64_t digest = 0;
    for (int order = 0; order < 3; ++order) {
      Store store(seed + static_cast<std::uint64_t>(order));
      for (const Update& u : updates) (void)store.merge(u, 0);
      for (const Update& u : updates) REQUIRE(store.merge(u, 1) == kUnchanged);
      REQUIRE(store.size() == model.size());
      for (const auto& [client, greatest] : model) REQUIRE(key(*store.find(client)) == greatest);
      if (order > 0) REQUIRE(store.digest() == digest);
      digest = store.digest();
      std::shuffle(updates.begin(), updates.end(), random);
    }
  }
}

TEST_CASE("the digest covers exactly the fields of the order, and the client") {
  const auto digest_of = [](const Update& update) {
    Store store(1);
    (void)store.merge(update, 0);
    return store.digest();
  };
  const Update base = sample_update("kiwi");
  const std::uint64_t digest = digest_of(base);
  Update other = base;
  other.id.number = 77;
  other.id.run = 78;
  CHECK(digest_of(other) == digest);
  const auto differs = [&](auto change) {
    Update changed = base;
    change(changed);
    return digest_of(changed) != digest;
  };
  CHECK(differs([](Update& u) { u.client = "kiwj"; }));
  CHECK(differs([](Update& u) { u.epoch = 1; }));
  CHECK(differs([](Update& u) { u.time += 1ns; }));
  CHECK(differs([](Update& u) { u.id.origin = "Smith"; }));
  CHECK(differs([](Update& u) { u.coordinates = "+1-3"; }));
  CHECK(differs([](Update& u) { u.time_text = "5.0"; }));
  CHECK(differs([](Update& u) { u.difference = -1ns; }));
  CHECK(differs([](Update& u) { u.client = "kiwi+", u.coordinates = "1-2"; }));
  CHECK(Store(1).digest() == 0);
}

TEST_CASE("the digest of a store is the same number on every machine") {
  Store store(12345);
  (void)store.merge(sample_update("kiwi"), 0);
  CHECK(store.digest() == 0xac95ccdb3e01ab7dULL);
}

TEST_CASE("every merge that changes the store moves the client's only feed entry to the tail") {
  Store store(1, 1000);
  CHECK(store.feed().tail() == 1000);
  (void)store.merge(sample_update("a"), 0);
  (void)store.merge(sample_update("b"), 1);
  Update newer = sample_update("a");
  newer.time += 1s;
  (void)store.merge(newer, 2);
  CHECK(store.feed().tail() == 1003);
  CHECK(store.size() == 2);
  Feed::Reader reader = store.feed().read_after(0);
  const auto first = reader.next();
  const auto second = reader.next();
  REQUIRE(first);
  REQUIRE(second);
  CHECK_FALSE(reader.next());
  CHECK(first->number == 1002);
  CHECK(store.record_at(first->index).client == "b");
  CHECK(second->number == 1003);
  CHECK(store.record_at(second->index).client == "a");
  CHECK(store.came_by(second->index) == 2);
}

TEST_CASE("a record is sent on as it was received, with the identity that its origin gave it") {
  Store store(1);
  const std::string client(herd::protocol::kMaxClientBytes, '\xfe');
  const std::string coordinates(herd::protocol::kMaxCoordinatesBytes, '1');
  const std::string time(herd::protocol::kMaxTimeBytes, '2');
  Update u = sample_update(client, 99);
  u.epoch = UINT32_MAX;
  u.coordinates = coordinates;
  u.time_text = time;
  u.difference = Nanoseconds::min();
  (void)store.merge(u, 3);
  UpdateTexts texts;
  const Update sent = store.update_at(0, texts);
  CHECK(key(sent) == key(u));
  CHECK(sent.client == client);
  CHECK(sent.id.run == 7);
  CHECK(sent.id.number == 99);
}

TEST_CASE("texts of different lengths replace each other completely") {
  Store store(1);
  std::int64_t seconds = 8;
  for (const char* coordinates : {"+1-2", "+1.5-2.5", "+1-2", "+90-180"}) {
    Update u = sample_update("kiwi");
    u.time = std::chrono::seconds(++seconds);
    const std::string time_text = std::to_string(seconds);
    u.time_text = time_text;
    u.coordinates = coordinates;
    REQUIRE(store.merge(u, 0) == kChanged);
    CHECK(store.find("kiwi")->coordinates == coordinates);
    CHECK(store.find("kiwi")->client == "kiwi");
    CHECK(store.find("kiwi")->time_text == time_text);
  }
}

TEST_CASE("each of many clients is found, and no others are") {
  Store store(1);
  constexpr int kClients = 50'000;
  for (int i = 0; i < kClients; ++i) {
    const std::string client = "client" + std::to_string(i);
    Update u = sample_update(client);
    u.time = Nanoseconds{i};
    REQUIRE(store.merge(u, 0) == kChanged);
  }
  CHECK(store.size() == kClients);
  for (int i = 0; i < kClients; ++i) {
    const auto record = store.find("client" + std::to_string(i));
    REQUIRE(record);
    REQUIRE(record->time == Nanoseconds{i});
  }
  CHECK_FALSE(store.find("client50000"));
  CHECK_FALSE(store.find(""));
}

TEST_CASE("merge() uses the result of locate() instead of another search") {
  Store store(1);
  const Store::Slot missing = store.locate("kiwi");
  CHECK_FALSE(missing.found());
  REQUIRE(store.merge(sample_update("kiwi"), 0, missing) == kChanged);
  const Store::Slot slot = store.locate("kiwi");
  REQUIRE(slot.found());
  REQUIRE(store.merge(sample_update("kiwi"), 0, slot) == kUnchanged);  // a change would invalidate the slot
  Update newer = sample_update("kiwi");
  newer.epoch = 1;
  CHECK(store.merge(newer, 0, slot) == kChanged);
  CHECK(store.record_at(slot.index()).epoch == 1);
  CHECK(store.size() == 1);
}

TEST_CASE("keys prepared by look_ahead() find the same records, also after the store has changed") {
  Store store(1);
  std::vector<std::string> names;
  for (int i = 0; i < 200; ++i) names.push_back("client" + std::to_string(i));
  for (int i = 0; i < 100; ++i) (void)store.merge(sample_update(names[static_cast<std::size_t>(i)]), 0);
  std::vector<Store::ClientKey> keys(201);  // the last key has no client
  for (std::size_t i = 0; i < names.size(); ++i) keys[i].client = names[i];
  const std::uint64_t digest = store.digest();
  store.look_ahead(keys);
  store.look_ahead({});
  CHECK(store.digest() == digest);
  CHECK(store.feed().tail() == 100);
  (void)store.merge(sample_update(names[150]), 0);
  for (std::size_t i = 0; i < names.size(); ++i) {
    CAPTURE(names[i]);
    CHECK(store.locate(keys[i]).at.index == store.locate(names[i]).at.index);
    CHECK(store.locate(keys[i]).found() == (i < 100 || i == 150));
  }
}

TEST_CASE("a client is found although the guess in its key is another client's record") {
  Store store(1);
  (void)store.merge(sample_update("kiwi"), 0);
  (void)store.merge(sample_update("plum"), 0);
  Store::ClientKey key = store.key_of("plum");
  key.guess = store.locate("kiwi").index();
  CHECK(store.locate(key).index() == store.locate("plum").index());
}
