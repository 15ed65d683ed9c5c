// Two buses over the loopback interface. One of them has another peer that accepts nothing.
#include <poll.h>

#include <chrono>

#include "bus/zmq/bus.hpp"
#include "tests/bus/two_replicas.hpp"
#include "tests/catch.hpp"
#include "tests/node/free_port.hpp"

using namespace herd::bus;
using namespace herd::protocol;

namespace {

Now real_time() {
  return {std::chrono::steady_clock::now().time_since_epoch(), std::chrono::system_clock::now().time_since_epoch()};
}

std::string free_address() {
  return "tcp://127.0.0.1:" + std::to_string(herd::node::free_port());
}

void run_once(Bus& bus) {
  std::vector<pollfd> polled;
  for (const int descriptor : bus.descriptors()) polled.push_back({descriptor, POLLIN, 0});
  (void)poll(polled.data(), polled.size(), 2);
  for (std::size_t i = 0; i < polled.size(); ++i) {
    if (polled[i].revents != 0) bus.touched(i);
  }
  for (bool more = true; more;) more = bus.pump(real_time());
}

}  // namespace

TEST_CASE("a node with a stuck output to one peer still receives from the others") {
  zmq::context_t context;
  const auto hill = make_replica("Hill", {"Smith", "Jaquez"}, 1);
  const auto smith = make_replica("Smith", {"Hill"}, 2);
  const std::string hills = free_address();
  const std::string smiths = free_address();
  const auto hills_bus =
      Bus::open(context, {hills, {smiths, free_address()}}, *hill);  // no process has Jaquez's address
  const auto smiths_bus = Bus::open(context, {smiths, {hills}}, *smith);
  REQUIRE(hills_bus);
  REQUIRE(smiths_bus);
  REQUIRE(accept(*smith, "kiwi", "5", real_time()).result == Accepted::Stored);
  const Nanoseconds end = real_time().steady + 5s;
  while (!hill->find("kiwi") && real_time().steady < end) {
    run_once(**hills_bus);
    run_once(**smiths_bus);
  }
  CHECK(hill->find("kiwi"));
}
