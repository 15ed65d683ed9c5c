#include "protocol/point.hpp"

#include <cstdint>
#include <random>
#include <string>

#include "protocol/coordinates.hpp"
#include "tests/catch.hpp"

using herd::protocol::check_coordinates;
using herd::protocol::parse_point;
using herd::protocol::Point;
using herd::protocol::point_of;

namespace {

Point point(const std::string& text) {
  INFO(text);
  const auto parsed = parse_point(text);
  REQUIRE(parsed);
  CHECK(point_of(text) == *parsed);
  return *parsed;
}

// A random number with `most` digits before the point at most, and its value in units, rounded by its digits.
struct Number {
  std::string text;
  std::int32_t units = 0;
};
Number random_number(std::mt19937_64& random, std::uint64_t bound) {
  const auto below = [&](std::uint64_t end) { return random() % end; };
  const bool is_negative = below(2) == 0;
  const std::uint64_t degrees = below(bound);
  std::string digits;
  for (std::uint64_t i = below(31); i > 0; --i) digits += static_cast<char>('0' + below(10));
  const std::string text = (is_negative ? "-" : "+") + std::to_string(degrees) + (digits.empty() ? "" : "." + digits);
  const std::string padded = digits + std::string(8, '0');
  const std::int64_t magnitude = std::stoll(std::to_string(degrees) + padded.substr(0, 7)) + (padded[7] >= '5' ? 1 : 0);
  return {text, static_cast<std::int32_t>(is_negative ? -magnitude : magnitude)};
}

}  // namespace

TEST_CASE("a point has the coordinates in units of 1e-7 degrees") {
  CHECK(point("+34.068930-118.445127") == Point{340'689'300, -1'184'451'270});
  CHECK(point("+34.0689301-118.4451279/") == Point{340'689'301, -1'184'451'279});
  CHECK(point("+1+2") == Point{10'000'000, 20'000'000});
  CHECK(point("-05-005.5") == Point{-50'000'000, -55'000'000});
  CHECK(point("-0-0.0") == Point{0, 0});
}

TEST_CASE("the bounds are points, and +180 and -180 stay as written") {
  CHECK(point("+90+180") == Point{900'000'000, 1'800'000'000});
  CHECK(point("-90.000-180.0/") == Point{-900'000'000, -1'800'000'000});
  CHECK(point("+89.99999999+179.99999999") == Point{900'000'000, 1'800'000'000});
  CHECK(point("-89.99999994-179.99999994") == Point{-899'999'999, -1'799'999'999});
}

TEST_CASE("numbers are rounded half away from zero, by the eighth digit") {
  CHECK(point("+0.00000005-0.00000005") == Point{1, -1});
  CHECK(point("+0.00000004-0.00000004") == Point{0, 0});
  CHECK(point("+0.000000049999999999999999999999-0.000000049999999999999999999999") == Point{0, 0});
  CHECK(point("+0.000000050000000000000000000000-0.000000050000000000000000000000") == Point{1, -1});
  CHECK(point("+0.99999995-9.99999995") == Point{10'000'000, -100'000'000});
  CHECK(point("+51.507350900000001-0.12775829999999999") == Point{515'073'509, -1'277'583});
}

TEST_CASE("random coordinates are rounded as their digits say") {
  std::mt19937_64 random(1);
  for (int i = 0; i < 50'000; ++i) {
    const Number latitude = random_number(random, 90);
    const Number longitude = random_number(random, 180);
    const std::string text = latitude.text + longitude.text + (random() % 2 == 0 ? "/" : "");
    const auto parsed = parse_point(text);
    if (!parsed || *parsed != Point{latitude.units, longitude.units}) FAIL(text);
  }
}

TEST_CASE("a text is a point if and only if it is valid coordinates, with the same reason") {
  std::mt19937_64 random(2);
  std::size_t valid = 0;
  for (int i = 0; i < 200'000; ++i) {
    std::string text = random_number(random, 92).text + random_number(random, 182).text;
    for (std::uint64_t changes = random() % 4; changes > 0; --changes) {
      text[random() % text.size()] = "+-./0123456789 e"[random() % 16];
    }
    const auto checked = check_coordinates(text);
    const auto parsed = parse_point(text);
    if (checked.has_value() != parsed.has_value()) FAIL(text);
    if (!checked && checked.error() != parsed.error()) FAIL(text);
    if (checked) ++valid;
  }
  CHECK(valid > 20'000);
  CHECK_FALSE(parse_point(""));
  CHECK(parse_point("+90.000000000000000000000000000001+0").error() == "latitude is not within -90 and +90");
  CHECK(parse_point("+0-180.000000000000000000000000000001").error() == "longitude is not within -180 and +180");
}
