#include "node/watches/interests.hpp"

#include <algorithm>
#include <random>

#include "tests/catch.hpp"
#include "tests/node/watches/world.hpp"

using namespace herd::node;
using namespace herd::node::watches;

namespace {

constexpr herd::protocol::Point kPlace{10'000'000, 20'000'000};

// The watches of a client's change: of its first one, or of a move.
std::vector<WatchId> found(const World& world, const Interests& interests, std::string_view client, bool is_first) {
  std::vector<WatchId> ids;
  const auto record = world.store.locate(client).index();
  interests.find({record, 1, is_first ? std::nullopt : std::optional(kPlace), kPlace}, ids);
  std::sort(ids.begin(), ids.end());
  return ids;
}

}  // namespace

TEST_CASE("of many watches of one client each is found, until it is removed") {
  World world;
  world.report("kiwi", "+1.0+2.0");
  world.report("emu", "+1.0+2.0");
  Interests interests(world.store);
  const auto record = world.store.locate("kiwi").index();
  std::vector<WatchId> ids(1000);
  for (WatchId id = 0; id < ids.size(); ++id) ids[id] = id;
  std::mt19937_64 random(7);
  std::shuffle(ids.begin(), ids.end(), random);
  for (const WatchId id : ids) interests.add_record(id, record);
  std::shuffle(ids.begin(), ids.end(), random);
  while (!ids.empty()) {
    interests.remove_record(ids.back(), record);
    ids.pop_back();
    if (ids.size() % 100 != 0) continue;
    std::vector<WatchId> left = ids;
    std::sort(left.begin(), left.end());
    CHECK(found(world, interests, "kiwi", false) == left);
    CHECK(found(world, interests, "emu", false).empty());
  }
}

TEST_CASE("watches of an unknown id are found for the first change of a client") {
  World world;
  world.report("kiwi", "+1.0+2.0");
  Interests interests(world.store);
  for (const WatchId id : {5U, 3U}) interests.add_unknown(id, "kiwi");
  interests.add_unknown(4, "emu");
  CHECK(found(world, interests, "kiwi", true) == std::vector<WatchId>{3, 5});
  CHECK(found(world, interests, "kiwi", false).empty());
  interests.remove_unknown(3, "kiwi");
  CHECK(found(world, interests, "kiwi", true) == std::vector<WatchId>{5});
}
