#include "node/base/accept_backoff.hpp"

#include <chrono>

#include "node/base/limits.hpp"
#include "tests/catch.hpp"

namespace herd::node {
namespace {

using Clock = std::chrono::steady_clock;

TEST_CASE("after a failure the listener tries again once, and not before kAcceptBackoff") {
  asio::io_context io;
  AcceptBackoff backoff(io);
  int tries = 0;
  const auto begin = Clock::now();
  CHECK(backoff.failed([&] { ++tries; }));
  io.run();
  CHECK(tries == 1);
  CHECK(Clock::now() - begin >= kAcceptBackoff);
}

TEST_CASE("only the first failure since the last success is reported") {
  asio::io_context io;
  AcceptBackoff backoff(io);
  CHECK(backoff.failed([] {}));
  CHECK_FALSE(backoff.failed([] {}));
  backoff.succeeded();
  CHECK(backoff.failed([] {}));
}

TEST_CASE("a cancelled listener does not try again") {
  asio::io_context io;
  AcceptBackoff backoff(io);
  bool tried = false;
  CHECK(backoff.failed([&] { tried = true; }));
  backoff.cancel();
  io.run();
  CHECK_FALSE(tried);
}

TEST_CASE("a client that closes its connection early does not make the listener wait") {
  CHECK(is_of_one_client(std::make_error_code(std::errc::connection_aborted)));
  CHECK(is_of_one_client(std::make_error_code(std::errc::interrupted)));
  CHECK_FALSE(is_of_one_client(std::make_error_code(std::errc::too_many_files_open)));
}

}  // namespace
}  // namespace herd::node
