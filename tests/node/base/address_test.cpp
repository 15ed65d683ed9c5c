#include "node/base/address.hpp"

#include "tests/catch.hpp"

using namespace herd::node;

TEST_CASE("an address is written as it was parsed") {
  for (const std::string text : {"127.0.0.1:1", "0.0.0.0:65535", "[::1]:12140", "[2001:db8::1]:80", "a-b.example:80"}) {
    const auto address = parse_address(text);
    REQUIRE(address);
    CHECK(to_string(*address) == text);
    CHECK(parse_endpoint("tcp://" + text) == *address);
    CHECK_FALSE(parse_endpoint(text));
  }
}

TEST_CASE("loopback is 127.0.0.0/8, ::1 and localhost, and no other name") {
  for (const std::string host : {"127.0.0.1", "127.255.255.254", "::1", "::ffff:127.0.0.1", "localhost"}) {
    CHECK(is_loopback({host, 1}));
  }
  for (const std::string host : {"126.255.255.255", "128.0.0.1", "::", "::2", "0.0.0.0", "localhost.example"}) {
    CHECK_FALSE(is_loopback({host, 1}));
  }
}

TEST_CASE("two addresses collide if they have the same port and their hosts overlap") {
  const auto clash = [](const Address& one, const Address& other) { return collide({one, other}); };
  CHECK(clash({"127.0.0.1", 1}, {"127.0.0.1", 1}));
  CHECK(clash({"127.0.0.1", 1}, {"localhost", 1}));
  CHECK(clash({"127.0.0.1", 1}, {"::ffff:127.0.0.1", 1}));
  CHECK(clash({"::1", 1}, {"0:0:0:0:0:0:0:1", 1}));
  CHECK(clash({"127.0.0.1", 1}, {"0.0.0.0", 1}));
  CHECK(clash({"::", 1}, {"192.0.2.1", 1}));
  CHECK(clash({"a.example", 1}, {"a.example", 1}));
  CHECK_FALSE(clash({"127.0.0.1", 1}, {"127.0.0.1", 2}));
  CHECK_FALSE(clash({"127.0.0.1", 1}, {"127.0.0.2", 1}));
  CHECK_FALSE(clash({"127.0.0.1", 1}, {"::1", 1}));
  CHECK_FALSE(clash({"a.example", 1}, {"127.0.0.1", 1}));
}

TEST_CASE("a loopback address is of this host, an address for documentation is not, and names are not looked up") {
  CHECK(is_of_this_host({"127.0.0.1", 1}));
  CHECK(is_of_this_host({"0.0.0.0", 1}));
  CHECK_FALSE(is_of_this_host({"192.0.2.1", 1}));
  CHECK(is_of_this_host({"::ffff:127.0.0.1", 1}));
  CHECK_FALSE(is_of_this_host({"localhost", 1}));
}
