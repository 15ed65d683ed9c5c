#include "tests/model/watch_reader.hpp"

#include <string>

#include "tests/catch.hpp"
#include "tests/model/fault.hpp"

namespace herd::model {

using namespace std::chrono_literals;

namespace {

// Lines that begin with `> ` are commands that the connection sends. `+5 ` before a line moves the clock by 5 s. A
// difference of 1 s means the epoch 1.
using Transcript = std::vector<std::string>;

std::string at(const std::string& client, const std::string& coordinates, const std::string& time) {
  return "AT Hill +0.000000001 " + client + ' ' + coordinates + ' ' + time;
}

// Clients on the equator, east of +0+0: x metres of about 1.11 m.
std::string near(const std::string& client, int east, const std::string& time) {
  const std::string fraction = std::to_string(100'000 + east).substr(1);
  const Point point = point_of("+0+0." + fraction);
  const std::int64_t metres = (distance(point_of("+0+0"), point).low + 500) / 1000;
  const std::string km = "0." + std::to_string(1000 + metres).substr(1);
  return km + (east == 0 ? " 000 " : " 090 ") + at(client, "+0+0." + fraction, time);
}

WatchReader play(const Transcript& transcript, std::optional<WatchView> earlier = {}) {
  WatchReader reader([](std::string_view line) { return line.find(" +1.000000000 ") == line.npos ? 0U : 1U; });
  Nanoseconds clock = 1000s;
  for (std::string line : transcript) {
    if (line.starts_with('+') && line.find(' ') != line.npos && line[1] != '0') {
      clock += seconds_of(line.substr(1, line.find(' ') - 1));
      line.erase(0, line.find(' ') + 1);
    }
    if (line.starts_with("> ")) {
      reader.sent(line.substr(2), line.find(" from=") == line.npos ? std::nullopt : earlier);
    } else {
      reader.read(line, clock);
    }
  }
  return reader;
}

// `start` and then `next`.
Transcript joined(Transcript start, const Transcript& next) {
  start.insert(start.end(), next.begin(), next.end());
  return start;
}

// After `start`, which is right, `next` breaks a promise.
struct Broken {
  const char* why;
  Transcript start;
  Transcript next;
};

void find_each(const std::vector<Broken>& all) {
  for (const Broken& broken : all) {
    INFO(broken.why);
    CHECK_NOTHROW(play(broken.start));
    CHECK_THROWS_AS(play(joined(broken.start, broken.next)), Fault);
  }
}

const Transcript kBox{"> WATCH w WITHIN +0+0 +1+1", "WATCHING w f new", "! w 0 HERE " + at("a", "+1+1", "5"),
                      "! w 7 READY 1"};
const Transcript kCircle{"> WATCH w NEAR +0+0 0.1 slack=0.1", "WATCHING w f new", "! w 0 HERE " + near("a", 10, "5"),
                         "! w 0 HERE " + near("b", 20, "5"), "! w 7 READY 2"};
const Transcript kMoving{"> WATCH w NEAR m 0.1", "WATCHING w f new", "! w 0 CENTRE " + at("m", "+0+0", "5"),
                         "! w 0 HERE " + near("a", 10, "5"), "! w 7 READY 1"};
const Transcript kAll{"> WATCH w ALL every=3 beat=5", "WATCHING w f new", "! w 0 HERE " + at("a", "+1+1", "5"),
                      "! w 7 READY 1"};

}  // namespace

TEST_CASE("a reader keeps the members of the watches that it reads") {
  const WatchReader box =
      play(joined(kBox, {"! w 8 ENTER " + at("b", "+0.5+0.5", "6"), "! w 9 MOVE " + at("a", "+1+1", "6"),
                         "! w 9 LEAVE " + at("b", "+2+0.5", "7"), "! w 11 GONE reset a",
                         "! w 12 ENTER AT Hill +1.000000000 a +1+1 4"}));
  CHECK(box.view("w")->number() == 12);
  CHECK(box.view("w")->members().size() == 1);
  const WatchReader circle =
      play(joined(kCircle, {"! w 8 MOVE " + near("a", 150, "6"), "! w 9 LEAVE " + near("a", 190, "7"),
                            "! w 9 ENTER " + near("c", 0, "6"), "> UNWATCH w", "! w 9 END unwatched", "> WATCH w ALL",
                            "WATCHING w f new", "! w 0 READY 0"}));
  CHECK(circle.view("w")->members().empty());
  const WatchReader moving = play(
      joined(kMoving, {"! w 7 CENTRE " + at("m", "+0+0", "6"), "! w 8 CENTRE " + at("m", "+0.5+0.5", "7"),
                       "! w 8 LEAVE 78.618 225 " + at("a", "+0+0.00010", "5"), "! w 8 CENTRE " + at("m", "+0+0", "8"),
                       "! w 9 ENTER " + near("a", 10, "5"), "! w 9 GONE reset m", "! w 10 LEAVE " + near("a", 10, "5"),
                       "! w 11 CENTRE AT Hill +1.000000000 m +0+0 9", "! w 11 ENTER " + near("a", 10, "5")}));
  CHECK(moving.view("w")->members().size() == 1);
  const WatchReader all =
      play(joined(kAll, {"! w 8 MOVE " + at("a", "+1+1", "6"), "+3 ! w 8 MOVE " + at("a", "+1+1", "7"),
                         "+5 ! w 8 TICK 1008", "+5 ! w 8 TICK 1013.000000000", "! w 9 END stopping"}));
  CHECK(all.view("w")->phase() == WatchView::Phase::Ended);
}

TEST_CASE("a reader separates answers from pushes") {
  const Transcript answers{"> NEAR +0+0 1 9",
                           "> PING x",
                           "> WATCH v ALL",
                           "> WATCH v NEAR z 1",
                           "> WHEREIS z",
                           "> IAMAT a +1+1 9",
                           "! w 8 ENTER " + at("b", "+0.5+0.5", "6"),
                           "IS " + near("a", 10, "5"),
                           "END 1",
                           "! w 9 MOVE " + at("b", "+0.5+0.5", "7"),
                           "PONG x",
                           "WATCHING v f new",
                           "! v 0 READY 0",
                           "? WATCH v NEAR z 1",
                           "? WHEREIS z",
                           at("a", "+1+1", "9"),
                           "! w 9 MOVE " + at("a", "+1+1", "9")};
  CHECK(play(joined(kBox, answers)).due() == 0);
  CHECK(play({"> WATCH v NEAR z 1", "? WATCH v NEAR z 1"}).view("v") == nullptr);
}

TEST_CASE("a reader knows whether the HERE lines came nearest first") {
  CHECK(play(kCircle).view("w")->is_in_order());
  CHECK(!play({kCircle[0], kCircle[1], kCircle[3], kCircle[2]}).view("w")->is_in_order());
}

TEST_CASE("a reader finds each event that is not due") {
  const std::string b = at("b", "+0.5+0.5", "6");
  const std::vector<Broken> all{
      {"numbers descend", kBox, {"! w 6 ENTER " + b}},
      {"a number before READY", {}, {kBox[0], kBox[1], "! w 7 HERE " + at("a", "+1+1", "5")}},
      {"a number that is none", kBox, {"! w x ENTER " + b}},
      {"an unknown event", kBox, {"! w 8 ARRIVE " + b}},
      {"READY's count", {}, {kBox[0], kBox[1], kBox[2], "! w 7 READY 2"}},
      {"READY twice", kBox, {"! w 8 READY 0"}},
      {"HERE twice", {}, {kBox[0], kBox[1], kBox[2], kBox[2]}},
      {"HERE after READY", kBox, {"! w 8 HERE " + b}},
      {"HERE outside", {}, {kBox[0], kBox[1], "! w 0 HERE " + at("a", "+1+1.1", "5")}},
      {"ENTER before READY", {}, {kBox[0], kBox[1], "! w 0 ENTER " + b}},
      {"ENTER of a member", kBox, {"! w 8 ENTER " + at("a", "+1+1", "6")}},
      {"ENTER outside", kBox, {"! w 8 ENTER " + at("b", "+1.5+0.5", "6")}},
      {"ENTER within the slack", kCircle, {"! w 8 ENTER " + near("c", 100, "6")}},
      {"MOVE of a client that is no member", kBox, {"! w 8 MOVE " + b}},
      {"MOVE without a later time", kBox, {"! w 8 MOVE " + at("a", "+1+0.5", "5")}},
      {"MOVE outside", kBox, {"! w 8 MOVE " + at("a", "+1+2", "6")}},
      {"MOVE beyond the slack", kCircle, {"! w 8 MOVE " + near("a", 190, "6")}},
      {"two MOVEs within every",
       kAll,
       {"! w 8 MOVE " + at("a", "+1+1", "6"), "+2.9 ! w 9 MOVE " + at("a", "+1+1", "7")}},
      {"LEAVE of a client that is no member", kBox, {"! w 8 LEAVE " + at("b", "+1+2", "6")}},
      {"LEAVE of a client inside", kBox, {"! w 8 LEAVE " + at("a", "+1+0.5", "6")}},
      {"LEAVE in a fresh snapshot", {}, {kBox[0], kBox[1], kBox[2], "! w 0 LEAVE " + at("a", "+1+2", "6")}},
      {"events of a client descend",
       kBox,
       {"! w 8 LEAVE " + at("a", "+1+2", "6"), "! w 9 ENTER " + at("a", "+1+1", "5")}},
      {"an earlier epoch after GONE", kBox, {"! w 8 GONE reset a", "! w 9 ENTER " + at("a", "+1+1", "9")}},
      {"GONE of a client that is no member", kBox, {"! w 8 GONE reset b"}},
      {"GONE without reset", kBox, {"! w 8 GONE a"}},
  };
  find_each(all);
}

TEST_CASE("a reader finds each line that is wrong in itself or out of place") {
  const std::string b = at("b", "+0.5+0.5", "6");
  const std::vector<Broken> all{
      {"km", kCircle, {"! w 8 ENTER 0.034 090 " + at("c", "+0+0.0003", "6")}},
      {"bearing", kCircle, {"! w 8 ENTER 0.033 091 " + at("c", "+0+0.0003", "6")}},
      {"km of a box", kBox, {"! w 8 ENTER 0.033 090 " + b}},
      {"no km of a circle", kCircle, {"! w 8 ENTER " + at("c", "+0+0.0003", "6")}},
      {"km of the centre before",
       kMoving,
       {"! w 8 CENTRE " + at("m", "+0+0.0001", "6"), "! w 8 MOVE " + near("a", 20, "6")}},
      {"no CENTRE", {}, {kMoving[0], kMoving[1], kMoving[3]}},
      {"CENTRE without a later time", kMoving, {"! w 8 CENTRE " + at("m", "+0+0", "5")}},
      {"CENTRE of another client", kMoving, {"! w 8 CENTRE " + at("b", "+0+0", "6")}},
      {"CENTRE of a watch without one", kCircle, {"! w 8 CENTRE " + at("m", "+0+0", "6")}},
      {"the centre is a member", kMoving, {"! w 8 ENTER " + near("m", 0, "6")}},
      {"MOVE without a centre", kMoving, {"! w 7 GONE reset m", "! w 8 MOVE " + near("a", 10, "6")}},
      {"ENTER without a centre", kMoving, {"! w 7 GONE reset m", "! w 8 ENTER " + near("b", 10, "6")}},
      {"members left over", kMoving, {"! w 7 GONE reset m", "! w 8 CENTRE " + at("m", "+0+0", "1")}},
      {"another prefix", {"> WATCH w ALL match=a*", "WATCHING w f new"}, {"! w 0 HERE " + b}},
      {"another client", {"> WATCH w CLIENT a", "WATCHING w f new"}, {"! w 0 HERE " + b}},
      {"another client's prefix", {"> WATCH w CLIENT a*", "WATCHING w f new"}, {"! w 0 HERE " + b}},
      {"TICK without beat", kBox, {"! w 8 TICK 1000"}},
      {"TICK too early", kAll, {"+4.9 ! w 8 TICK 1004.9"}},
      {"TICK of another clock", kAll, {"+5 ! w 8 TICK 1004"}},
      {"after END", kBox, {"! w 8 END stopping", "! w 9 ENTER " + b}},
      {"an unknown reason", kBox, {"! w 8 END tired"}},
      {"END unwatched without UNWATCH", kBox, {"! w 8 END unwatched"}},
      {"END unwatched before an earlier reply", kBox, {"> PING", "> UNWATCH w", "! w 8 END unwatched"}},
      {"a push inside an answer", kBox, {"> WITHIN +0+0 +1+1 9", at("a", "+1+1", "5"), "! w 8 ENTER " + b}},
      {"the event before the reply", kBox, {"> IAMAT b +0.5+0.5 6", "! w 8 ENTER " + b}},
      {"an unknown tag", kBox, {"! v 8 ENTER " + b}},
      {"a tag in use", kBox, {"> WATCH w ALL", "WATCHING w f new"}},
      {"resumed without from", {}, {kBox[0], "WATCHING w f resumed"}},
      {"an answer without a command", kBox, {"PONG"}},
      {"no AT line", kBox, {"! w 8 ENTER b +0.5+0.5 6"}},
  };
  find_each(all);
}

TEST_CASE("a reader that resumes keeps its members, and drops those of the slack ring") {
  const WatchReader before = play(joined(kCircle, {"! w 8 MOVE " + near("a", 150, "6")}));
  const WatchView& view = *before.view("w");
  const Transcript resume{"> WATCH w NEAR +0+0 0.1 slack=0.1 from=f:8", "WATCHING w f resumed"};
  const WatchReader after =
      play(joined(resume, {"! w 0 LEAVE " + near("a", 150, "6"), "! w 0 LEAVE " + near("c", 120, "6"),
                           "! w 0 GONE reset d", "! w 0 HERE " + near("e", 20, "5"), "! w 9 READY 1"}),
           view);
  CHECK(after.view("w")->members().size() == 2);
  const WatchReader fresh = play({resume[0], "WATCHING w g new", "! w 0 READY 0"}, view);
  CHECK(fresh.view("w")->members().empty());
  const WatchReader kept = play(joined(resume, {"! w 9 READY 0"}), view);
  CHECK(kept.view("w")->members_in_ring().size() == 1);
  CHECK(after.view("w")->members_in_ring().empty());
  CHECK_THROWS_AS(play(joined(resume, {"! w 0 LEAVE " + near("b", 20, "6")}), view), Fault);
  CHECK_THROWS_AS(play(joined(resume, {"! w 0 HERE " + near("a", 10, "5")}), view), Fault);
  CHECK_THROWS_AS(play({resume[0], "WATCHING w g resumed"}, view), Fault);
}

}  // namespace herd::model
