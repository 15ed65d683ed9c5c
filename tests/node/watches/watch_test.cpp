// What all kinds of watches have in common: `every`, `beat`, lanes and numbers.
#include "node/watches/watch.hpp"

#include "tests/node/watches/world.hpp"

using namespace herd::node::watches;

namespace {

herd::protocol::Watch every_ten_seconds(herd::protocol::Watch watch) {
  watch.options.every = 10s;
  return watch;
}

}  // namespace

TEST_CASE("with every a client has one MOVE in that time, and the newest report follows") {
  World world;
  for (const auto& command : {every_ten_seconds(within("t", "+0+0", "+2+2")), every_ten_seconds(all("t"))}) {
    Connection connection(world);
    world.report("a", "+1+1");
    connection.watch(command);
    connection.read();
    const auto number = world.tail();
    const auto head = [&](std::uint64_t after) { return "! t " + std::to_string(number + after) + " "; };
    world.report("a", "+1+1.1");
    CHECK(connection.read() == head(1) + "MOVE " + world.at("a"));
    world.advance(4s);
    world.report("a", "+1+1.2");
    CHECK(connection.read().empty());
    CHECK(connection.watcher.next_due() == world.now.steady + 6s);
    world.report("b", "+1+1.5");
    CHECK(connection.read() == head(1) + "ENTER " + world.at("b"));
    world.advance(5s);
    world.report("a", "+1+1.3");
    CHECK(connection.read().empty());
    world.advance(1s);
    CHECK(connection.read() == head(4) + "MOVE " + world.at("a"));
    world.advance(10s);
    CHECK(connection.read().empty());
    world.report("a", "+1+1.4");
    CHECK(connection.read() == head(5) + "MOVE " + world.at("a"));
    world.reset("b");
    world.advance(10s);
    CHECK(connection.read() == head(6) + "GONE reset b\n");
  }
}

TEST_CASE("a MOVE that is held back is dropped when its client leaves") {
  World world;
  world.report("a", "+1+1");
  Connection connection(world);
  connection.watch(every_ten_seconds(within("t", "+0+0", "+2+2")));
  connection.read();
  world.report("a", "+1+1.1");
  connection.read();
  world.report("a", "+1+1.2");
  connection.read();
  world.report("a", "+5+1");
  CHECK(connection.read() == "! t 4 LEAVE " + world.at("a"));
  world.report("a", "+1+1");
  CHECK(connection.read() == "! t 5 ENTER " + world.at("a"));
  world.report("a", "+1+1.1");
  CHECK(connection.read().empty());
  world.advance(10s);
  CHECK(connection.read() == "! t 6 MOVE " + world.at("a"));
}

TEST_CASE("of every, the clients that moved count as members") {
  World world;
  world.limits.max_members = 1;
  world.report("a", "+1+1");
  world.report("b", "+1+1");
  Connection connection(world);
  connection.watch(every_ten_seconds(all("t")));
  connection.read();
  world.report("a", "+1+2");
  world.report("b", "+1+2");
  CHECK(connection.read() == "! t 3 MOVE " + world.at("a") + "! t 3 END too many\n");
}

TEST_CASE("with beat a TICK comes after that time without another event") {
  World world;
  Connection connection(world);
  auto command = within("t", "+0+0", "+2+2");
  command.options.beat = 5s;
  connection.watch(command);
  CHECK(connection.read() == "! t 0 READY 0\n");
  world.report("elsewhere", "+50+1");
  world.advance(4999ms);
  CHECK(connection.read().empty());
  world.advance(1ms);
  CHECK(world.registry.take_due(world.now.steady).size() == 1);
  CHECK(connection.read() == "! t 1 TICK 1700000005.000000000\n");
  world.advance(3s);
  world.report("a", "+1+1");
  CHECK(connection.read() == "! t 2 ENTER " + world.at("a"));
  world.advance(4s);
  CHECK(connection.read().empty());
  world.advance(1s);
  CHECK(connection.read() == "! t 2 TICK 1700000013.000000000\n");
}

TEST_CASE("events of several clients come in the order of their changes, also when they come a few bytes at a time") {
  World world;
  Connection connection(world);
  connection.watch(all("t"));
  connection.read();
  world.report("a", "+1+1");
  world.report("b", "+1+1");
  world.report("c", "+1+1");
  std::string text;
  CHECK(connection.read_some(text, 1));
  world.report("a", "+1+2");
  CHECK(connection.read_some(text, text.size() + 1));
  world.report("c", "+1+2");
  while (connection.read_some(text, text.size() + 1)) {
  }
  world.registry.check_invariants();
  CHECK(text.starts_with("! t 1 ENTER AT Hill +0.250000000 a +1+1 "));
  CHECK(text.substr(text.find("! t 2")) ==
        "! t 2 ENTER " + world.at("b") + "! t 4 MOVE " + world.at("a") + "! t 5 ENTER " + world.at("c"));
}

TEST_CASE("nothing is written while the area index is not current") {
  World world;
  Connection connection(world);
  connection.watch(all("t"));
  connection.read();
  world.put("a", "+1+1", "100", "Hill", 0);
  std::string text;
  CHECK(connection.read_some(text, SIZE_MAX));
  CHECK(text.empty());
  world.apply();
  CHECK_FALSE(connection.read_some(text, SIZE_MAX));
  CHECK(text == "! t 1 ENTER " + world.at("a"));
}
