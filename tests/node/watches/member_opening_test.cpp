// The lines up to READY: snapshots, and resuming.
#include <algorithm>

#include "tests/node/watches/world.hpp"

using namespace herd::node::watches;

TEST_CASE("a snapshot comes in parts, and what moves while it comes follows READY") {
  World world;
  for (int i = 0; i < 5; ++i) world.report("c" + std::to_string(i), "+0.00" + std::to_string(i) + "+0");
  Connection connection(world);
  connection.watch(near("t", "+0+0", kKm));
  std::string text;
  CHECK(connection.read_some(text, 1));
  CHECK(text == "! t 0 HERE 0.000 000 " + world.at("c0"));
  world.report("c0", "+0.001+0");
  world.report("c4", "+9+0");
  text.clear();
  while (connection.read_some(text, text.size() + 1)) {
  }
  CHECK(text == "! t 0 HERE 0.111 000 " + world.at("c1") + "! t 0 HERE 0.222 000 " + world.at("c2") +
                    "! t 0 HERE 0.334 000 " + world.at("c3") + "! t 5 READY 4\n" + "! t 6 MOVE 0.111 000 " +
                    world.at("c0"));
}

TEST_CASE("a snapshot may need several searches") {
  World world;
  for (int i = 0; i < 700; ++i) {
    world.put("c" + std::to_string(i), i % 3 == 0 ? "+0.001+0" : "+0.002+0", "100", "Hill", 0);
  }
  world.apply();
  for (const auto& command : {near("t", "+0+0", kKm), within("t", "+0+0", "+1+1")}) {
    Connection connection(world);
    connection.watch(command);
    const std::string text = connection.read();
    CHECK(text.ends_with("! t 700 READY 700\n"));
    CHECK(std::count(text.begin(), text.end(), '\n') == 701);
    Connection second(world);
    second.watch(from(command, 700));
    CHECK(second.read() == "! t 700 READY 0\n");
    CHECK(world.counters.members == 1400);
  }
}

TEST_CASE("resuming gives the clients that changed since") {
  World world;
  world.report("stays", "+1+1");
  world.report("moves", "+1+1");
  world.report("leaves", "+1+1");
  world.report("reset", "+1+1");
  Connection first(world);
  first.watch(within("t", "+0+0", "+2+2"));
  first.read();
  world.report("moves", "+1+1.5");
  world.report("leaves", "+1+3");
  world.report("elsewhere", "+1+3");
  world.reset("reset");
  world.report("enters", "+1+1");
  Connection second(world);
  CHECK(second.watch(from(within("t", "+0+0", "+2+2"), 4)) == "WATCHING t 00c5f2a9d4e81b37 resumed\n");
  CHECK(second.read() == "! t 0 HERE " + world.at("moves") + "! t 0 LEAVE " + world.at("leaves") + "! t 0 LEAVE " +
                             world.at("elsewhere") + "! t 0 GONE reset reset\n" + "! t 0 HERE " + world.at("enters") +
                             "! t 9 READY 2\n");
  world.report("stays", "+1+3");
  CHECK(second.read() == "! t 10 LEAVE " + world.at("stays"));
}

TEST_CASE("resuming from another feed, 0, a number that was never given out, or one of an older run begins anew") {
  World world(1000);
  world.report("a", "+1+1");
  const auto reply = [&](std::uint64_t number, std::uint64_t feed) {
    Connection connection(world);
    return connection.watch(from(all("t"), number, feed));
  };
  CHECK(reply(1001, kFeedId) == "WATCHING t 00c5f2a9d4e81b37 resumed\n");
  CHECK(reply(1000, kFeedId) == "WATCHING t 00c5f2a9d4e81b37 resumed\n");
  CHECK(reply(1001, 5) == "WATCHING t 00c5f2a9d4e81b37 new\n");
  CHECK(reply(0, kFeedId) == "WATCHING t 00c5f2a9d4e81b37 new\n");
  CHECK(reply(1002, kFeedId) == "WATCHING t 00c5f2a9d4e81b37 new\n");
  CHECK(reply(999, kFeedId) == "WATCHING t 00c5f2a9d4e81b37 new\n");
}

