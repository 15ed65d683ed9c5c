// Two buses over the loopback interface. One of them has another peer that accepts nothing.
#include <chrono>

#include "tests/bus/pumped_bus.hpp"
#include "tests/bus/two_replicas.hpp"
#include "tests/catch.hpp"

using namespace herd::bus;
using namespace herd::protocol;

TEST_CASE("a node with a stuck output to one peer still receives from the others") {
  zmq::context_t context;
  const auto hill = make_replica("Hill", {"Smith", "Jaquez"}, 1);
  const auto smith = make_replica("Smith", {"Hill"}, 2);
  const std::string hills = free_address();
  const std::string smiths = free_address();
  const auto hills_bus =
      PumpedBus::open(context, {{hills}, {smiths, free_address()}}, *hill);  // no process has Jaquez's address
  const auto smiths_bus = PumpedBus::open(context, {{smiths}, {hills}}, *smith);
  REQUIRE(hills_bus);
  REQUIRE(smiths_bus);
  REQUIRE(accept(*smith, "kiwi", "5", real_time()).result == Accepted::Stored);
  const Nanoseconds end = real_time().steady + 5s;
  while (!hill->find("kiwi") && real_time().steady < end) {
    hills_bus->run_once();
    smiths_bus->run_once();
  }
  CHECK(hill->find("kiwi"));
}
