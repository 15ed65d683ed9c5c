#include "protocol/coordinates.hpp"

#include <string>

#include "tests/catch.hpp"

using herd::protocol::parse_coordinates;

TEST_CASE("coordinates of the example are read to the last digit") {
  const auto position = parse_coordinates("+34.068930-118.445127");
  REQUIRE(position);
  CHECK(position->latitude == 34.068930);
  CHECK(position->longitude == -118.445127);
}

TEST_CASE("coordinates need no fraction and allow leading zeros within their digits") {
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

TEST_CASE("a point has digits behind it") {
  CHECK_FALSE(parse_coordinates("+34.-118"));
  CHECK_FALSE(parse_coordinates("+34-118."));
}

TEST_CASE("a coordinate has at most 15 fraction digits") {
  CHECK(parse_coordinates("+1.123456789012345+179.123456789012345"));
  CHECK_FALSE(parse_coordinates("+1.1234567890123456+1"));
  CHECK_FALSE(parse_coordinates("+1+1.1234567890123456"));
  CHECK_FALSE(parse_coordinates("+1+1." + std::string(500, '0')));
}

TEST_CASE("ranges are judged on the decimal text") {
  CHECK(parse_coordinates("+90.000000000000000-180.000000000000000"));
  CHECK(parse_coordinates("-90+180.0"));
  CHECK(parse_coordinates("+89.999999999999999+179.999999999999999"));
  CHECK(parse_coordinates("+90.000000000000001+0").error() == "latitude is not within -90 and +90");
  CHECK(parse_coordinates("-90.000000000000001+0").error() == "latitude is not within -90 and +90");
  CHECK(parse_coordinates("+91+0").error() == "latitude is not within -90 and +90");
  CHECK(parse_coordinates("+0-180.000000000000001").error() == "longitude is not within -180 and +180");
  CHECK(parse_coordinates("+0+181").error() == "longitude is not within -180 and +180");
}

TEST_CASE("exponent, altitude, solidus and degrees-minutes are refused") {
  CHECK_FALSE(parse_coordinates("+3e1-118"));
  CHECK_FALSE(parse_coordinates("+34-118e0"));
  CHECK_FALSE(parse_coordinates("+34-118+12"));
  CHECK_FALSE(parse_coordinates("+34-118/"));
  CHECK_FALSE(parse_coordinates("+3404-11826"));
  CHECK_FALSE(parse_coordinates("+34-118 "));
  CHECK_FALSE(parse_coordinates(" +34-118"));
  CHECK_FALSE(parse_coordinates("+nan+inf"));
  CHECK_FALSE(parse_coordinates(""));
}

TEST_CASE("the double of a coordinate is the text's value even with the most digits") {
  const auto position = parse_coordinates("+12.345678901234567-123.456789012345678");
  REQUIRE(position);
  CHECK(position->latitude == Approx(12.345678901234567).epsilon(1e-15));
  CHECK(position->longitude == Approx(-123.456789012345678).epsilon(1e-15));
}