TEST_CASE("resuming begins anew if the record of the centre changed since") {
  World world;
  world.report("c", "+1+1");
  world.report("a", "+1+1");
  Connection connection(world);
  CHECK(connection.watch(from(near_client("t", "c", kKm), 1)) == "WATCHING t 00c5f2a9d4e81b37 resumed\n");
  CHECK(connection.read() == "! t 0 HERE 0.000 000 " + world.at("a") + "! t 2 READY 1\n");
  world.report("c", "+1+1");
  CHECK(connection.watch(from(near_client("u", "c", kKm), 2)) == "WATCHING u 00c5f2a9d4e81b37 new\n");
}

TEST_CASE("a centre that changes while a resumed watch opens is judged after READY, and holds back its number") {
  World world;
  world.report("c", "+1+1");
  world.report("a", "+1+1");
  Connection connection(world);
  connection.watch(from(near_client("t", "c", kKm), 1));
  world.report("c", "+3+1");
  world.report("b", "+3+1");
  CHECK(connection.read() == "! t 0 HERE 0.000 000 " + world.at("a") + "! t 0 LEAVE 222.390 000 " + world.at("b") +
                                 "! t 2 READY 1\n" + "! t 2 CENTRE " + world.at("c") + "! t 2 LEAVE 222.390 180 " +
                                 world.at("a") + "! t 4 ENTER 0.000 000 " + world.at("b"));
}

TEST_CASE("resuming gives LEAVE for each client in the slack, and those inside the radius are members") {
  World world;
  world.report("a", "+0.005+0");
  world.report("b", "+0.005+0");
  auto command = near("t", "+0+0", kKm);
  command.options.slack = kKm;
  Connection first(world);
  first.watch(command);
  first.read();
  world.report("a", "+0.015+0");
  CHECK(first.read() == "! t 3 MOVE 1.668 000 " + world.at("a"));
  Connection second(world);
  second.watch(from(command, 3));
  CHECK(second.read() == "! t 0 LEAVE 1.668 000 " + world.at("a") + "! t 3 READY 0\n");
  world.report("a", "+0.016+0");
  CHECK(second.read().empty());
  world.report("b", "+0.016+0");
  CHECK(second.read() == "! t 5 MOVE 1.779 000 " + world.at("b"));
}

TEST_CASE("a member that moves into the slack while a resumed watch opens leaves") {
  World world;
  world.report("a", "+1.00-2.0");
  world.report("b", "+1.01-2.0");
  auto command = near("t", "+1.00-2.0", 1 * kKm);
  command.options.slack = 1 * kKm;
  Connection connection(world);
  CHECK(connection.watch(from(command, world.tail())).ends_with(" resumed\n"));
  std::string text;
  CHECK(connection.read_some(text, 1));
  CHECK(text == "! t 0 LEAVE 1.112 000 " + world.at("b"));
  world.report("a", "+1.015-2.0");
  CHECK(connection.read() == "! t 0 LEAVE 1.668 000 " + world.at("a") + "! t 3 READY 0\n");
}

TEST_CASE("a client that moves while a resumed watch opens is not lost") {
  World world;
  world.report("a", "+1+1");
  world.report("b", "+1+1");
  Connection connection(world);
  world.report("a", "+9+1");
  world.report("b", "+9+1");
  connection.watch(from(within("t", "+0+0", "+2+2"), 2));
  std::string text;
  CHECK(connection.read_some(text, 1));
  CHECK(text == "! t 0 LEAVE " + world.at("a"));
  world.report("b", "+9+2");
  world.report("a", "+1+1");
  text.clear();
  while (connection.read_some(text, text.size() + 1)) {
  }
  CHECK(text == "! t 0 LEAVE " + world.at("b") + "! t 0 HERE " + world.at("a") + "! t 6 READY 1\n");
}

TEST_CASE("after the end of input the openings are completed, and nothing follows READY") {
  World world;
  world.report("a", "+1+1");
  Connection connection(world);
  connection.watch(within("t", "+0+0", "+2+2"));
  connection.read();
  connection.watch(within("u", "+0+0", "+2+2"));
  connection.watcher.finish();
  world.report("a", "+1+1.5");
  CHECK(connection.read() == "! u 0 HERE " + world.at("a") + "! u 2 READY 1\n");
  CHECK(connection.watcher.size() == 0);
}
