#include "node/clients/token_guesses.hpp"

#include "node/base/limits.hpp"
#include "tests/catch.hpp"

using namespace herd::node;
using namespace std::chrono_literals;

TEST_CASE("an address can try a few tokens within the delay, and others are not affected") {
  TokenGuesses guesses;
  for (std::size_t i = 0; i < kMaxGuessesOfAddress; ++i) {
    REQUIRE(guesses.allow(1, 5s));
    guesses.add(1, 5s);
  }
  CHECK_FALSE(guesses.allow(1, 5s));
  CHECK_FALSE(guesses.allow(1, 5s + kAuthDelay - 1ns));
  CHECK(guesses.allow(2, 5s));
  CHECK(guesses.allow(1, 5s + kAuthDelay));
}

TEST_CASE("all addresses together have a bound") {
  TokenGuesses guesses;
  for (std::size_t i = 0; i < kMaxGuessesInAll; ++i) {
    REQUIRE(guesses.allow(i, 5s));
    guesses.add(i, 5s);
  }
  CHECK_FALSE(guesses.allow(kMaxGuessesInAll, 5s));
  CHECK(guesses.allow(kMaxGuessesInAll, 5s + kAuthDelay));
}
