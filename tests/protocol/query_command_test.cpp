#include "protocol/query_command.hpp"

#include <string>
#include <vector>

#include "tests/catch.hpp"

using namespace herd::protocol;
using namespace std::chrono_literals;

namespace {

constexpr Millimetres kKm = kMillimetresPerKm;

// The command in a line, which must be a T. Keeps the line, as views of the command point into it.
template <typename T>
class Parsing {
 public:
  explicit Parsing(std::string line) : line_(std::move(line)), command_(parse_command(line_)) {
    INFO(line_);
    REQUIRE(std::holds_alternative<T>(command_));
  }
  const T* operator->() const { return &std::get<T>(command_); }

 private:
  std::string line_;
  Command command_;
};

// Why a line is refused.
std::string refusal(const std::string& line) {
  const Command command = parse_command(line);
  const auto* refused = std::get_if<RefusedQuery>(&command);
  return refused == nullptr ? "not refused" : std::string(refused->reason);
}

void check_wrong_numbers(const std::vector<std::string>& lines) {
  for (const std::string& line : lines) {
    INFO(line);
    CHECK(refusal(line) == "wrong number of operands: HELP shows the grammar");
  }
}

const std::string kFeed = "0123456789abcdef";

}  // namespace

TEST_CASE("WHEREIS has a client") {
  CHECK(Parsing<Whereis>("WHEREIS kiwi")->client == "kiwi");
  CHECK(Parsing<Whereis>(" \tWHEREIS  +1-2 \r")->client == "+1-2");
  CHECK(Parsing<Whereis>("WHEREIS a=b")->client == "a=b");
  CHECK(refusal("WHEREIS " + std::string(256, 'k')) == "client is longer than 255 bytes");
  check_wrong_numbers({"WHEREIS", "WHEREIS a b"});
}

TEST_CASE("NEAR has a centre, kilometres and a number of clients") {
  const Parsing<Near> point("NEAR +1.5-2 10.5 20");
  CHECK(point->circle.centre.client.empty());
  CHECK(point->circle.centre.point == Point{15'000'000, -20'000'000});
  CHECK(point->circle.radius == 10'500'000);
  CHECK(point->max == 20);
  CHECK(point->filter.prefix.empty());
  CHECK_FALSE(point->filter.newer);
  CHECK(point->after.empty());
  const Parsing<Near> client("NEAR match=* 0 1000");
  CHECK(client->circle.centre.client == "match=*");
  CHECK(client->circle.radius == 0);
  check_wrong_numbers({"NEAR", "NEAR a", "NEAR a 1", "NEAR a 1 2 3"});
  CHECK(refusal("NEAR +91+0 1 2") == "latitude is not within -90 and +90");
  CHECK(refusal("NEAR a 20016.1 2") == "kilometres are not within 0 and 20016");
  CHECK(refusal("NEAR a 1 1001") == "number of clients is not within 0 and 1000");
}

