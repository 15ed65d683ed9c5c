#include "node/area/cursor_text.hpp"

#include <random>
#include <set>
#include <string>
#include <vector>

#include "protocol/query_operands.hpp"
#include "tests/catch.hpp"

using namespace herd::node::area;
using namespace std::chrono_literals;
using herd::protocol::Filter;
using herd::protocol::kMaxClientBytes;
using herd::protocol::kMaxCursorBytes;
using herd::protocol::Near;
using herd::protocol::Within;

namespace {

constexpr QueryHash kQuery = 0x0123'4567'89ab'cdef;

Near near_kiwi() {
  Near near;
  near.circle = {{"kiwi", {}}, 5000};
  near.max = 20;
  return near;
}

}  // namespace

TEST_CASE("a cursor of NEAR gives back its place") {
  for (const NearPlace& place : {NearPlace{0, ""}, NearPlace{1, "a"}, NearPlace{20'016'000'000, "caf\xC3\xA9\xFE\xFE"},
                                 NearPlace{INT64_MAX, std::string(kMaxClientBytes, '\xFE')}}) {
    const std::string text = cursor_text(kQuery, std::optional(place));
    CHECK(text.size() <= kMaxCursorBytes);
    CHECK(herd::protocol::parse_cursor(text));
    const auto read = read_near_cursor(kQuery, text);
    REQUIRE(read);
    REQUIRE(*read);
    CHECK((*read)->distance == place.distance);
    CHECK((*read)->client == place.client);
  }
}

TEST_CASE("a cursor of WITHIN gives back its place") {
  for (const WithinPlace& place : {WithinPlace{{0, 0}, ""}, WithinPlace{{58, UINT64_MAX}, "kiwi"},
                                   WithinPlace{{255, 1}, std::string(kMaxClientBytes, 'x')}}) {
    const std::string text = cursor_text(kQuery, std::optional(place));
    CHECK(text.size() <= kMaxCursorBytes);
    CHECK(herd::protocol::parse_cursor(text));
    const auto read = read_within_cursor(kQuery, text);
    REQUIRE(read);
    REQUIRE(*read);
    CHECK((*read)->key == place.key);
    CHECK((*read)->client == place.client);
  }
}

TEST_CASE("a cursor may be that of the start") {
  const auto near = read_near_cursor(kQuery, cursor_text(kQuery, std::optional<NearPlace>()));
  REQUIRE(near);
  CHECK_FALSE(*near);
  const auto within = read_within_cursor(kQuery, cursor_text(kQuery, std::optional<WithinPlace>()));
  REQUIRE(within);
  CHECK_FALSE(*within);
}

TEST_CASE("a cursor of another query is refused") {
  const std::string text = cursor_text(kQuery, std::optional(NearPlace{5, "kiwi"}));
  CHECK(read_near_cursor(kQuery + 1, text).error() ==
        "the cursor after `after=` belongs to a query with other operands or options");
}

TEST_CASE("the hash of a query is that of its operands and options, except max and after") {
  const std::vector<Near> different = [] {
    std::vector<Near> all(8, near_kiwi());
    all[1].circle.centre.client = "kiw";
    all[2].circle.centre = {"", {1, 2}};
    all[3].circle.centre = {"", {2, 1}};
    all[4].circle.radius = 5001;
    all[5].filter.prefix = "kiwi";
    all[6].filter.newer = 0s;
    all[7].filter.newer = 1s;
    return all;
  }();
  std::set<QueryHash> hashes;
  for (const Near& near : different) hashes.insert(query_hash(near));
  Within within;
  hashes.insert(query_hash(within));
  within.box.south_west.longitude = 1;
  hashes.insert(query_hash(within));
  within.box = {{}, {0, 1}};
  hashes.insert(query_hash(within));
  within.filter.prefix = "a";
  hashes.insert(query_hash(within));
  CHECK(hashes.size() == different.size() + 4);

  Near same = near_kiwi();
  same.max = 5;
  same.after = "abc";
  CHECK(query_hash(same) == query_hash(near_kiwi()));
}

TEST_CASE("cursors are the same on every machine") {
  CHECK(cursor_text(query_hash(near_kiwi()), std::optional(NearPlace{1'234'567, "papaya"})) ==
        "dAG8by1Xli_JELx-9xTEh4fWEgAAAAAAcGFwYXlh");
}

TEST_CASE("a cursor that is changed, cut off or invented is refused") {
  const std::string text = cursor_text(kQuery, std::optional(NearPlace{5, "kiwi"}));
  const auto is_refused = [](const std::string& changed) {
    return !read_near_cursor(kQuery, changed) && !read_within_cursor(kQuery, changed);
  };
  for (std::size_t at = 0; at < text.size(); ++at) {
    for (const char byte : {'A', 'Q', '_', '9'}) {
      std::string changed = text;
      changed[at] = byte;
      if (changed != text && !is_refused(changed)) FAIL(changed);
    }
    if (!is_refused(text.substr(0, at))) FAIL(at);
    if (!is_refused(text.substr(at + 1))) FAIL(at);
  }
  for (const std::string& invented :
       {text + "A", text + text, std::string("A"), std::string(400, 'A'), std::string(22, 'A')}) {
    INFO(invented);
    CHECK(is_refused(invented));
  }
  std::mt19937_64 random(1);
  for (int i = 0; i < 10'000; ++i) {
    std::string drawn;
    for (std::uint64_t bytes = random() % 400; bytes > 0; --bytes) {
      drawn += "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"[random() % 64];
    }
    if (!is_refused(drawn)) FAIL(drawn);
  }
}

TEST_CASE("a cursor with a right checksum and a wrong place is refused") {
  // The place of a short WITHIN cursor has too few bytes for one of NEAR the other way round, and a distance below 0.
  const std::string negative = cursor_text(kQuery, std::optional(NearPlace{-1, "kiwi"}));
  CHECK_FALSE(read_near_cursor(kQuery, negative));
  const std::string of_near = cursor_text(kQuery, std::optional(NearPlace{5, ""}));
  CHECK_FALSE(read_within_cursor(kQuery, of_near));
  const std::string long_id =
      cursor_text(kQuery, std::optional(WithinPlace{{1, 2}, std::string(kMaxClientBytes, 'x')}));
  CHECK_FALSE(read_near_cursor(kQuery, long_id));
}
