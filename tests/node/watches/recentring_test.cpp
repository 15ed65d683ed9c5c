// Circles round a client.
#include "tests/node/watches/world.hpp"

using namespace herd::node::watches;

TEST_CASE("a circle moves with its centre: members leave and enter, and only the last event bears the number") {
  World world;
  world.report("c", "+1+1");
  world.report("stays", "+1.01+1");
  world.report("leaves", "+0.99+1");
  world.report("enters", "+1.03+1");
  Connection connection(world);
  CHECK(connection.watch(near_client("t", "c", 2 * kKm)) == "WATCHING t 00c5f2a9d4e81b37 new\n");
  CHECK(connection.read() == "! t 0 CENTRE " + world.at("c") + "! t 0 HERE 1.112 180 " + world.at("leaves") +
                                 "! t 0 HERE 1.112 000 " + world.at("stays") + "! t 4 READY 2\n");
  world.report("c", "+1.015+1");
  CHECK(connection.read() == "! t 4 CENTRE " + world.at("c") + "! t 4 LEAVE 2.780 180 " + world.at("leaves") +
                                 "! t 5 ENTER 1.668 000 " + world.at("enters"));
  world.report("c", "+1.015+1");
  CHECK(connection.read() == "! t 6 CENTRE " + world.at("c"));
  world.report("c", "+1.0151+1");
  CHECK(connection.read() == "! t 7 CENTRE " + world.at("c"));
  world.report("stays", "+1.011+1");
  CHECK(connection.read() == "! t 8 MOVE 0.456 180 " + world.at("stays"));
  world.registry.check_invariants();
}

TEST_CASE("a centre that is reset empties its circle until it reports again") {
  World world;
  world.report("c", "+1+1");
  world.report("a", "+1.01+1");
  Connection connection(world);
  connection.watch(near_client("t", "c", 2 * kKm));
  connection.read();
  world.reset("c");
  CHECK(connection.read() == "! t 2 GONE reset c\n! t 3 LEAVE 1.112 000 " + world.at("a"));
  world.report("a", "+1.01+1");
  CHECK(connection.read().empty());
  world.report("c", "+1.01+1");
  CHECK(connection.read() == "! t 3 CENTRE " + world.at("c") + "! t 5 ENTER 0.000 000 " + world.at("a"));
  world.registry.check_invariants();
}

TEST_CASE("a centre without members that is reset gives one event") {
  World world;
  world.report("c", "+1+1");
  Connection connection(world);
  connection.watch(near_client("t", "c", 2 * kKm));
  connection.read();
  world.reset("c");
  CHECK(connection.read() == "! t 2 GONE reset c\n");
}

TEST_CASE(
    "the events of a centre's change come in parts, and members that change in between are judged by the present") {
  World world;
  world.report("c", "+1+1");
  for (int i = 0; i < 3; ++i) world.report("a" + std::to_string(i), "+1+1");
  for (int i = 0; i < 3; ++i) world.report("b" + std::to_string(i), "+2+1");
  Connection connection(world);
  connection.watch(near_client("t", "c", kKm));
  connection.read();
  world.report("c", "+2+1");  // 8
  std::string text;
  CHECK(connection.read_some(text, 1));
  CHECK(text == "! t 7 CENTRE " + world.at("c"));
  world.report("a0", "+2+1");  // 9
  world.report("b2", "+1+1");  // 10
  text.clear();
  while (connection.read_some(text, text.size() + 1)) {
  }
  const std::string bearing = " 180 ";
  CHECK(text.find("LEAVE 111.195" + bearing + world.at("a1")) != std::string::npos);
  CHECK(text.find("LEAVE 111.195" + bearing + world.at("a2")) != std::string::npos);
  CHECK(text.find("! t 8 ENTER 0.000 000 " + world.at("b1")) != std::string::npos);
  CHECK(text.find("! t 9 MOVE 0.000 000 " + world.at("a0")) != std::string::npos);
  CHECK(text.find(world.at("b2")) == std::string::npos);
}

TEST_CASE("with dwell the clients that a moved circle contains begin to dwell, and hold back the number") {
  World world;
  world.report("c", "+1+1");
  world.report("a", "+2+1");
  auto command = near_client("t", "c", kKm);
  command.options.dwell = 10s;
  Connection connection(world);
  connection.watch(command);
  connection.read();
  world.report("c", "+2+1");  // 3
  CHECK(connection.read() == "! t 2 CENTRE " + world.at("c"));
  world.advance(10s);
  CHECK(connection.read() == "! t 3 ENTER 0.000 000 " + world.at("a"));
}

TEST_CASE("another record of the centre's time moves the circle if its place differs") {
  World world;
  world.report("c", "+1+1", "100");
  Connection connection(world);
  connection.watch(near_client("t", "c", kKm));
  connection.read();
  world.report("c", "+1+1", "100", "Smith");
  CHECK(connection.read().empty());
  world.report("c", "+2+1", "100", "Zed");
  CHECK(connection.read() == "! t 3 CENTRE " + world.at("c"));
}

namespace {

// A watch of 2 km round the client c, in which the client a began to dwell. It enters after 10 s.
struct OneDwells {
  World world;
  Connection connection{world};
  OneDwells() {
    world.report("c", "+1+1");
    herd::protocol::Watch command = near_client("t", "c", 2 * kKm);
    command.options.dwell = 10s;
    connection.watch(command);
    connection.read();
    world.report("a", "+1.01+1");
    CHECK(connection.read().empty());
  }
};

}  // namespace

TEST_CASE("a client dwells on if the centre moves with it, also if the reader receives that late") {
  OneDwells scene;
  auto& [world, connection] = scene;
  world.report("c", "+1.02+1");
  world.report("a", "+1.03+1");  // outside of the former circle
  world.now.steady += 10s;
  CHECK(connection.read() == "! t 1 CENTRE " + world.at("c") + "! t 4 ENTER 1.112 000 " + world.at("a"));
  world.registry.check_invariants();
}

TEST_CASE("a centre that was away, and is back before the reader receives that, makes clients dwell anew") {
  OneDwells scene;
  auto& [world, connection] = scene;
  world.now.steady += 5s;
  world.report("c", "+5+1");
  world.report("c", "+1+1");
  CHECK(connection.read() == "! t 3 CENTRE " + world.at("c"));
  world.now.steady += 9s;
  CHECK(connection.read().empty());
  world.now.steady += 1s;
  CHECK(connection.read() == "! t 4 ENTER 1.112 000 " + world.at("a"));
  world.registry.check_invariants();
}
