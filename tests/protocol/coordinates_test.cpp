#include "protocol/coordinates.hpp"

#include <string>
#include <string_view>

#include "protocol/limits.hpp"
#include "tests/catch.hpp"

using herd::protocol::check_coordinates;
using herd::protocol::parse_coordinates;
using herd::protocol::take_coordinates;

TEST_CASE("the coordinates of the example are read exactly") {
  const auto position = parse_coordinates("+34.068930-118.445127");
  REQUIRE(position);
  CHECK(position->latitude == 34.068930);
  CHECK(position->longitude == -118.445127);
}

TEST_CASE("coordinates need no fraction, and allow leading zeros within their number of digits") {
  for (const std::string text : {"+1+2", "-0-0", "+05+005", "+90+180", "-90-180", "+34-118.5", "+34.5-118"}) {
    INFO(text);
    CHECK(parse_coordinates(text));
  }
  CHECK(parse_coordinates("-05-005")->latitude == -5);
  CHECK(parse_coordinates("-05-005")->longitude == -5);
}

TEST_CASE("both signs are required") {
  CHECK_FALSE(parse_coordinates("34.068930-118.445127"));
  CHECK_FALSE(parse_coordinates("+34.068930118.445127"));
  CHECK_FALSE(parse_coordinates("+34.068930"));
  CHECK_FALSE(parse_coordinates("+34.068930,-118.445127"));
  CHECK_FALSE(parse_coordinates("++34-118"));
  CHECK_FALSE(parse_coordinates("+34--118"));
}

TEST_CASE("latitude has one or two digits, longitude one to three") {
  CHECK(parse_coordinates("+1+1"));
  CHECK(parse_coordinates("+12+123"));
  CHECK_FALSE(parse_coordinates("+012+1"));
  CHECK_FALSE(parse_coordinates("+12+0123"));
  CHECK_FALSE(parse_coordinates("++1"));
  CHECK_FALSE(parse_coordinates("+1+"));
  CHECK_FALSE(parse_coordinates("+.5+1"));
  CHECK_FALSE(parse_coordinates("+1+.5"));
}

TEST_CASE("a point must have digits after it") {
  CHECK_FALSE(parse_coordinates("+34.-118"));
  CHECK_FALSE(parse_coordinates("+34-118."));
}

TEST_CASE("a coordinate has at most 30 fraction digits") {
  const std::string most = "." + std::string(29, '0') + "1";
  for (const std::string rest : {"", "/"}) {
    INFO(rest);
    CHECK(parse_coordinates("+1" + most + "+179" + most + rest));
    CHECK_FALSE(parse_coordinates("+1" + most + "0+1" + rest));
    CHECK_FALSE(parse_coordinates("+1+1" + most + "0" + rest));
    CHECK_FALSE(parse_coordinates("+1+1." + std::string(500, '0') + rest));
  }
  const std::string longest = "-89" + most + "-179" + most + "/";
  CHECK(longest.size() == herd::protocol::kMaxCoordinatesBytes);
  CHECK(parse_coordinates(longest));
}

TEST_CASE("one solidus is allowed, only at the end of coordinates") {
  for (const std::string text : {"+34.068930-118.445127/", "+1+2/", "+90+180/", "-90.0-180.0/", "+05-005.5/"}) {
    INFO(text);
    CHECK(parse_coordinates(text));
    CHECK(check_coordinates(text));
    std::string_view rest = text;
    CHECK(take_coordinates(rest));
    CHECK(rest.empty());
  }
  CHECK(parse_coordinates("+34.5-118.25/")->longitude == -118.25);
  for (const std::string text : {"+34-118//", "+34/-118", "+34/-118/", "/+34-118", "+34-118/ ", "+34-118./",
                                 "+34-118/+12", "+34-/", "/", "+90+180.1/", "+34-118+12/", "+34.-118/", "+91+0/"}) {
    INFO(text);
    CHECK_FALSE(parse_coordinates(text));
    CHECK_FALSE(check_coordinates(text));
  }
}

