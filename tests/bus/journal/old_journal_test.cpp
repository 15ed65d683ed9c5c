// A journal of a release that did not write runs: its records are read, and its cursors count as 0.
#include <fstream>
#include <iterator>
#include <string>

#include "bus/journal/recovery.hpp"
#include "tests/catch.hpp"

using namespace herd::bus;

namespace {

// The journal of the node Hill, which was started twice. It accepted kiwi.example, plum, and kiwi.example again, and
// received pear from Smith.
std::string old_journal() {
  std::ifstream file(HERD_SOURCE_DIR "/tests/fuzz/corpus/journal/without_runs", std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

constexpr std::uint64_t kFeed = 0x6f62'a5dc'737c'fef7;
constexpr std::uint64_t kSmithsFeed = 0x71c7'fa50'd6b0'75da;

}  // namespace

TEST_CASE("a journal without runs gives its records, its feed id and its change numbers") {
  const std::string text = old_journal();
  const auto state = recover(text, 1, 1);
  REQUIRE(state);
  CHECK(state->valid_bytes == text.size());
  CHECK(state->store.size() == 3);
  REQUIRE(state->store.find("kiwi.example"));
  CHECK(state->store.find("kiwi.example")->time_text.view() == "1700000004");
  CHECK(state->store.number_of("plum") == 2);
  CHECK(state->store.number_of("kiwi.example") == kRunGap + 4);
  CHECK(state->run.feed_id == kFeed);
  CHECK(state->run.base == 2 * kRunGap + 4);
}

TEST_CASE("the runs of a journal without runs are listed, and no position can name one") {
  const auto state = recover(old_journal(), 1, 1);
  REQUIRE(state);
  CHECK(state->runs.list() == std::vector<Run>{{0, 0}, {0, kRunGap + 3}});
  CHECK_FALSE(state->runs.allow({1, 0, 0}, kRunGap + 4, kRunGap + 4));
}

TEST_CASE("the cursors of a journal without runs are recovered without runs") {
  const auto state = recover(old_journal(), 1, 1);
  REQUIRE(state);
  CHECK(state->cursors == std::vector<PeerCursor>{{"Smith", kSmithsFeed, {4, 0, 0}}});
}
