#include "node/base/listen_addresses.hpp"

#include "tests/catch.hpp"
#include "tests/node/free_port.hpp"

namespace herd::node {
namespace {

using asio::ip::tcp;

constexpr ListenOptions kHttp{.key = "http"};

tcp::endpoint endpoint(const char* host, std::uint16_t port) {
  return {asio::ip::make_address(host), port};
}

bool can_connect(const tcp::endpoint& to) {
  asio::io_context io;
  tcp::socket client(io);
  std::error_code error;
  client.connect(to, error);
  return !error;
}

TEST_CASE("an IP address is one endpoint and is not looked up") {
  const auto four = endpoints_of({"127.0.0.1", 12'440}, "http");
  REQUIRE(four);
  CHECK(*four == std::vector{endpoint("127.0.0.1", 12'440)});
  const auto six = endpoints_of({"::1", 12'440}, "http");
  REQUIRE(six);
  CHECK(*six == std::vector{endpoint("::1", 12'440)});
}

TEST_CASE("localhost is looked up, and each of its addresses appears once") {
  const auto found = endpoints_of({"localhost", 12'440}, "http");
  REQUIRE(found);
  REQUIRE_FALSE(found->empty());
  for (const auto& one : *found) {
    CHECK(one.address().is_loopback());
    CHECK(one.port() == 12'440);
    CHECK(std::count(found->begin(), found->end(), one) == 1);
  }
}

TEST_CASE("the error for an unknown name contains the key and the name") {
  const auto found = endpoints_of({"no-such-name.invalid", 12'440}, "clients");
  REQUIRE_FALSE(found);
  CHECK(found.error().message.starts_with("clients address no-such-name.invalid:12440 cannot be looked up ("));
}

TEST_CASE("the bus binds an IP address as it is configured, and of a name all addresses of this machine") {
  for (const std::string text : {"tcp://192.0.2.1:12240", "tcp://0.0.0.0:12240", "tcp://[::1]:12240"}) {
    CHECK(own_endpoints_of(text, "bus").value() == std::vector<std::string>{text});
  }
  const auto local = own_endpoints_of("tcp://localhost:12240", "bus");
  REQUIRE(local);
  CHECK_FALSE(local->empty());
  for (const std::string& endpoint : *local) {
    CHECK((endpoint == "tcp://[::1]:12240" || endpoint.starts_with("tcp://127.")));
  }
  const auto unknown = own_endpoints_of("tcp://no-such-name.invalid:12240", "bus");
  REQUIRE_FALSE(unknown);
  CHECK(unknown.error().message.starts_with("bus address no-such-name.invalid:12240 cannot be looked up ("));
}

TEST_CASE("all addresses of a name are listened on, with the same port") {
  asio::io_context io;
  const auto acceptors = listen_at(io, {endpoint("127.0.0.1", 0), endpoint("127.0.0.2", 0)}, kHttp);
  REQUIRE(acceptors);
  REQUIRE(acceptors->size() == 2);
  const auto port = acceptors->front().local_endpoint().port();
  CHECK(port != 0);
  CHECK(can_connect(endpoint("127.0.0.1", port)));
  CHECK(can_connect(endpoint("127.0.0.2", port)));
}

TEST_CASE("the wildcards of IPv4 and IPv6 do not collide as addresses of one name") {
  asio::io_context io;
  const auto acceptors = listen_at(io, {endpoint("0.0.0.0", free_port()), endpoint("::", 0)}, kHttp);
  REQUIRE(acceptors);  // one acceptor on a machine without IPv6
  CHECK(can_connect(endpoint("127.0.0.1", acceptors->front().local_endpoint().port())));
}

TEST_CASE("an address that this machine does not have is skipped if there is another, else it is an error") {
  asio::io_context io;
  const auto some = listen_at(io, {endpoint("192.0.2.1", 0), endpoint("127.0.0.1", 0)}, kHttp);
  INFO((some ? "" : some.error().message));
  REQUIRE(some);
  CHECK(some->size() == 1);
  const auto none = listen_at(io, {endpoint("192.0.2.1", 12'440)}, kHttp);
  REQUIRE_FALSE(none);
  CHECK(none.error().message.starts_with("http address 192.0.2.1:12440 cannot be listened on ("));
}

TEST_CASE("an address in use is an error, also if the name has another address") {
  asio::io_context io;
  // Another program may have the port at 127.0.0.1: then the next one is tried.
  for (int attempt = 0; attempt < 10; ++attempt) {
    const auto first = listen_at(io, {endpoint("127.0.0.2", 0)}, kHttp);
    REQUIRE(first);
    const auto port = first->front().local_endpoint().port();
    const auto second = listen_at(io, {endpoint("127.0.0.1", port), endpoint("127.0.0.2", port)}, kHttp);
    REQUIRE_FALSE(second);
    if (second.error().message.find("127.0.0.1") != std::string::npos) continue;
    CHECK(second.error().message == "http address 127.0.0.2:" + std::to_string(port) +
                                        " is in use: stop the other process or change `http` in the configuration");
    return;
  }
  FAIL("all ports are in use at 127.0.0.1");
}

TEST_CASE("accepted connections inherit the buffers of the listening socket") {
  constexpr ListenOptions kSmall{.key = "http", .send_buffer_bytes = 16 * 1024, .receive_buffer_bytes = 20 * 1024};
  asio::io_context io;
  auto acceptors = listen_on_all(io, {"127.0.0.1", 0}, kSmall);
  REQUIRE(acceptors);
  tcp::socket client(io);
  client.connect(acceptors->front().local_endpoint());
  acceptors->front().non_blocking(false);
  asio::socket_base::send_buffer_size size;
  asio::socket_base::receive_buffer_size receive_size;
  auto accepted = acceptors->front().accept();
  accepted.get_option(size);
  accepted.get_option(receive_size);
  CHECK(size.value() >= 16 * 1024);
  CHECK(receive_size.value() >= 20 * 1024);
  CHECK(receive_size.value() <= 2 * 20 * 1024);
  CHECK(size.value() <= 2 * 16 * 1024);  // Linux doubles the requested size, see socket(7)
}

}  // namespace
}  // namespace herd::node
