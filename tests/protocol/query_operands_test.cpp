#include "protocol/query_operands.hpp"

#include <string>

#include "tests/catch.hpp"

using namespace herd::protocol;
using namespace std::chrono_literals;

TEST_CASE("a centre that has the form of coordinates is a point, every other one a client") {
  CHECK(parse_centre("+1.5-2")->point == Point{15'000'000, -20'000'000});
  CHECK(parse_centre("+1.5-2/")->client.empty());
  for (const std::string client : {"kiwi.cs.ucla.edu", "+1", "1+2", "+1-2x", "+1.-2", "+1-2//", "+123-1", "+1-1234"}) {
    INFO(client);
    CHECK(parse_centre(client)->client == client);
  }
  CHECK(parse_centre(std::string(255, 'k')));
  CHECK(parse_centre(std::string(256, 'k')).error() == "client is longer than 255 bytes");
}

TEST_CASE("a centre that has the form of coordinates and is out of range is refused") {
  CHECK(parse_centre("+91-2").error() == "latitude is not within -90 and +90");
  CHECK(parse_centre("+90.000000000000000000000000000001-2").error() == "latitude is not within -90 and +90");
  CHECK(parse_centre("+1-180.1/").error() == "longitude is not within -180 and +180");
}

TEST_CASE("kilometres are rounded half up to whole millimetres") {
  CHECK(*parse_km("0") == 0);
  CHECK(*parse_km("10.5") == 10'500'000);
  CHECK(*parse_km("0.000001") == 1);
  CHECK(*parse_km("0.000000499") == 0);
  CHECK(*parse_km("0.0000005") == 1);
  CHECK(*parse_km("0.999999500") == 1'000'000);
  CHECK(*parse_km("0.999999499") == 999'999);
  CHECK(*parse_km("000000012.345678901") == 12'345'679);
}

TEST_CASE("the range of kilometres, 0 to 20016, is checked on the text") {
  CHECK(*parse_km("20016") == 20'016'000'000);
  CHECK(*parse_km("20016.000000000") == 20'016'000'000);
  CHECK(*parse_km("20015.999999999") == 20'016'000'000);
  for (const std::string text : {"20016.000000001", "20017", "999999999"}) {
    INFO(text);
    CHECK(parse_km(text).error() == "kilometres are not within 0 and 20016");
  }
}

TEST_CASE("kilometres and seconds have one to nine digits before the point, and as many after it") {
  for (const std::string text :
       {"", "+1", "-1", "1e1", "1.", ".5", "0000000001", "1.0000000000", "1,5", "0x1", "inf", "1 ", "1/"}) {
    INFO(text);
    CHECK_FALSE(parse_km(text));
    CHECK_FALSE(parse_seconds(text));
    CHECK_FALSE(parse_beat(text));
  }
}

TEST_CASE("seconds are exact") {
  CHECK(*parse_seconds("0") == 0ns);
  CHECK(*parse_seconds("1.5") == 1'500'000'000ns);
  CHECK(*parse_seconds("0.000000001") == 1ns);
  CHECK(*parse_seconds("999999999.999999999") == 999'999'999'999'999'999ns);
}

TEST_CASE("a beat has 5 to 3600 seconds") {
  CHECK(*parse_beat("5") == 5s);
  CHECK(*parse_beat("5.000000001") == 5'000'000'001ns);
  CHECK(*parse_beat("3600.0") == 1h);
  for (const std::string text : {"0", "4.999999999", "3600.000000001", "3601"}) {
    INFO(text);
    CHECK(parse_beat(text).error() == "beat is not within 5 and 3600 seconds");
  }
}

TEST_CASE("the number of clients in an answer has one to four digits, from 0 to 1000") {
  CHECK(*parse_max_lines("0") == 0);
  CHECK(*parse_max_lines("007") == 7);
  CHECK(*parse_max_lines("1000") == 1000);
  for (const std::string text : {"1001", "9999"}) CHECK(parse_max_lines(text).error().ends_with("within 0 and 1000"));
  for (const std::string text : {"", "00001", "-1", "+1", "1.0", "a", "1a"}) CHECK_FALSE(parse_max_lines(text));
}

TEST_CASE("a prefix ends with *, and an earlier * is an ordinary byte") {
  CHECK(*parse_prefix("bus-*") == "bus-");
  CHECK(parse_prefix("*")->empty());
  CHECK(*parse_prefix("a*b**") == "a*b*");
  CHECK(*parse_prefix("a=b*") == "a=b");
  CHECK(parse_prefix(std::string(255, 'a') + "*"));
  CHECK_FALSE(parse_prefix(std::string(256, 'a') + "*"));
  for (const std::string text : {"", "bus", "*bus"}) CHECK(parse_prefix(text).error() == "match does not end with *");
}

TEST_CASE("a watched client is an id, or a prefix if it ends with *") {
  CHECK(parse_watched_clients("kiwi")->id == "kiwi");
  CHECK_FALSE(parse_watched_clients("kiwi")->is_prefix);
  CHECK(parse_watched_clients("ki*wi*")->id == "ki*wi");
  CHECK(parse_watched_clients("ki*wi*")->is_prefix);
  CHECK(parse_watched_clients("*")->id.empty());
  CHECK(parse_watched_clients("+1-2")->id == "+1-2");
  CHECK(parse_watched_clients(std::string(255, 'a')));
  CHECK_FALSE(parse_watched_clients(std::string(256, 'a')));
}

TEST_CASE("a cursor has 1 to 400 letters, digits, _ and -") {
  CHECK(*parse_cursor("aZ09_-") == "aZ09_-");
  CHECK(parse_cursor(std::string(400, 'a')));
  CHECK_FALSE(parse_cursor(std::string(401, 'a')));
  for (const std::string text : {"", "a.b", "a=", "a/b", "a+b", "\x80"}) CHECK_FALSE(parse_cursor(text));
}

TEST_CASE("a tag has 1 to 32 letters, digits, _, . and -") {
  CHECK(*parse_tag("aZ09_.-") == "aZ09_.-");
  CHECK(parse_tag(std::string(32, 'a')));
  CHECK_FALSE(parse_tag(std::string(33, 'a')));
  for (const std::string text : {"", "a b", "a*", "a:b", "\xC3\xA9"}) CHECK_FALSE(parse_tag(text));
}

TEST_CASE("a place to resume from is a feed of 16 hexadecimal digits, a colon and a change number") {
  const auto from = parse_resume_from("00f0123456789abc:42");
  REQUIRE(from);
  CHECK(from->feed_id == 0x00f0123456789abc);
  CHECK(from->number == 42);
  CHECK(parse_resume_from("ffffffffffffffff:18446744073709551615")->number == UINT64_MAX);
  CHECK(parse_resume_from("0000000000000000:0")->number == 0);
  for (const std::string text :
       {"", ":", "1:1", "00f0123456789abc", "00f0123456789abc:", "00f0123456789abc:-1", "00f0123456789abc:+1",
        "00f0123456789abc:1x", "00f0123456789abc:18446744073709551616", "00F0123456789ABC:1", "00f0123456789abcd:1",
        "0x00123456789abc:1", "-0f0123456789abc:1", "00f0123456789ab:c1", "00f0123456789abc:1:"}) {
    INFO(text);
    CHECK_FALSE(parse_resume_from(text));
  }
}
