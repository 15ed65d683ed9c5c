#include "node/observe/status_board.hpp"

#include <optional>
#include <vector>

#include "tests/catch.hpp"
#include "tests/node/status_loop.hpp"

namespace herd::node {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using StatusPtr = std::shared_ptr<const Status>;

// A board that uses the test's thread as its readers' thread, and a loop that publishes on another thread when asked.
struct Board {
  std::shared_ptr<asio::io_context> io = std::make_shared<asio::io_context>();
  StatusLoop loop;
  std::shared_ptr<StatusBoard> board = std::make_shared<StatusBoard>(io, loop.ask());
  std::vector<std::optional<StatusPtr>> read;  // nullopt: not called yet; else the status, perhaps null

  Board() {
    loop.start([this](StatusPtr status) { board->publish(std::move(status)); });
  }
  ~Board() { loop.stop(); }

  void begin_to_read() {
    read.emplace_back();
    board->read([this, place = read.size() - 1](const StatusPtr& status) { read[place] = status; });
  }

  // Runs the readers' thread until the condition holds. Returns false after ten seconds.
  template <typename Condition>
  bool run_until(Condition condition) {
    const auto deadline = steady_clock::now() + std::chrono::seconds(10);
    while (!condition()) {
      if (steady_clock::now() > deadline) return false;
      io->restart();
      io->run_one_for(milliseconds(10));
    }
    return true;
  }

  [[nodiscard]] bool all_came() const {
    return std::all_of(read.begin(), read.end(), [](const auto& one) { return one.has_value(); });
  }
};

TEST_CASE("a fresh status is returned at once, without asking the loop") {
  Board board;
  const auto status = status_taken_now();
  status->taken.steady += milliseconds(1'000);  // fresh for the whole test
  board.board->publish(status);
  board.io->run_one();
  board.begin_to_read();
  REQUIRE(board.read[0]);
  CHECK(*board.read[0] == status);
  CHECK(board.loop.asked == 0);
}

TEST_CASE("a status that is too old is not returned: the loop is asked for a new one") {
  Board board;
  const auto old = status_taken_now();
  old->taken.steady -= StatusBoard::kFresh + milliseconds(1);
  board.board->publish(old);
  board.io->run_one();
  const auto called = steady_clock::now();
  board.begin_to_read();
  CHECK_FALSE(board.read[0]);  // nothing has waited for it
  REQUIRE(board.run_until([&] { return board.all_came(); }));
  REQUIRE(*board.read[0]);
  CHECK((*board.read[0])->taken.steady >= (called - StatusBoard::kFresh).time_since_epoch());
  CHECK(board.loop.asked == 1);
}

TEST_CASE("many readers at once cost the loop one status, or two if it takes long") {
  Board board;
  for (int reader = 0; reader < 20; ++reader) board.begin_to_read();
  REQUIRE(board.run_until([&] { return board.all_came(); }));
  for (const auto& status : board.read) CHECK(*status);
  CHECK(board.loop.asked <= 2);
}

TEST_CASE("readers of a stuck loop get null after a second, and the loop is asked only once") {
  Board board;
  board.loop.stuck = true;
  const auto called = steady_clock::now();
  for (int reader = 0; reader < 3; ++reader) board.begin_to_read();
  CHECK(board.board->waiting() == 3);
  REQUIRE(board.run_until([&] { return board.all_came(); }));
  CHECK(steady_clock::now() - called >= StatusBoard::kPatience);
  for (const auto& status : board.read) CHECK_FALSE(*status);
  CHECK(board.board->waiting() == 0);
  board.begin_to_read();
  REQUIRE(board.run_until([&] { return board.all_came(); }));
  CHECK_FALSE(*board.read[3]);
  CHECK(board.loop.asked == 1);

  board.loop.stuck = false;
  board.begin_to_read();
  REQUIRE(board.run_until([&] { return board.all_came(); }));
  CHECK(*board.read[4]);
}

TEST_CASE("each reader has its own timeout of a second") {
  Board board;
  board.loop.stuck = true;
  board.begin_to_read();
  REQUIRE(
      board.run_until([&, begin = steady_clock::now()] { return steady_clock::now() > begin + milliseconds(300); }));
  const auto called = steady_clock::now();
  board.begin_to_read();
  REQUIRE(board.run_until([&] { return board.read[0].has_value(); }));
  if (steady_clock::now() < called + StatusBoard::kPatience) CHECK_FALSE(board.read[1]);
  REQUIRE(board.run_until([&] { return board.all_came(); }));
  CHECK(steady_clock::now() - called >= StatusBoard::kPatience);
}

TEST_CASE("a destroyed board accepts no status and calls no reader") {
  Board board;
  board.loop.stuck = true;
  board.begin_to_read();
  board.board->publish(status_taken_now());
  const auto io = board.io;
  board.loop.stop();
  board.board.reset();
  io->run();
  CHECK_FALSE(board.read[0]);
}

}  // namespace
}  // namespace herd::node
