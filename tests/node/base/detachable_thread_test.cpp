#include "node/base/detachable_thread.hpp"

#include <chrono>
#include <csignal>
#include <memory>

#include "tests/catch.hpp"
#include "tests/node/wait_until.hpp"

namespace herd::node {
namespace {

using namespace std::chrono_literals;

TEST_CASE("a thread that ends is joined; one that does not end is detached after the given time") {
  const auto may_end = std::make_shared<std::atomic<bool>>(false);
  const auto has_ended = std::make_shared<std::atomic<bool>>(false);
  {
    DetachableThread thread("test", [may_end, has_ended] {
      while (!*may_end) std::this_thread::sleep_for(1ms);
      *has_ended = true;
    });
    const auto begin = std::chrono::steady_clock::now();
    CHECK_FALSE(thread.join_for(50ms));
    CHECK(std::chrono::steady_clock::now() - begin >= 50ms);
  }
  CHECK_FALSE(*has_ended);
  *may_end = true;
  CHECK(wait_until([&] { return has_ended->load(); }));

  DetachableThread quick("test", [] {});
  CHECK(quick.join_for(10s));
  CHECK(quick.join_for(0ms));
}

TEST_CASE("a detachable thread blocks all signals") {
  sigset_t mask{};
  DetachableThread thread("test", [&mask] { pthread_sigmask(SIG_SETMASK, nullptr, &mask); });
  REQUIRE(thread.join_for(10s));
  for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGPIPE}) CHECK(sigismember(&mask, signal) == 1);
}

}  // namespace
}  // namespace herd::node
