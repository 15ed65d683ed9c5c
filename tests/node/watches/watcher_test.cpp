#include "node/watches/watcher.hpp"

#include "tests/node/watches/world.hpp"

using namespace herd::node::watches;

TEST_CASE("a watch is refused for a tag in use, an unknown centre, and by the limits, which are counted") {
  World world;
  Connection connection(world);
  connection.watch(all("t"));
  CHECK(connection.watch(all("t")) == "?");
  CHECK(connection.watch(near_client("u", "nowhere", kKm)) == "?");
  world.report("r", "+1+1");
  world.reset("r");
  CHECK(connection.watch(near_client("u", "r", kKm)) == "?");
  CHECK(world.counters.refused == 0);
  for (std::size_t i = 1; i < Watcher::kMaxWatches; ++i) {
    CHECK(connection.watch(one(std::to_string(i), "a")) != "?");
  }
  CHECK(connection.watch(one("u", "a")) == "?");
  CHECK(world.counters.refused == 1);
  CHECK(connection.watcher.unwatch("1").has_value());
  CHECK(connection.watch(one("u", "a")) != "?");
  world.limits.max_per_node = 64;
  Connection other(world);
  CHECK(other.watch(all("t")) == "?");
  CHECK(world.counters.refused == 2);
  world.limits.max_per_node = 65;
  CHECK(other.watch(all("t")) != "?");
  CHECK(world.counters.watches == 65);
  world.registry.check_invariants();
}

TEST_CASE("UNWATCH ends a watch with the number of its last event, and frees its tag") {
  World world;
  Connection connection(world);
  connection.watch(within("t", "+0+0", "+2+2"));
  CHECK(connection.watcher.unwatch("u") == std::nullopt);
  CHECK(connection.watcher.unwatch("t") == "! t 0 END unwatched\n");
  CHECK(connection.watch(within("t", "+0+0", "+2+2")) != "?");
  connection.read();
  world.report("a", "+1+1");
  connection.read();
  world.report("a", "+1+1");
  CHECK(connection.watcher.unwatch("t") == "! t 1 END unwatched\n");
  CHECK(connection.read().empty());
  CHECK(world.registry.size() == 0);
  world.registry.check_invariants();
}

TEST_CASE("each watch that is due writes, and no other does, also after new watches have replaced ended ones") {
  World world;
  Connection connection(world);
  for (std::size_t i = 0; i < Watcher::kMaxWatches; ++i) connection.watch(one(std::to_string(i), std::to_string(i)));
  for (const char* tag : {"0", "31", "62"}) CHECK(connection.watcher.unwatch(tag).has_value());
  for (const char* tag : {"x", "y"}) connection.watch(one(tag, tag));
  connection.read();
  CHECK(connection.watcher.size() == 63);
  world.report("0", "+1+1");
  CHECK(connection.read().empty());
  for (const char* client : {"1", "32", "61", "63", "x", "y"}) {
    world.report(client, "+1+1");
    CHECK(connection.read().starts_with("! " + std::string(client) + ' '));
    CHECK(connection.read().empty());
  }
  for (const char* tag : {"63", "61", "x"}) CHECK(connection.watcher.unwatch(tag).has_value());
  world.registry.check_invariants();
}

TEST_CASE("a watch that takes the index of an ended one does not inherit its beat") {
  World world;
  Connection connection(world);
  herd::protocol::Watch beats = one("t", "a");
  beats.options.beat = 5s;
  connection.watch(beats);
  connection.read();
  CHECK(world.registry.next_due() == world.now.steady + 5s);
  CHECK(connection.watcher.unwatch("t").has_value());
  connection.watch(one("u", "a"));
  connection.read();
  CHECK_FALSE(connection.watcher.next_due());
  CHECK_FALSE(world.registry.next_due());
  world.now.steady += 1h;
  CHECK(connection.read().empty());
  world.registry.check_invariants();
}

TEST_CASE("watches that are due together all write, also if one of them ends and the time of another has come") {
  World world;
  Connection connection(world);
  connection.watch(within("first", "+0+0", "+2+2"));
  herd::protocol::Watch beats = one("beats", "absent");
  beats.options.beat = 5s;
  connection.watch(beats);
  connection.watch(within("full", "+0+0", "+2+2"));
  connection.read();
  for (int turn = 0; turn < 3; ++turn) {  // each of the three is the first one once
    world.now.steady += 6s;
    world.report("a", "+1+1");
    const std::string text = connection.read();
    for (const char* tag : {"! first ", "! beats ", "! full "}) CHECK(text.find(tag) != std::string::npos);
  }
  world.limits.max_members = 1;
  world.report("b", "+1+1");
  const std::string text = connection.read();
  CHECK(text.find("! first 3 END too many\n") != std::string::npos);
  CHECK(text.find("! full 3 END too many\n") != std::string::npos);
  CHECK(connection.watcher.size() == 1);
  world.registry.check_invariants();
}

TEST_CASE("all watches end with a reason, or without a word with their watcher") {
  World world;
  {
    Connection connection(world);
    connection.watch(all("t"));
    connection.watch(one("u", "a"));
    std::string text;
    connection.watcher.end_all(EndReason::Stopping, text);
    CHECK(text == "! t 0 END stopping\n! u 0 END stopping\n");
    connection.watch(all("t"));
    text.clear();
    connection.watcher.end_all(EndReason::NotAllowed, text);
    CHECK(text == "! t 0 END not allowed\n");
    connection.watch(near("t", "+0+0", kKm));
  }
  CHECK(world.registry.size() == 0);
  CHECK(world.registry.take_due(world.now.steady).empty());
  world.report("a", "+0+0");
}

TEST_CASE("the registry says which watchers are due, once") {
  World world;
  Connection a(world);
  Connection b(world);
  a.watch(within("t", "+0+0", "+2+2"));
  b.watch(within("t", "+5+0", "+7+2"));
  CHECK(world.registry.take_due(world.now.steady).size() == 2);
  CHECK(world.registry.take_due(world.now.steady).empty());
  a.read();
  b.read();
  world.report("x", "+1+1");
  world.report("y", "+1+1");
  const auto due = world.registry.take_due(world.now.steady);
  REQUIRE(due.size() == 1);
  CHECK(due.front() == &a.watcher);
}

TEST_CASE("the watches of a connection take turns, and each gets its events") {
  World world;
  Connection connection(world);
  connection.watch(within("t", "+0+0", "+2+2"));
  connection.watch(all("u"));
  connection.read();
  world.report("a", "+1+1");
  world.report("b", "+1+1");
  std::string text;
  while (connection.read_some(text, text.size() + 1)) {
  }
  for (const std::string tag : {"t", "u"}) {
    CHECK(text.find("! " + tag + " 1 ENTER " + world.at("a")) != std::string::npos);
    CHECK(text.find("! " + tag + " 2 ENTER " + world.at("b")) != std::string::npos);
  }
}

TEST_CASE("a feed that is renewed cannot be resumed under its former name") {
  World world;
  world.report("a", "+1+1");
  Connection connection(world);
  world.registry.use_feed({5, 0});
  CHECK(connection.watch(from(all("t"), 1)) == "WATCHING t 0000000000000005 new\n");
}
