#include "protocol/digits.hpp"

#include <random>
#include <string>

#include "tests/catch.hpp"

using namespace herd::protocol;

namespace {

Digits one_by_one(std::string_view& text) {
  Digits digits;
  for (; !text.empty() && text.front() >= '0' && text.front() <= '9'; text.remove_prefix(1)) {
    digits.value = digits.value * 10 + static_cast<std::uint64_t>(text.front() - '0');
    ++digits.count;
  }
  return digits;
}

}  // namespace

TEST_CASE("reading digits eight at a time and one by one gives the same result, whatever bytes follow them") {
  std::mt19937 random(7);
  const std::string others = std::string("+-./:;@ \n\xB0\xB9\xFF", 12) + '\0';
  for (int round = 0; round < 20'000; ++round) {
    std::string text;
    for (auto count = random() % (kMaxExactDigits + 1); count > 0; --count) {
      text.push_back(static_cast<char>('0' + random() % 10));
    }
    for (auto count = random() % 12; count > 0; --count) {
      text.push_back(random() % 3 == 0 ? '5' : others[random() % others.size()]);
    }
    std::string_view fast = text;
    std::string_view slow = text;
    const Digits found = take_digits(fast);
    const Digits expected = one_by_one(slow);
    if (found.count != expected.count || (found.count <= kMaxExactDigits && found.value != expected.value) ||
        fast != slow) {
      FAIL("differs for: " << text);
    }
  }
  std::string_view none;
  CHECK(take_digits(none).count == 0);
}

TEST_CASE("digits are counted also if their value exceeds 64 bits") {
  const std::string many(100, '9');
  std::string_view text = many;
  CHECK(take_digits(text).count == 100);
  CHECK(text.empty());
}