TEST_CASE("WITHIN has two corners and a number of clients") {
  const Parsing<Within> within("WITHIN +1+170 +2-170 0");
  CHECK(within->box.south_west == Point{10'000'000, 1'700'000'000});
  CHECK(within->box.north_east == Point{20'000'000, -1'700'000'000});
  CHECK(within->max == 0);
  check_wrong_numbers({"WITHIN", "WITHIN +1+1", "WITHIN +1+1 +2+2", "WITHIN +1+1 +2+2 3 4"});
  CHECK(refusal("WITHIN kiwi +2+2 3") ==
        "latitude is not a sign, one or two digits and at most 30 fraction digits, as in +34.07-118.44");
  CHECK(refusal("WITHIN +1+1 +2+181 3") == "longitude is not within -180 and +180");
}

TEST_CASE("a box with its south above its north is refused, as they are rounded") {
  CHECK(Parsing<Within>("WITHIN +1+1 +1+1 3")->box.south_west == Point{10'000'000, 10'000'000});
  CHECK(Parsing<Within>("WITHIN +1.00000004+1 +1.00000000+1 3")->max == 3);
  for (const std::string line : {"WITHIN +1.0000001+1 +1+1 3", "WITHIN +1.00000005+1 +1.00000004+1 3",
                                 "COUNT WITHIN +1+1 -1+1", "WATCH t WITHIN -1+1 -1.5+1"}) {
    INFO(line);
    CHECK(refusal(line) == "south of the box is above its north: the first corner is the south-western one");
  }
}

TEST_CASE("COUNT has a circle or a box") {
  const Parsing<Count> near("COUNT NEAR kiwi 5");
  CHECK(std::get<Circle>(near->area).centre.client == "kiwi");
  CHECK(std::get<Circle>(near->area).radius == 5 * kKm);
  const Parsing<Count> within("COUNT WITHIN -1-2 +3+4 newer=60 match=a*");
  CHECK(std::get<Box>(within->area).north_east == Point{30'000'000, 40'000'000});
  CHECK(within->filter.prefix == "a");
  CHECK(within->filter.newer == 60s);
  check_wrong_numbers(
      {"COUNT", "COUNT NEAR", "COUNT NEAR a", "COUNT NEAR a 5 20", "COUNT WITHIN +1+1", "COUNT WITHIN +1+1 +2+2 20"});
  CHECK(refusal("COUNT ALL") == "the word after COUNT is not NEAR or WITHIN");
  CHECK(refusal("COUNT near a 5") == "the word after COUNT is not NEAR or WITHIN");
}

TEST_CASE("options follow in any order") {
  const Parsing<Near> near("NEAR a 1 2 after=x_Y-9 newer=0.5 match=b*c*");
  CHECK(near->filter.prefix == "b*c");
  CHECK(near->filter.newer == 500ms);
  CHECK(near->after == "x_Y-9");
  const Parsing<Within> within("WITHIN +1+1 +2+2 2 match=* after=abc newer=0");
  CHECK(within->filter.prefix.empty());
  CHECK(within->filter.newer == 0s);
  CHECK(within->after == "abc");
}

TEST_CASE("an option that is unknown, repeated, malformed or without a meaning is refused") {
  for (const std::string option : {"limit=3", "Match=a*", "=", "=a*", "match", "match=a",
                                   "match=", "newer=", "newer=-1", "newer=x", "after=", "after=a.b", "after=a*"}) {
    INFO(option);
    CHECK(refusal("NEAR a 1 2 " + option) != "not refused");
    CHECK(refusal("WITHIN +1+1 +2+2 2 " + option) != "not refused");
  }
  CHECK(refusal("NEAR a 1 2 limit=3") == "unknown option: HELP shows the grammar");
  CHECK(refusal("NEAR a 1 2 match=a* match=a*") == "an option is given twice");
  CHECK(refusal("NEAR a 1 2 newer=1 match=a* newer=2") == "an option is given twice");
  const std::string no_meaning = "an option has no meaning in this command: HELP shows the grammar";
  CHECK(refusal("NEAR a 1 2 slack=1") == no_meaning);
  CHECK(refusal("WHEREIS a newer=1") == no_meaning);
  CHECK(refusal("COUNT NEAR a 1 after=x") == no_meaning);
  CHECK(refusal("UNWATCH t match=*") == no_meaning);
  CHECK(refusal("WATCH t ALL newer=1") == no_meaning);
  CHECK(refusal("WATCH t ALL after=x") == no_meaning);
}

TEST_CASE("WATCH has a tag and what is watched") {
  const Parsing<Watch> client("WATCH t.1 CLIENT kiwi");
  CHECK(client->tag == "t.1");
  CHECK(std::get<WatchedClients>(client->what).id == "kiwi");
  CHECK_FALSE(std::get<WatchedClients>(client->what).is_prefix);
  CHECK(std::get<WatchedClients>(Parsing<Watch>("WATCH t CLIENT bus*")->what).is_prefix);
  CHECK(std::get<Circle>(Parsing<Watch>("WATCH t NEAR +1+2 3")->what).radius == 3 * kKm);
  CHECK(std::get<Circle>(Parsing<Watch>("WATCH t NEAR CLIENT 3")->what).centre.client == "CLIENT");
  CHECK(std::get<Box>(Parsing<Watch>("WATCH t WITHIN +1+2 +3+4")->what).south_west == Point{10'000'000, 20'000'000});
  CHECK(std::holds_alternative<AllClients>(Parsing<Watch>("WATCH t ALL")->what));
  check_wrong_numbers({"WATCH", "WATCH t", "WATCH t CLIENT", "WATCH t CLIENT a b", "WATCH t NEAR a",
                       "WATCH t NEAR a 1 2", "WATCH t WITHIN +1+1", "WATCH t WITHIN +1+1 +2+2 3", "WATCH t ALL a"});
  CHECK(refusal("WATCH t* ALL") == "tag is not 1 to 32 letters, digits, _, . or -");
  CHECK(refusal("WATCH t EVERY") == "the word after the tag is not CLIENT, NEAR, WITHIN or ALL");
}

TEST_CASE("WATCH has its options in any order") {
  const Parsing<Watch> none("WATCH t NEAR a 1");
  CHECK(none->options.prefix.empty());
  CHECK(none->options.slack == 0);
  CHECK(none->options.dwell == 0s);
  CHECK(none->options.every == 0s);
  CHECK(none->options.beat == 0s);
  CHECK_FALSE(none->options.from);
  const Parsing<Watch> all("WATCH t NEAR a 1 beat=5 from=" + kFeed + ":7 every=0.5 dwell=30 slack=0.1 match=b*");
  CHECK(all->options.prefix == "b");
  CHECK(all->options.slack == 100'000);
  CHECK(all->options.dwell == 30s);
  CHECK(all->options.every == 500ms);
  CHECK(all->options.beat == 5s);
  REQUIRE(all->options.from);
  CHECK(all->options.from->feed_id == 0x0123456789abcdef);
  CHECK(all->options.from->number == 7);
}

TEST_CASE("an option of WATCH is refused where it has no meaning") {
  const std::vector<std::string> options{"match=a*", "slack=1", "dwell=1", "every=1", "from=" + kFeed + ":1", "beat=5"};
  const auto taken = [&](const std::string& what) {
    std::string names;
    for (const std::string& option : options) {
      const std::string reason = refusal("WATCH t " + what + " " + option);
      CHECK((reason == "not refused" || reason == "an option has no meaning in this command: HELP shows the grammar"));
      if (reason == "not refused") names += option.substr(0, option.find('=')) + " ";
    }
    return names;
  };
  CHECK(taken("CLIENT a") == "every from beat ");
  CHECK(taken("CLIENT a*") == "every from beat ");
  CHECK(taken("NEAR a 1") == "match slack dwell every from beat ");
  CHECK(taken("WITHIN +1+1 +2+2") == "match dwell every from beat ");
  CHECK(taken("ALL") == "match every from beat ");
}

TEST_CASE("radius and slack are together at most 20016 kilometres") {
  CHECK(Parsing<Watch>("WATCH t NEAR a 20015 slack=1")->options.slack == kKm);
  CHECK(Parsing<Watch>("WATCH t NEAR a 0 slack=20016")->options.slack == 20'016 * kKm);
  CHECK(refusal("WATCH t NEAR a 20015 slack=1.000001") == "radius and slack are together above 20016 kilometres");
  CHECK(refusal("WATCH t NEAR a 20016 slack=20016") == "radius and slack are together above 20016 kilometres");
}

TEST_CASE("malformed options of WATCH are refused") {
  for (const std::string option :
       {"slack=-1", "slack=20017", "dwell=", "dwell=1e3", "every=x", "beat=4", "beat=3601", "from=1:2", "match=a"}) {
    INFO(option);
    CHECK(refusal("WATCH t NEAR a 1 " + option) != "not refused");
  }
  CHECK(refusal("WATCH t ALL from=" + kFeed) != "not refused");
}

TEST_CASE("UNWATCH has a tag") {
  CHECK(Parsing<Unwatch>("UNWATCH t")->tag == "t");
  CHECK(refusal("UNWATCH t:") == "tag is not 1 to 32 letters, digits, _, . or -");
  check_wrong_numbers({"UNWATCH", "UNWATCH a b"});
}

TEST_CASE("a line with more fields than any command has is refused") {
  const std::string options = " match=b* slack=1 dwell=1 every=1 from=" + kFeed + ":1 beat=5";
  CHECK(refusal("WATCH t NEAR a 1" + options) == "not refused");
  for (const std::string more : {" x", " beat=6", " x y z", " =", " newer=1"}) {
    INFO(more);
    CHECK(refusal("WATCH t NEAR a 1" + options + more) != "not refused");
  }
  std::string many;
  for (int i = 0; i < 200; ++i) many += " x";
  for (const std::string name : {"WHEREIS", "NEAR", "WITHIN", "COUNT", "WATCH", "UNWATCH"}) {
    INFO(name);
    CHECK(refusal(name + many) != "not refused");
  }
}

TEST_CASE("names of queries must be in upper case and whole") {
  for (const std::string line : {"near a 1 2", "NEARBY a 1 2", "NEA a 1 2", "Whereis a", "WATCHES t ALL"}) {
    INFO(line);
    CHECK(std::holds_alternative<UnknownCommand>(parse_command(line)));
  }
  CHECK(std::holds_alternative<UnknownCommand>(parse_command("NEAR a\x01 1 2")));
}
