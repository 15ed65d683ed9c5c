#include "node/base/repeats.hpp"

#include <string>

#include "tests/catch.hpp"

using herd::node::Repeats;
using namespace std::chrono_literals;

TEST_CASE("a text repeats until ten minutes after it was remembered") {
  Repeats repeats;
  CHECK_FALSE(repeats.contains("Smith refused", 1s));
  CHECK(repeats.contains("Smith refused", 1s));
  CHECK(repeats.contains("Smith refused", 10min));
  CHECK_FALSE(repeats.contains("Jaquez refused", 10min));
  CHECK_FALSE(repeats.contains("Smith refused", 10min + 1s));
  CHECK(repeats.contains("Jaquez refused", 10min + 1s));
}

TEST_CASE("the oldest text is forgotten for a new one") {
  Repeats repeats;
  for (std::size_t i = 0; i < Repeats::kKept; ++i) CHECK_FALSE(repeats.contains(std::to_string(i), 1s));
  CHECK(repeats.contains("0", 1s));
  CHECK_FALSE(repeats.contains("new", 1s));
  CHECK_FALSE(repeats.contains("0", 1s));
}
