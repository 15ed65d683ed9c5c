#include "node/observe/event_text.hpp"

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "tests/catch.hpp"

namespace herd::node {
namespace {

std::string written(const FieldValue& value) {
  std::string out;
  append_field(out, {"x", value});
  return out;
}

TEST_CASE("each kind of value is written as JSON") {
  CHECK(written(true) == R"("x":true)");
  CHECK(written(false) == R"("x":false)");
  CHECK(written(std::numeric_limits<std::int64_t>::min()) == R"("x":-9223372036854775808)");
  CHECK(written(std::numeric_limits<std::uint64_t>::max()) == R"("x":18446744073709551615)");
  CHECK(written(-118.445127) == R"("x":-118.445127)");
  CHECK(written("kiwi.cs.ucla.edu") == R"("x":"kiwi.cs.ucla.edu")");
  CHECK(written("") == R"("x":"")");
}

TEST_CASE("a number that JSON cannot represent is null") {
  CHECK(written(std::nan("")) == R"("x":null)");
  CHECK(written(std::numeric_limits<double>::infinity()) == R"("x":null)");
}

TEST_CASE("a time is written in UTC with microseconds") {
  CHECK(utc_text(protocol::Nanoseconds(0)) == "1970-01-01T00:00:00.000000Z");
  CHECK(utc_text(protocol::Nanoseconds(1'520'023'934'918'963'997)) == "2018-03-02T20:52:14.918963Z");
  CHECK(utc_text(protocol::Nanoseconds(951'782'400'000'000'999)) == "2000-02-29T00:00:00.000000Z");
  CHECK(utc_text(protocol::Nanoseconds(-1)) == "1969-12-31T23:59:59.999999Z");
}

}  // namespace
}  // namespace herd::node
