#include "node/observe/counter_help.hpp"

#include "node/clients/counters.hpp"
#include "node/observe/status.hpp"
#include "tests/catch.hpp"

namespace herd::node {
namespace {

TEST_CASE("every counter of the clients and of the bus has a help text of its own") {
  Status status;
  for (const auto& [name, value] : Counters().list()) status.counters.emplace(name, value);
  add_bus(status, {});
  for (const auto& [name, value] : status.counters) {
    INFO(name);
    CHECK_FALSE(counter_help(name).starts_with("Counted since the start: "));
  }
}

TEST_CASE("a counter without a help text gets one made of its name") {
  CHECK(counter_help("some_new_counter") == "Counted since the start: some new counter");
}

}  // namespace
}  // namespace herd::node
