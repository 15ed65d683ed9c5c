#include "node/area/crowd.hpp"

#include <map>
#include <random>

#include "tests/catch.hpp"
#include "tests/node/area/clients.hpp"

using namespace herd;
using namespace herd::node::area;

namespace {

std::vector<bus::RecordIndex> read(const Crowd& crowd, Crowd::Place place) {
  std::vector<bus::RecordIndex> records;
  while (const bus::RecordIndex* record = crowd.next(place)) records.push_back(*record);
  return records;
}

}  // namespace

TEST_CASE("a crowd is in the order of the ids, whatever joins and leaves") {
  bus::Store store(1);
  std::vector<bus::RecordIndex> clients;
  std::map<std::string, bus::RecordIndex> model;
  for (int i = 0; i < 3000; ++i) clients.push_back(add_client(store));
  Crowd crowd(Spot{1, 2});
  std::mt19937_64 random(1);
  for (const std::uint64_t joins : {90U, 50U, 10U}) {  // in percent: it grows, stays, and shrinks
    for (int i = 0; i < 10'000; ++i) {
      const bus::RecordIndex record = clients[random() % clients.size()];
      const std::string id(store.packed_at(record).client);
      const bool is_member = model.count(id) > 0;
      if (!is_member && random() % 100 < joins) {
        crowd.insert(store, record);
        model[id] = record;
      } else if (is_member && random() % 100 >= joins) {
        crowd.erase(store, record);
        model.erase(id);
      }
    }
    crowd.check_invariants(store);
    std::vector<bus::RecordIndex> expected;
    for (const auto& [id, record] : model) expected.push_back(record);
    CHECK(crowd.size() == model.size());
    CHECK(read(crowd, {}) == expected);
    for (int i = 0; i < 200; ++i) {
      const std::string id(store.packed_at(clients[random() % clients.size()]).client);
      const auto rest = std::distance(model.begin(), model.upper_bound(id));
      CHECK(read(crowd, crowd.after(store, id)) ==
            std::vector<bus::RecordIndex>(expected.begin() + rest, expected.end()));
    }
    CHECK(read(crowd, crowd.after(store, "")) == expected);
    CHECK(read(crowd, crowd.after(store, "zz")).empty());
    CHECK(crowd.memory() < 12 * crowd.size() + 4096);
  }
  for (const auto& [id, record] : model) crowd.erase(store, record);
  crowd.check_invariants(store);
  CHECK(crowd.size() == 0);
  CHECK(read(crowd, crowd.after(store, "")).empty());
}
