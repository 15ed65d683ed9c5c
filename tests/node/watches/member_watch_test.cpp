#include "node/watches/member_watch.hpp"

#include "tests/node/watches/world.hpp"

using namespace herd::node::watches;

TEST_CASE(
    "the members of a circle enter, move and leave, with distance and bearing, and the numbers of their changes") {
  World world;
  world.report("a", "+10.01+20");
  world.report("b", "+10.00+20");
  world.report("far", "+50+20");
  Connection connection(world);
  CHECK(connection.watch(near("t", "+10+20", 2 * kKm)) == "WATCHING t 00c5f2a9d4e81b37 new\n");
  CHECK(connection.read() ==
        "! t 0 HERE 0.000 000 " + world.at("b") + "! t 0 HERE 1.112 000 " + world.at("a") + "! t 3 READY 2\n");
  world.report("far", "+9.99+20");
  CHECK(connection.read() == "! t 4 ENTER 1.112 180 " + world.at("far"));
  world.report("far", "+10+20.01");
  CHECK(connection.read() == "! t 5 MOVE 1.095 090 " + world.at("far"));
  world.report("far", "+11+20");
  CHECK(connection.read() == "! t 6 LEAVE 111.195 000 " + world.at("far"));
  world.report("far", "+12+20");
  CHECK(connection.read().empty());
  world.reset("a");
  CHECK(connection.read() == "! t 8 GONE reset a\n");
  world.report("a", "+10+20");
  CHECK(connection.read() == "! t 9 ENTER 0.000 000 " + world.at("a"));
  CHECK(world.counters.members == 2);
  world.registry.check_invariants();
}

TEST_CASE("a report from the same place is a MOVE; another record of the same time is none") {
  World world;
  world.report("a", "+1+1", "100");
  Connection connection(world);
  connection.watch(within("t", "+0+0", "+2+2"));
  connection.read();
  world.report("a", "+1+1", "101");
  CHECK(connection.read() == "! t 2 MOVE " + world.at("a"));
  world.report("a", "+1.5+1", "101", "Smith");
  CHECK(world.tail() == 3);
  CHECK(connection.read().empty());
  world.report("a", "+5+1", "101", "Zed");
  CHECK(connection.read() == "! t 4 LEAVE " + world.at("a"));
}

TEST_CASE("a client is watched before it has a record, and while it is reset") {
  World world;
  world.report("b", "+1+1");
  Connection connection(world);
  connection.watch(one("t", "a"));
  CHECK(connection.read() == "! t 1 READY 0\n");
  world.report("a", "+1+1");
  CHECK(connection.read() == "! t 2 ENTER " + world.at("a"));
  world.report("b", "+1+2");
  world.report("a", "+1+3");
  CHECK(connection.read() == "! t 4 MOVE " + world.at("a"));
  world.reset("a");
  CHECK(connection.read() == "! t 5 GONE reset a\n");
  world.report("a", "+1+3");
  CHECK(connection.read() == "! t 6 ENTER " + world.at("a"));
  Connection second(world);
  second.watch(one("t", "a"));
  CHECK(second.read() == "! t 0 HERE " + world.at("a") + "! t 6 READY 1\n");
}

TEST_CASE("with slack a member leaves only beyond the radius plus the slack") {
  World world;
  world.report("a", "+0.005+0");
  Connection connection(world);
  auto command = near("t", "+0+0", kKm);
  command.options.slack = kKm;
  connection.watch(command);
  connection.read();
  world.report("a", "+0.015+0");
  CHECK(connection.read() == "! t 2 MOVE 1.668 000 " + world.at("a"));
  world.report("a", "+0.0179+0");
  CHECK(connection.read() == "! t 3 MOVE 1.990 000 " + world.at("a"));
}

TEST_CASE("with slack a client beyond it has left, and enters only inside the radius") {
  World world;
  world.report("a", "+0.005+0");
  Connection connection(world);
  auto command = near("t", "+0+0", kKm);
  command.options.slack = kKm;
  connection.watch(command);
  connection.read();
  world.report("a", "+0.02+0");
  CHECK(connection.read() == "! t 2 LEAVE 2.224 000 " + world.at("a"));
  world.report("a", "+0.015+0");
  CHECK(connection.read().empty());
  world.report("a", "+0.008+0");
  CHECK(connection.read() == "! t 4 ENTER 0.890 000 " + world.at("a"));
}

