#include "protocol/reply.hpp"

#include <limits>
#include <string>

#include "tests/catch.hpp"

using namespace herd::protocol;

namespace {

std::string at_with(Nanoseconds difference) {
  std::string out;
  append_at(out, {"Hill", difference, "kiwi", "+34-118", "5.0"});
  return out;
}

std::string unknown(std::string_view line) {
  std::string out;
  append_unknown(out, line);
  return out;
}

}  // namespace

TEST_CASE("AT names node, difference, client, coordinates and time, and ends with LF") {
  std::string out = "before\n";
  append_at(out,
            {"Hill", Nanoseconds(263'873'386), "kiwi.cs.ucla.edu", "+34.068930-118.445127", "1520023934.918963997"});
  CHECK(out == "before\nAT Hill +0.263873386 kiwi.cs.ucla.edu +34.068930-118.445127 1520023934.918963997\n");
}

TEST_CASE("the difference has a sign and nine fraction digits") {
  CHECK(at_with(Nanoseconds(0)) == "AT Hill +0.000000000 kiwi +34-118 5.0\n");
  CHECK(at_with(Nanoseconds(-1)) == "AT Hill -0.000000001 kiwi +34-118 5.0\n");
  CHECK(at_with(Nanoseconds(1'000'000'000)) == "AT Hill +1.000000000 kiwi +34-118 5.0\n");
  CHECK(at_with(Nanoseconds(-12'345'678'901)) == "AT Hill -12.345678901 kiwi +34-118 5.0\n");
}

TEST_CASE("the least and the greatest difference are exact") {
  CHECK(at_with(Nanoseconds::max()) == "AT Hill +9223372036.854775807 kiwi +34-118 5.0\n");
  CHECK(at_with(Nanoseconds::min()) == "AT Hill -9223372036.854775808 kiwi +34-118 5.0\n");
}

TEST_CASE("the reply to a duplicate is IGNORE and LF") {
  std::string out;
  append_ignore(out);
  CHECK(out == "IGNORE\n");
}

TEST_CASE("the copy after `? ` has the same blanks as the line") {
  CHECK(unknown("  IAMAT \t kiwi\r\f\v ") == "?   IAMAT \t kiwi\r\f\v \n");
}

TEST_CASE("the copy has control bytes and FF in lower-case hexadecimal") {
  CHECK(unknown(std::string_view("a\0b", 3)) == "? a\\x00b\n");
  CHECK(unknown("\x01\x1f\x7f\xff") == "? \\x01\\x1f\\x7f\\xff\n");
}

TEST_CASE("the copy escapes neither backslashes nor other bytes above 7F") {
  CHECK(unknown("a\\x00 k\xC3\xBCwi \x80\xFE") == "? a\\x00 k\xC3\xBCwi \x80\xFE\n");
}

TEST_CASE("text for the log is printable ASCII and unambiguous") {
  CHECK(escape_for_log("a b~") == "a b~");
  CHECK(escape_for_log("\x1b[31m\n") == "\\x1b[31m\\x0a");
  CHECK(escape_for_log("k\xC3\xBC\\") == "k\\xc3\\xbc\\\\");
}