TEST_CASE("doubles in the forms that programs print are coordinates") {
  // Python's repr(), printf with %.17g and %.20f, and the shortest and longest forms of JavaScript's toString().
  for (const std::string text :
       {"+51.507350900000001-0.12775829999999999", "+51.50735090000000127475-0.12775829999999998799",
        "+51.5073509-0.1277583", "+0.000000000000000055511151231258-0.0",
        "+37.421999999999997-122.08400000000000318"}) {
    INFO(text);
    CHECK(parse_coordinates(text));
  }
  CHECK_FALSE(parse_coordinates("+5.5511151231257827e-17+0"));
}

TEST_CASE("ranges are checked on the decimal text") {
  CHECK(parse_coordinates("+90.000000000000000-180.000000000000000"));
  CHECK(parse_coordinates("-90+180.0"));
  CHECK(parse_coordinates("+89.999999999999999+179.999999999999999"));
  CHECK(parse_coordinates("+90.000000000000001+0").error() == "latitude is not within -90 and +90");
  CHECK(parse_coordinates("-90.000000000000001+0").error() == "latitude is not within -90 and +90");
  CHECK(parse_coordinates("+91+0").error() == "latitude is not within -90 and +90");
  CHECK(parse_coordinates("+0-180.000000000000001").error() == "longitude is not within -180 and +180");
  CHECK(parse_coordinates("+0+181").error() == "longitude is not within -180 and +180");
}

TEST_CASE("ranges are checked on all digits of the text, also if they exceed a 64-bit integer") {
  const std::string zeros(29, '0');
  CHECK(parse_coordinates("+90." + zeros + "0-180." + zeros + "0"));
  CHECK(parse_coordinates("-90." + zeros + "0+180." + zeros + "0/"));
  CHECK(parse_coordinates("+90." + zeros + "1+0").error() == "latitude is not within -90 and +90");
  CHECK(parse_coordinates("-0-180." + zeros + "1/").error() == "longitude is not within -180 and +180");
  CHECK(check_coordinates("-90." + zeros + "1+0").error() == "latitude is not within -90 and +90");
  CHECK(parse_coordinates("+89." + std::string(30, '9') + "-179." + std::string(30, '9')));
  // Multiples of 2^64: in 64 bits their value would be 0.
  for (const std::string fraction : {"18446744073709551616", "36893488147419103232"}) {
    INFO(fraction);
    CHECK_FALSE(parse_coordinates("+90." + fraction + "+0"));
    CHECK_FALSE(parse_coordinates("+0+180." + fraction));
    CHECK_FALSE(check_coordinates("+0-180." + fraction + "/"));
    CHECK(parse_coordinates("+89." + fraction + "+0"));
  }
}

TEST_CASE("exponents, altitudes, and degrees with minutes are refused") {
  CHECK_FALSE(parse_coordinates("+3e1-118"));
  CHECK_FALSE(parse_coordinates("+34-118e0"));
  CHECK_FALSE(parse_coordinates("+34-118+12"));
  CHECK_FALSE(parse_coordinates("+34-118+12/"));
  CHECK_FALSE(parse_coordinates("+34-118e0/"));
  CHECK_FALSE(parse_coordinates("+3404-11826"));
  CHECK_FALSE(parse_coordinates("+34-118 "));
  CHECK_FALSE(parse_coordinates(" +34-118"));
  CHECK_FALSE(parse_coordinates("+nan+inf"));
  CHECK_FALSE(parse_coordinates(""));
}

TEST_CASE("the double of a coordinate is the value of its text, also with the most digits") {
  const auto position = parse_coordinates("+12.345678901234567-123.456789012345678");
  REQUIRE(position);
  CHECK(position->latitude == Approx(12.345678901234567).epsilon(1e-15));
  CHECK(position->longitude == Approx(-123.456789012345678).epsilon(1e-15));
  const auto longest = parse_coordinates("+12.345678901234567890123456789012-123.456789012345678901234567890123/");
  REQUIRE(longest);
  CHECK(longest->latitude == Approx(12.345678901234567890).epsilon(1e-15));
  CHECK(longest->longitude == Approx(-123.456789012345678901).epsilon(1e-15));
  CHECK(parse_coordinates("-0.000000000000000000000000000001+0.999999999999999999999999999999")->latitude == 0);
}
