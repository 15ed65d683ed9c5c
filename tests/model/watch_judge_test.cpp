#include "tests/model/watch_judge.hpp"

#include <string>

#include "tests/catch.hpp"
#include "tests/model/fault.hpp"

namespace herd::model {

using namespace std::chrono_literals;

namespace {

// A node with one watch, of which the reader reads everything that a test says. Points are on the equator: 1 unit of
// `east` is 1.1 m.
class OneWatch {
 public:
  explicit OneWatch(const std::string& command) : command_(watch_of(command)) {}

  void report(const std::string& client, int east, int seconds) {
    const std::string coordinates = "+0+0." + std::to_string(100'000 + east).substr(1);
    const std::string text = std::to_string(seconds);
    const std::string at = "AT Hill +0.000000001 " + client + ' ' + coordinates + ' ' + text;
    store({client, coordinates, std::chrono::seconds(seconds), 0, at});
  }
  void reset(const std::string& client) { store({client, "", 0s, 1, ""}); }
  void advance(Nanoseconds time) { clock_ += time; }
  void start() {
    judge_.emplace(command_, records_, clock_);
    view_.emplace(
        command_, [](std::string_view) { return 0U; }, "f", clock_);
  }
  void read(const std::string& event) { view_->read(event, clock_); }
  // An event about the client's record.
  void read(const std::string& number_and_event, const std::string& client, const std::string& km_and_bearing = "") {
    read(number_and_event + ' ' + km_and_bearing + (km_and_bearing.empty() ? "" : " ") + records_.at(client).at);
  }
  bool is_right() {
    judge_->followed(clock_);
    try {
      judge_->check(*view_, clock_);
    } catch (const Fault& fault) {
      why = fault.what();
      return false;
    }
    return true;
  }
  // Whether the watch may write an ENTER of the client now.
  bool may_enter(const std::string& client) {
    judge_->followed(clock_);
    try {
      judge_->entered(client, clock_);
    } catch (const Fault& fault) {
      why = fault.what();
      return false;
    }
    return true;
  }
  std::string why;

 private:
  void store(const Record& record) {
    records_[record.client] = record;
    if (judge_) judge_->changed(records_, record.client, clock_);
  }
  WatchCommand command_;
  Records records_;
  Nanoseconds clock_ = 1000s;
  std::optional<WatchJudge> judge_;
  std::optional<WatchView> view_;
};

}  // namespace

TEST_CASE("the judge finds a member too many, one too few, and an old report") {
  OneWatch watch("WATCH w WITHIN +0+0 +1+0.0001");
  watch.report("a", 5, 1);
  watch.report("b", 50, 1);
  watch.start();
  CHECK(!watch.is_right());  // not live
  watch.read("0 HERE", "a");
  watch.read("7 READY 1");
  CHECK(watch.is_right());
  watch.report("b", 7, 2);
  CHECK(!watch.is_right());
  watch.read("8 ENTER", "b");
  CHECK(watch.is_right());
  watch.report("a", 5, 2);
  CHECK(!watch.is_right());
  watch.read("9 MOVE", "a");
  CHECK(watch.is_right());
  watch.report("a", 50, 3);
  CHECK(!watch.is_right());
  watch.read("10 LEAVE", "a");
  CHECK(watch.is_right());
  watch.reset("b");
  CHECK(!watch.is_right());
  watch.read("11 GONE reset b");
  CHECK(watch.is_right());
}

TEST_CASE("the judge permits both in the slack ring, but no LEAVE there") {
  OneWatch watch("WATCH w NEAR +0+0 0.1 slack=0.1");
  watch.report("a", 5, 1);
  watch.start();
  watch.read("0 HERE", "a", "0.006 090");
  watch.read("7 READY 1");
  watch.report("a", 100, 2);
  CHECK(!watch.is_right());  // not the newest report
  watch.read("8 MOVE", "a", "0.111 090");
  CHECK(watch.is_right());
  watch.report("a", 110, 3);
  watch.read("9 LEAVE", "a", "0.122 090");
  CHECK(!watch.is_right());
  CHECK(watch.why.find("never beyond") != std::string::npos);
  watch.report("a", 200, 4);
  CHECK(watch.is_right());
  watch.report("a", 5, 5);
  watch.read("10 ENTER", "a", "0.006 090");
  watch.report("a", 200, 6);
  CHECK(!watch.is_right());
  watch.report("a", 110, 7);  // the change before was conflated
  watch.read("12 LEAVE", "a", "0.122 090");
  CHECK(watch.is_right());
}

TEST_CASE("the judge finds an ENTER before the dwell is over, and one that does not come") {
  OneWatch watch("WATCH w WITHIN +0+0 +1+0.0001 dwell=5");
  watch.report("a", 50, 1);
  watch.start();
  watch.read("7 READY 0");
  watch.report("a", 5, 2);
  CHECK(watch.is_right());
  watch.advance(4s);
  CHECK(watch.is_right());
  CHECK(!watch.may_enter("a"));
  watch.advance(1s);
  CHECK(!watch.is_right());
  CHECK(watch.may_enter("a"));
  OneWatch left = watch;
  watch.read("8 ENTER", "a");
  CHECK(watch.is_right());
  left.report("a", 50, 3);
  CHECK(left.is_right());
  left.report("a", 5, 4);
  CHECK(left.is_right());
  left.advance(4s);
  CHECK(left.is_right());
  CHECK(!left.may_enter("a"));
}

TEST_CASE("the judge demands no second dwell of a member that comes back from the slack ring") {
  OneWatch watch("WATCH w NEAR +0+0 0.1 slack=0.1 dwell=5");
  watch.start();
  watch.read("7 READY 0");
  watch.report("a", 5, 1);
  CHECK(watch.is_right());
  watch.advance(5s);
  CHECK(!watch.is_right());
  CHECK(watch.may_enter("a"));
  watch.read("8 ENTER", "a", "0.006 090");
  watch.report("a", 110, 2);
  watch.read("9 MOVE", "a", "0.122 090");
  CHECK(watch.is_right());
  watch.report("a", 5, 3);
  watch.read("10 MOVE", "a", "0.006 090");
  CHECK(watch.is_right());
}

TEST_CASE(
    "the judge permits that a client dwells anew if it and the centre moved at once, but not if one of them did") {
  OneWatch watch("WATCH w NEAR c 0.1 dwell=5");
  watch.report("c", 0, 1);
  watch.start();
  watch.read("0 CENTRE", "c");
  watch.read("7 READY 0");
  watch.report("a", 50, 1);
  CHECK(watch.is_right());
  watch.advance(4s);
  OneWatch one = watch;
  one.report("a", 60, 2);
  CHECK(one.is_right());
  one.report("c", 10, 2);
  one.read("8 CENTRE", "c");
  CHECK(one.is_right());
  one.advance(1s);
  CHECK(!one.is_right());
  watch.report("a", 60, 2);
  watch.report("c", 10, 2);
  watch.read("8 CENTRE", "c");
  CHECK(watch.is_right());
  watch.advance(4s);
  CHECK(watch.is_right());
  watch.advance(1s);
  CHECK(!watch.is_right());
}

TEST_CASE("the judge permits that the snapshot misses a client that moves, and demands its ENTER after the dwell") {
  OneWatch watch("WATCH w WITHIN +0+0 +1+0.0001 dwell=5");
  watch.report("a", 5, 1);
  watch.start();
  OneWatch still = watch;
  still.read("7 READY 0");
  CHECK(!still.is_right());
  watch.report("a", 6, 2);
  watch.read("7 READY 0");
  CHECK(watch.is_right());
  watch.advance(5s);
  CHECK(!watch.is_right());
  watch.read("8 ENTER", "a");
  CHECK(watch.is_right());
}

TEST_CASE("the judge permits an old report only while `every` holds a MOVE back") {
  OneWatch watch("WATCH w ALL every=5");
  watch.report("a", 5, 1);
  watch.start();
  watch.read("0 HERE", "a");
  watch.read("7 READY 1");
  watch.report("a", 6, 2);
  CHECK(!watch.is_right());
  watch.read("8 MOVE", "a");
  watch.report("a", 7, 3);
  CHECK(watch.is_right());
  watch.advance(5s);
  CHECK(!watch.is_right());
}

TEST_CASE("the judge follows a centre that moves, is reset and comes back") {
  OneWatch watch("WATCH w NEAR m 0.1");
  watch.report("m", 0, 1);
  watch.report("a", 5, 1);
  watch.start();
  watch.read("0 CENTRE", "m");
  watch.read("0 HERE", "a", "0.006 090");
  watch.read("7 READY 1");
  CHECK(watch.is_right());
  watch.report("m", 200, 2);
  CHECK(!watch.is_right());
  watch.read("7 CENTRE", "m");
  CHECK(!watch.is_right());
  watch.read("8 LEAVE", "a", "0.217 270");
  CHECK(watch.is_right());
  watch.report("m", 7, 3);
  watch.read("8 CENTRE", "m");
  watch.read("9 ENTER", "a", "0.002 270");
  CHECK(watch.is_right());
  watch.reset("m");
  CHECK(!watch.is_right());
  watch.read("9 GONE reset m");
  CHECK(!watch.is_right());
  watch.read("10 LEAVE", "a", "0.002 270");
  CHECK(watch.is_right());
}

}  // namespace herd::model