TEST_CASE("with dwell a client enters after that time inside, with its newest report, and leaving restarts it") {
  World world;
  Connection connection(world);
  auto command = within("t", "+0+0", "+2+2");
  command.options.dwell = 10s;
  world.report("here", "+1+1");
  connection.watch(command);
  CHECK(connection.read() == "! t 0 HERE " + world.at("here") + "! t 1 READY 1\n");
  world.report("a", "+1+1");  // 2
  CHECK(connection.read().empty());
  CHECK(world.registry.next_due() == world.now.steady + 10s);
  world.advance(9s);
  world.report("a", "+1+1.5");      // 3
  world.report("here", "+1+1.25");  // 4
  CHECK(connection.read() == "! t 1 MOVE " + world.at("here"));
  world.report("a", "+5+1");  // 5
  world.report("a", "+1+1");  // 6
  CHECK(connection.read().empty());
  world.advance(9999ms);
  CHECK(connection.read().empty());
  world.advance(1ms);
  CHECK(connection.read() == "! t 6 ENTER " + world.at("a"));
  CHECK_FALSE(world.registry.next_due());
}

TEST_CASE("dwell begins anew where a client leaves and comes back unread") {
  World world;
  Connection connection(world);
  auto command = within("t", "+0+0", "+2+2");
  command.options.dwell = 10s;
  connection.watch(command);
  connection.read();
  world.report("a", "+1+1");
  connection.read();
  world.advance(5s);
  world.report("a", "+5+1");
  world.advance(4s);
  world.report("a", "+1+1");
  world.advance(2s);
  CHECK(connection.read().empty());
  world.advance(10s);
  CHECK(connection.read() == "! t 3 ENTER " + world.at("a"));
}

TEST_CASE("match limits the members, and hidden clients do not exist") {
  World world;
  Connection connection(world, {[](std::string_view client) { return client != "ab"; }});
  auto command = near("t", "+0+0", kKm);
  command.options.prefix = "a";
  connection.watch(command);
  CHECK(connection.read() == "! t 0 READY 0\n");
  world.report("b", "+0+0");
  world.report("ab", "+0+0");
  CHECK(connection.read().empty());
  world.report("ac", "+0+0");
  CHECK(connection.read() == "! t 3 ENTER 0.000 000 " + world.at("ac"));
  CHECK(connection.watch(near_client("u", "ab", kKm)) == "?");
}

TEST_CASE("with level=events only ids enter and leave") {
  World world;
  world.report("a", "+1+1");
  world.report("c", "+1+1");
  Connection connection(world, {{}, true});
  connection.watch(near_client("t", "c", kKm));
  CHECK(connection.read() == "! t 0 ENTER a\n! t 2 READY 1\n");
  world.report("a", "+1.001+1");
  world.report("b", "+1+1");
  CHECK(connection.read() == "! t 4 ENTER b\n");
  world.report("c", "+1.001+1");
  CHECK(connection.read().empty());
  world.reset("a");
  CHECK(connection.read() == "! t 6 LEAVE a\n");
  world.reset("c");
  CHECK(connection.read() == "! t 7 LEAVE b\n");
}

TEST_CASE("a watch with more than max_members members ends") {
  World world;
  world.limits.max_members = 2;
  Connection connection(world);
  connection.watch(within("t", "+0+0", "+2+2"));
  connection.read();
  world.report("a", "+1+1");
  world.report("b", "+1+1");
  connection.read();
  world.report("c", "+1+1");
  CHECK(connection.read() == "! t 2 END too many\n");
  CHECK(connection.watcher.size() == 0);
  CHECK(world.counters.members == 0);
  connection.watch(within("t", "+0+0", "+2+2"));
  const std::string text = connection.read();
  CHECK(text.substr(text.size() - 19) == "! t 0 END too many\n");
}

TEST_CASE("conflated changes give the present state once") {
  World world;
  Connection connection(world);
  connection.watch(within("t", "+0+0", "+2+2"));
  connection.read();
  world.report("a", "+1+1");
  world.report("b", "+1+1");
  world.report("a", "+1+1.5");
  world.report("b", "+5+1");
  CHECK(connection.read() == "! t 3 ENTER " + world.at("a"));
  for (int i = 0; i < 100; ++i) world.report("c" + std::to_string(i), "+1+1");
  for (int i = 1; i < 100; ++i) world.report("c" + std::to_string(i), "+9+1");
  CHECK(world.counters.conflated == 1);
  CHECK(connection.read() == "! t 5 ENTER " + world.at("c0"));
}
