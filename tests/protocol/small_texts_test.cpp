#include "protocol/small_texts.hpp"

#include <string>

#include "tests/catch.hpp"

using namespace herd::protocol;

TEST_CASE("a text of any length is copied to its position, and nothing after it is overwritten") {
  std::string text;
  for (std::size_t size = 0; size <= 300; ++size) {
    std::string to(size + 2, '#');
    char* const end = put_text(to.data() + 1, text);
    REQUIRE(end == to.data() + 1 + size);
    REQUIRE(to == '#' + text + '#');
    text.push_back(static_cast<char>('a' + size % 26));
  }
}

TEST_CASE("texts of any length are the same if all their bytes are") {
  std::string text;
  for (std::size_t size = 0; size <= 300; ++size) {
    const std::string copy = text;
    REQUIRE(same_text(text, copy));
    REQUIRE_FALSE(same_text(text, copy + 'a'));
    for (std::size_t at = 0; at < size; ++at) {
      std::string other = text;
      other[at] = '#';
      REQUIRE_FALSE(same_text(text, other));
    }
    text.push_back(static_cast<char>('a' + size % 26));
  }
  CHECK(same_text({}, ""));
}

TEST_CASE("an empty text may have a null pointer") {
  char to = '#';
  CHECK(put_text(&to, {}) == &to);
  CHECK(to == '#');
}
