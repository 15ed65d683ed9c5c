#include "node/watches/all_watch.hpp"

#include <algorithm>

#include "tests/node/watches/world.hpp"

using namespace herd::node::watches;

TEST_CASE("a watch of all clients gives each change, and no distances") {
  World world;
  world.report("a", "+1+1");
  world.report("b", "+1+1");
  world.reset("b");
  Connection connection(world);
  CHECK(connection.watch(all("t")) == "WATCHING t 00c5f2a9d4e81b37 new\n");
  CHECK(connection.read() == "! t 0 HERE " + world.at("a") + "! t 3 READY 1\n");
  world.report("b", "+1+1");
  CHECK(connection.read() == "! t 4 ENTER " + world.at("b"));
  world.report("a", "+1+1");
  CHECK(connection.read() == "! t 5 MOVE " + world.at("a"));
  world.reset("a");
  CHECK(connection.read() == "! t 6 GONE reset a\n");
  world.reset("a");
  CHECK(connection.read().empty());
  world.registry.check_invariants();
}

TEST_CASE("a watch of a prefix sees only its clients") {
  World world;
  Connection connection(world);
  connection.watch(prefix("t", "a"));
  connection.read();
  CHECK(world.registry.take_due(world.now.steady).size() == 1);
  world.report("b", "+1+1");
  CHECK(world.registry.take_due(world.now.steady).empty());
  world.report("ab", "+1+1");
  CHECK(world.registry.take_due(world.now.steady).size() == 1);
  CHECK(connection.read() == "! t 2 ENTER " + world.at("ab"));
}

TEST_CASE("conflated changes of all clients give what the reader must know") {
  World world;
  world.report("a", "+1+1", "100");
  world.report("b", "+1+1", "100");
  world.report("c", "+1+1", "100");
  world.report("r", "+1+1", "100");
  Connection connection(world);
  connection.watch(all("t"));
  connection.read();
  world.report("a", "+1+2", "100", "Smith");  // a tie alone
  world.report("b", "+1+2", "101");
  world.report("b", "+1+3", "101", "Smith");  // a tie after a later time
  world.reset("c");
  world.report("c", "+1+1", "102");
  world.reset("r");
  world.report("new", "+1+1", "103");
  world.report("new", "+1+1", "103", "Smith");
  world.report("brief", "+1+1", "103");
  world.reset("brief");
  CHECK(connection.read() == "! t 7 MOVE " + world.at("b") + "! t 9 MOVE " + world.at("c") + "! t 10 GONE reset r\n" +
                                 "! t 12 ENTER " + world.at("new"));
  world.registry.check_invariants();
}

TEST_CASE("clients that change while all clients are listed follow READY") {
  World world;
  world.report("a", "+1+1");
  world.report("b", "+1+1");
  world.report("c", "+1+1");
  Connection connection(world);
  connection.watch(all("t"));
  std::string text;
  CHECK(connection.read_some(text, 1));
  CHECK(text == "! t 0 HERE " + world.at("a"));
  world.report("a", "+1+2");
  world.report("b", "+1+2");
  world.report("d", "+1+2");
  text.clear();
  while (connection.read_some(text, text.size() + 1)) {
  }
  CHECK(text == "! t 0 HERE " + world.at("b") + "! t 0 HERE " + world.at("c") + "! t 0 HERE " + world.at("d") +
                    "! t 3 READY 4\n! t 4 MOVE " + world.at("a"));
}

TEST_CASE("a watch of all clients resumes") {
  World world;
  world.report("a", "+1+1");
  world.report("b", "+1+1");
  world.report("c", "+1+1");
  world.report("b", "+1+2");
  world.reset("c");
  Connection connection(world);
  CHECK(connection.watch(from(all("t"), 3)) == "WATCHING t 00c5f2a9d4e81b37 resumed\n");
  CHECK(connection.read() == "! t 0 HERE " + world.at("b") + "! t 0 GONE reset c\n! t 5 READY 1\n");
  world.report("a", "+1+2");
  CHECK(connection.read() == "! t 6 MOVE " + world.at("a"));
}

TEST_CASE("a client that changes between the last line before READY and READY is not forgotten") {
  World world;
  world.report("a", "+1+1");
  world.reset("a");
  Connection connection(world);
  connection.watch(from(all("t"), 1));
  std::string text;
  CHECK(connection.read_some(text, 1));
  CHECK(text == "! t 0 GONE reset a\n");
  world.report("a", "+1+1");
  CHECK(connection.read() == "! t 2 READY 0\n! t 3 ENTER " + world.at("a"));
}

TEST_CASE("a reader that has far too much to read gets ENTER for each client that exists") {
  World world;
  world.report("a", "+1+1");
  Connection connection(world);
  connection.watch(all("t"));
  connection.read();
  for (std::size_t i = 0; i <= AllWatch::kMaxExceptions; ++i) {
    world.put("c" + std::to_string(i), "+1+1", "100", "Hill", 0);
  }
  world.apply();
  world.report("a", "+1+2");
  const std::string text = connection.read();
  CHECK(static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')) == AllWatch::kMaxExceptions + 2);
  CHECK(text.find("ENTER " + world.at("a")) != std::string::npos);
  world.report("a", "+1+3");
  CHECK(connection.read().find("MOVE " + world.at("a")) != std::string::npos);
}
