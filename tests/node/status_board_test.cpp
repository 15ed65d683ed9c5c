#include "node/status_board.hpp"

#include <thread>
#include <vector>

#include "tests/catch.hpp"
#include "tests/node/status_loop.hpp"
#include "tests/node/wait_until.hpp"

namespace herd::node {
namespace {

using std::chrono::steady_clock;

TEST_CASE("a status that is fresh is taken without asking the loop") {
  int asked = 0;
  StatusBoard board([&] { ++asked; });
  const auto status = status_taken_now();
  board.publish(status);
  CHECK(board.fresh() == status);
  CHECK(asked == 0);
}

TEST_CASE("a status that is too old is not shown: the loop is asked for another") {
  StatusLoop loop;
  const auto old = status_taken_now();
  old->taken.steady -= StatusBoard::kFresh + std::chrono::milliseconds(1);
  loop.board->publish(old);
  const auto called = steady_clock::now();
  const auto status = loop.board->fresh();
  REQUIRE(status);
  CHECK(status->taken.steady >= (called - StatusBoard::kFresh).time_since_epoch());
  CHECK(loop.asked == 1);
}

TEST_CASE("a loop that never published is asked, too") {
  StatusLoop loop;
  CHECK(loop.board->fresh());
}

TEST_CASE("a stuck loop is given up after a second, and asked only once however many wait and return") {
  StatusLoop loop;
  loop.stuck = true;
  const auto called = steady_clock::now();
  std::vector<std::jthread> readers;
  std::atomic<int> without = 0;
  for (int reader = 0; reader < 3; ++reader) {
    readers.emplace_back([&] {
      if (!loop.board->fresh()) ++without;
    });
  }
  readers.clear();
  CHECK(without == 3);
  CHECK(steady_clock::now() - called >= StatusBoard::kPatience);
  CHECK_FALSE(loop.board->fresh());
  CHECK(loop.asked == 1);

  loop.stuck = false;
  CHECK(loop.board->fresh());
}

TEST_CASE("a closed board gives nothing, asks nobody, and sends the waiting away at once") {
  StatusLoop loop;
  loop.stuck = true;
  std::atomic<bool> back = false;
  std::jthread reader([&] {
    CHECK_FALSE(loop.board->fresh());
    back = true;
  });
  REQUIRE(wait_until([&] { return loop.asked == 1; }));
  const auto closed = steady_clock::now();
  loop.board->close();
  REQUIRE(wait_until([&] { return back.load(); }));
  CHECK(steady_clock::now() - closed < StatusBoard::kPatience / 2);
  loop.board->publish(status_taken_now());
  CHECK_FALSE(loop.board->fresh());
  CHECK(loop.asked == 1);
}

TEST_CASE("many readers get whole statuses while the loop publishes") {
  StatusLoop loop;
  std::atomic<int> whole = 0;
  std::vector<std::jthread> readers;
  for (int reader = 0; reader < 3; ++reader) {
    readers.emplace_back([&] {
      const auto end = steady_clock::now() + std::chrono::milliseconds(300);
      while (steady_clock::now() < end) {
        const auto status = loop.board->fresh();
        if (status && status->links.size() == 2 && status->counters.at("iamat_stored") == 7) ++whole;
      }
    });
  }
  readers.clear();
  CHECK(whole > 3);
  CHECK(loop.published >= 2);
}

}  // namespace
}  // namespace herd::node
