// The largest and smallest areas, very many watches, connections that come and go, and a reader that does not read.
#include <array>
#include <memory>
#include <string>
#include <vector>

#include "tests/node/watches/world.hpp"

using namespace herd::node::watches;

namespace {

constexpr herd::protocol::Millimetres kWholeEarth = 20'016 * kKm;

// The number of lines that begin with `beginning`.
std::size_t lines_with(const std::string& text, const std::string& beginning) {
  std::size_t count = text.starts_with(beginning) ? 1 : 0;
  for (std::size_t at = text.find('\n' + beginning); at != text.npos; at = text.find('\n' + beginning, at + 1)) ++count;
  return count;
}

}  // namespace

TEST_CASE("a box of one point, a box of the world and the largest circle have their members") {
  World world;
  world.report("a", "+1-2");
  world.report("b", "-90+180");
  world.report("c", "-1+178");  // at the antipode of `a`
  Connection connection(world);
  connection.watch(within("point", "+1-2", "+1-2"));
  connection.watch(within("world", "-90-180", "+90+180"));
  connection.watch(near("circle", "+1-2", kWholeEarth));
  connection.watch(near("dot", "+1-2", 0));
  const std::string text = connection.read();
  CHECK(lines_with(text, "! point 3 READY 1") == 1);
  CHECK(lines_with(text, "! world 3 READY 3") == 1);
  CHECK(lines_with(text, "! circle 3 READY 3") == 1);
  CHECK(lines_with(text, "! dot 3 READY 1") == 1);
  world.report("a", "+1.0000001-2");
  const std::string moved = connection.read();  // by 11 millimetres
  CHECK(lines_with(moved, "! point 4 LEAVE " + world.at("a")) == 1);
  CHECK(lines_with(moved, "! world 4 MOVE " + world.at("a")) == 1);
  CHECK(lines_with(moved, "! circle 4 MOVE 0.000 000 " + world.at("a")) == 1);
  CHECK(lines_with(moved, "! dot 4 LEAVE 0.000 000 " + world.at("a")) == 1);
}

TEST_CASE("a watch of a client that never comes has no members, and its beat goes on") {
  World world;
  Connection connection(world);
  auto command = one("t", "never");
  command.options.beat = 5s;
  connection.watch(command);
  CHECK(connection.read() == "! t 0 READY 0\n");
  for (int i = 0; i < 3; ++i) {
    world.report("a", "+1-2");
    CHECK(connection.read().empty());
    world.advance(5s);
    CHECK(connection.read().starts_with("! t " + std::to_string(world.tail()) + " TICK "));
  }
}

TEST_CASE("100,000 watches of the whole world each get an event, and the next watch is refused", "[slow]") {
  World world;
  world.report("a", "+1-2");
  std::vector<std::unique_ptr<Connection>> connections;
  const std::array commands{all("t"), near("t", "+0+0", kWholeEarth), within("t", "-90-180", "+90+180")};
  for (std::size_t i = 0; i < world.limits.max_per_node; ++i) {
    if (i % Watcher::kMaxWatches == 0) connections.push_back(std::make_unique<Connection>(world));
    auto command = commands.at(i % commands.size());
    const std::string tag = std::to_string(i);
    command.tag = tag;
    REQUIRE(connections.back()->watch(command).starts_with("WATCHING "));
  }
  CHECK(Connection(world).watch(all("t")) == "?");
  CHECK(world.counters.refused == 1);
  std::size_t ready = 0;
  for (const auto& connection : connections) ready += lines_with(connection->read(), "! ");
  CHECK(ready == 2 * world.limits.max_per_node);  // HERE and READY
  world.report("a", "+2-2");
  std::size_t moves = 0;
  for (const auto& connection : connections) moves += lines_with(connection->read(), "! ");
  CHECK(moves == world.limits.max_per_node);
}

TEST_CASE("a thousand connections that watch and leave at any time leave nothing") {
  World world;
  for (int i = 0; i < 10; ++i) world.report(std::to_string(i), "+1-" + std::to_string(i));
  for (std::size_t i = 0; i < 1'000; ++i) {
    Connection connection(world);
    auto circle = near_client("circle", "1", 500 * kKm);
    circle.options.dwell = 5s;
    circle.options.beat = 6s;
    auto moves = prefix("prefix", "1");
    moves.options.every = 7s;
    for (const auto& command : {circle, moves, all("all"), one("one", "x"), within("box", "+0-5", "+2-1")}) {
      REQUIRE(connection.watch(command).starts_with("WATCHING "));
    }
    std::string text;
    if (i % 5 > 0) (void)connection.read_some(text, i % 5 == 1 ? 100 : SIZE_MAX, i % 7 + 1);
    if (i % 3 == 0) world.report(std::to_string(i % 10), "+1-" + std::to_string(i % 4));
    if (i % 5 > 2) (void)connection.read();
  }
  CHECK(world.counters.watches == 0);
  CHECK(world.counters.members == 0);
  CHECK(world.registry.take_due(world.now.steady + 1h).empty());
  CHECK_FALSE(world.registry.next_due());
  world.registry.check_invariants();
}

TEST_CASE("a reader that does not read for an hour costs its bound, and then gets the present state") {
  constexpr std::size_t kLimit = 16'384;
  World world;
  Connection connection(world);
  connection.watch(all("all"));
  world.report("0", "+1-2");
  connection.watch(near_client("circle", "0", 300 * kKm));
  std::string text;
  for (int second = 0; second < 3'600; ++second) {
    world.advance(1s);
    const std::string client = std::to_string(second % 100);
    if (second % 50 == 7 && world.store.find(client)) {
      world.reset(client);
    } else {
      world.report(client, "+" + std::to_string(second % 7) + "-2");
    }
    (void)connection.read_some(text, kLimit);
    REQUIRE(text.size() < kLimit + 512);
  }
  CHECK(world.counters.conflated == 1);  // a watch of all clients is counted when it reads
  text = connection.read();
  CHECK(world.counters.conflated == 2);
  CHECK(lines_with(text, "! ") < 3 * 100);
  CHECK(text.find(world.at("99")) != text.npos);
  CHECK(connection.read().empty());
  world.report("99", "+80-2");
  CHECK(lines_with(connection.read(), "! all ") == 1);
}
