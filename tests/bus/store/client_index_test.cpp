// The index finds every client, and its memory stays close to what the clients need.
#include "bus/store/client_index.hpp"

#include <string>
#include <vector>

#include "tests/catch.hpp"

using namespace herd::bus;

namespace {

struct Clients {
  ClientIndex index{7};
  std::vector<std::string> names;

  [[nodiscard]] ClientIndex::Found find(const std::string& name) const {
    return index.find(index.hash_of(name), [&](RecordIndex at) { return names[at] == name; });
  }
  void add(std::string name) {
    index.insert(find(name).hash, static_cast<RecordIndex>(names.size()));
    names.push_back(std::move(name));
  }
};

}  // namespace

TEST_CASE("inserted clients are found with their record's index, others are not found") {
  Clients clients;
  CHECK_FALSE(clients.find("c0").index);
  for (int i = 0; i < 100'000; ++i) clients.add("c" + std::to_string(i));
  for (int i = 0; i < 100'000; ++i) REQUIRE(clients.find("c" + std::to_string(i)).index == static_cast<RecordIndex>(i));
  for (int i = 100'000; i < 200'000; ++i) REQUIRE_FALSE(clients.find("c" + std::to_string(i)).index);
}

TEST_CASE("clients with equal hashes are distinguished") {
  ClientIndex index(1);
  const std::uint64_t hash = UINT64_MAX;  // home is the last slot of the last table, so the search wraps around
  for (RecordIndex i = 0; i < 100; ++i) index.insert(hash, i);
  for (RecordIndex i = 0; i < 100; ++i) {
    const auto slot = index.find(hash, [&](RecordIndex at) { return at == i; });
    REQUIRE(slot.index == i);
  }
  CHECK_FALSE(index.find(hash, [](RecordIndex) { return false; }).index);
}

TEST_CASE("a search compares very few records of other clients") {
  Clients clients;
  for (int i = 0; i < 100'000; ++i) clients.add("c" + std::to_string(i));
  int others = 0;
  for (int i = 0; i < 200'000; ++i) {
    const std::string name = "c" + std::to_string(i);
    (void)clients.index.find(clients.index.hash_of(name), [&](RecordIndex at) {
      others += clients.names[at] == name ? 0 : 1;
      return clients.names[at] == name;
    });
  }
  CHECK(others < 20);
}

TEST_CASE("the number of slots stays below 1.7 per client") {
  Clients clients;
  for (int i = 0; i < 200'000; ++i) {
    clients.add(std::to_string(i));
    if (i > 100'000 && i % 10'000 == 0) REQUIRE(clients.index.slots() < clients.names.size() * 17 / 10);
  }
}
