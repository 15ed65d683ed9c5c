#include "node/config/port_range.hpp"

#include "tests/catch.hpp"

namespace herd::node {
namespace {

TEST_CASE("a port is at risk if it is in the kernel's range and not reserved") {
  const PortRange range = parse_port_range({"32768\t60999\n", "8080,40000-40002,50000"});
  CHECK_FALSE(range.contains(32767));
  CHECK(range.contains(32768));
  CHECK(range.contains(39999));
  CHECK_FALSE(range.contains(40000));
  CHECK_FALSE(range.contains(40002));
  CHECK(range.contains(40003));
  CHECK_FALSE(range.contains(50000));
  CHECK(range.contains(60999));
  CHECK_FALSE(range.contains(61000));
}

TEST_CASE("no port is at risk if the settings cannot be parsed") {
  for (const char* text : {"", "32768", "x y", "99999 100000"}) {
    const PortRange range = parse_port_range({text, "1-2"});
    CHECK_FALSE(range.contains(32768));
    CHECK_FALSE(range.contains(1));
  }
  CHECK(parse_port_range({"1024 65535", ""}).contains(65535));
  CHECK(parse_port_range({"1024 65535", "5000-"}).contains(5001));
}

TEST_CASE("there is a warning with a remedy for each port at risk") {
  NodeConfig node;
  node.name = "Hill";
  node.clients = {"127.0.0.1", 12140};
  node.bus = "tcp://127.0.0.1:40000";
  node.monitor = "tcp://[::1]:12340";
  const PortRange range = parse_port_range({"32768 60999", ""});
  const auto warnings = ports_at_risk(node, range);
  REQUIRE(warnings.size() == 1);
  CHECK(warnings[0] ==
        "Hill: `bus` has port 40000, which the kernel may give to any outgoing connection (32768 to 60999) while the "
        "node is down: write a port outside of that range, or reserve this one: sysctl "
        "net.ipv4.ip_local_reserved_ports=40000");
  node.clients.port = 33000;
  node.monitor = "tcp://[::1]:33001";
  node.http = {"127.0.0.1", 33002};
  CHECK(ports_at_risk(node, range).size() == 4);
}

}  // namespace
}  // namespace herd::node
