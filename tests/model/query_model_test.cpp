#include "tests/model/query_model.hpp"

#include <string>

#include "tests/catch.hpp"
#include "tests/model/fault.hpp"

namespace herd::model {

using namespace std::chrono_literals;

namespace {

Record record(const std::string& client, const std::string& coordinates, const std::string& seconds) {
  const std::string at = "AT Hill +0.000000001 " + client + ' ' + coordinates + ' ' + seconds;
  return {client, coordinates, seconds_of(seconds), 0, at};
}

// On the equator: a in the middle, b and c 111 m away on either side, d 222 m; z was reset.
std::vector<Record> sample() {
  std::vector<Record> records{record("a", "+0+0", "10"), record("b", "+0+0.001", "20"), record("c", "+0-0.001", "30"),
                              record("d", "+0+0.002", "40")};
  records.push_back({"z", "", 0s, 1, ""});
  return records;
}

const std::string kA = "AT Hill +0.000000001 a +0+0 10\n";
const std::string kB = "AT Hill +0.000000001 b +0+0.001 20\n";
const std::string kC = "AT Hill +0.000000001 c +0-0.001 30\n";
const std::string kD = "AT Hill +0.000000001 d +0+0.002 40\n";
const std::string kIsB = "IS 0.111 090 " + kB;
const std::string kIsC = "IS 0.111 270 " + kC;
const std::string kIsD = "IS 0.222 090 " + kD;

}  // namespace

TEST_CASE("the model accepts the right answer to a question") {
  const std::vector<Record> records = sample();
  const QueryModel model(records, 50s);
  CHECK_NOTHROW(model.check("WHEREIS a", kA));
  CHECK_NOTHROW(model.check("WHEREIS z", "? WHEREIS z\n"));
  CHECK_NOTHROW(model.check("WHEREIS y", "? WHEREIS y\n"));
  CHECK_NOTHROW(model.check("NEAR a 1 9", kA + kIsB + kIsC + kIsD + "END 4\n"));
  CHECK_NOTHROW(model.check("NEAR a 1 2", kA + kIsB + kIsC + "END 3 cursor\n"));
  CHECK_NOTHROW(model.check("NEAR a 1 0", kA + "END 1 cursor\n"));
  CHECK_NOTHROW(model.check("NEAR a 0.1 9", kA + "END 1\n"));
  CHECK_NOTHROW(model.check("NEAR z 1 9", "? NEAR z 1 9\n"));
  CHECK_NOTHROW(model.check("NEAR +0+0.002 0 9", "IS 0.000 000 " + kD + "END 1\n"));
  CHECK_NOTHROW(model.check("NEAR a 1 9 after=x", kA + kIsC + kIsD + "END 3\n", {kIsB.substr(0, kIsB.size() - 1)}));
  CHECK_NOTHROW(model.check("NEAR a 1 9 match=c*", kA + kIsC + "END 2\n"));
  CHECK_NOTHROW(model.check("NEAR a 1 9 newer=20", kA + kIsC + kIsD + "END 3\n"));
  CHECK_NOTHROW(model.check("WITHIN +0+0 +0+0.002 9", kD + kA + kB + "END 3\n"));
  CHECK_NOTHROW(model.check("WITHIN +0+0 +0+0.002 2", kD + kA + "END 2 cursor\n"));
  CHECK_NOTHROW(model.check("COUNT NEAR a 0.112", "COUNT 2\n"));
  CHECK_NOTHROW(model.check("COUNT WITHIN +0+0 +0+0.002", "COUNT 3\n"));
  CHECK_NOTHROW(model.check("COUNT NEAR z 1", "? COUNT NEAR z 1\n"));
}

TEST_CASE("the model refuses each wrong answer to a question") {
  struct Wrong {
    const char* why;
    std::string command;
    std::string answer;
  };
  const std::vector<Wrong> all{
      {"of another client", "WHEREIS a", kB},
      {"of a client that was reset", "WHEREIS z", "AT Hill +0.000000001 z +0+0 5\n"},
      {"no line of the centre", "NEAR a 1 9", kIsB + kIsC + kIsD + "END 3\n"},
      {"the centre in its own answer", "NEAR a 1 9", kA + "IS 0.000 000 " + kA + kIsB + kIsC + kIsD + "END 5\n"},
      {"a client is missing", "NEAR a 1 9", kA + kIsB + kIsD + "END 3\n"},
      {"a client is missing before the cursor", "NEAR a 1 2", kA + kIsB + kIsD + "END 3 cursor\n"},
      {"equal distances are not by id", "NEAR a 1 9", kA + kIsC + kIsB + kIsD + "END 4\n"},
      {"not nearest first", "NEAR a 1 9", kA + kIsB + kIsD + kIsC + "END 4\n"},
      {"twice the same client", "NEAR a 1 9", kA + kIsB + kIsB + kIsC + kIsD + "END 5\n"},
      {"outside", "NEAR a 0.2 9", kA + kIsB + kIsC + kIsD + "END 4\n"},
      {"wrong distance", "NEAR a 0.2 9", kA + kIsB + "IS 0.112 270 " + kC + "END 3\n"},
      {"wrong bearing", "NEAR a 0.2 9", kA + kIsB + "IS 0.111 271 " + kC + "END 3\n"},
      {"wrong count", "NEAR a 0.2 9", kA + kIsB + kIsC + "END 2\n"},
      {"more than max", "NEAR a 1 2", kA + kIsB + kIsC + kIsD + "END 4\n"},
      {"no cursor", "NEAR a 1 2", kA + kIsB + kIsC + "END 3\n"},
      {"a cursor without more", "NEAR a 1 3", kA + kIsB + kIsC + kIsD + "END 4 cursor\n"},
      {"a cursor before max", "NEAR a 1 3", kA + kIsB + kIsC + "END 3 cursor\n"},
      {"another line than the record's", "NEAR a 0.1 9", "AT Hill +0.000000002 a +0+0 10\nEND 1\n"},
      {"not of the prefix", "NEAR a 0.2 9 match=c*", kA + kIsB + kIsC + "END 3\n"},
      {"too old", "NEAR a 0.2 9 newer=20", kA + kIsB + kIsC + "END 3\n"},
      {"a centre that was reset", "NEAR z 1 9", "END 0\n"},
      {"no END", "WITHIN +0+0 +0+0.002 9", kD + kA + kB},
      {"outside the box", "WITHIN +0+0 +0+0.002 9", kD + kA + kB + kC + "END 4\n"},
      {"missing in the box", "WITHIN +0+0 +0+0.002 9", kD + kA + "END 2\n"},
      {"wrong count of a circle", "COUNT NEAR a 0.112", "COUNT 3\n"},
      {"wrong count of a box", "COUNT WITHIN +0+0 +0+0.002", "COUNT 2\n"},
  };
  const std::vector<Record> records = sample();
  const QueryModel model(records, 50s);
  for (const Wrong& wrong : all) {
    INFO(wrong.why);
    CHECK_THROWS_AS(model.check(wrong.command, wrong.answer), Fault);
  }
  CHECK_THROWS_AS(model.check("NEAR a 1 9 after=x", kA + kIsB + kIsD + "END 3\n", {kIsB.substr(0, kIsB.size() - 1)}),
                  Fault);
  CHECK_THROWS_AS(model.check("NEAR a 1 9 after=x", kA + kIsD + "END 2\n", {kIsB.substr(0, kIsB.size() - 1)}), Fault);
}

}  // namespace herd::model
