// Watches through a session: their answers and events among the replies, the bound of unread events, and their ends.
#include <string>

#include "node/base/limits.hpp"
#include "tests/catch.hpp"
#include "tests/node/one_session.hpp"

using namespace herd::node;
using namespace std::chrono_literals;

namespace {

struct Talk : OneSession {
  std::string ask(const std::string& line) {
    send(line + "\n");
    return take_output();
  }
  // One loop iteration, in which the events of the session are written as long as the output takes them.
  std::string iterate() {
    while (asking.work()) {
    }
    (void)asking.take_due();
    TimeSlice slice(10s);
    last = session.write_events(slice);
    return take_output();
  }
  Session::Events last = Session::Events::Written;
};

std::string at(const std::string& client, const std::string& coordinates, const std::string& time = "5") {
  return "AT Hill +" + std::to_string(1'520'023'934 - std::stoi(time)) + ".500000000 " + client + " " + coordinates +
         " " + time + "\n";
}

}  // namespace

TEST_CASE("a watch of a circle has its snapshot, and then an event for each change") {
  Talk talk;
  CHECK(talk.ask("IAMAT a +1+2 5") == at("a", "+1+2"));
  CHECK(talk.ask("WATCH t NEAR +1+2 1") == "WATCHING t 0000000000000000 new\n");
  CHECK(talk.iterate() == "! t 0 HERE 0.000 000 " + at("a", "+1+2") + "! t 1 READY 1\n");
  CHECK(talk.ask("IAMAT a +1+2.001 6") == at("a", "+1+2.001", "6"));
  CHECK(talk.iterate() == "! t 2 MOVE 0.111 090 " + at("a", "+1+2.001", "6"));
  CHECK(talk.ask("IAMAT a +1+3 7") == at("a", "+1+3", "7"));
  CHECK(talk.iterate() == "! t 3 LEAVE 111.178 090 " + at("a", "+1+3", "7"));
  CHECK(talk.ask("UNWATCH t") == "! t 3 END unwatched\n");
  CHECK(talk.ask("UNWATCH t") == "? UNWATCH t\n");
  CHECK(talk.ask("WHY") == "WHY this connection has no watch with that tag\n");
  CHECK(talk.iterate().empty());
}

TEST_CASE("a refused WATCH leaves its tag free, and WHY says why") {
  Talk talk;
  CHECK(talk.ask("WATCH t NEAR nowhere 1") == "? WATCH t NEAR nowhere 1\n");
  CHECK(talk.ask("WHY") != "WHY -\n");
  CHECK(talk.ask("WATCH t ALL").starts_with("WATCHING t "));
  CHECK(talk.ask("WATCH t ALL") == "? WATCH t ALL\n");
}

TEST_CASE("events that the client does not read stop at their bound, and commands are read all the same") {
  Talk talk;
  for (int i = 0; i < 1'000; ++i) {
    talk.node.replica.accept({"client-" + std::to_string(i), "+1+2", "5", 5s}, talk.node.now);
  }
  talk.send("WATCH t ALL\n");
  while (talk.asking.work()) {
  }
  TimeSlice slice(10s);
  CHECK(talk.session.write_events(slice) == Session::Events::Waiting);
  CHECK(talk.session.write_events(slice) == Session::Events::Blocked);
  CHECK(talk.session.output().size() < kMaxEventBytes + 512);
  CHECK(talk.session.wants_bytes());
  talk.send("PING\n");
  CHECK(talk.session.output().ends_with("PONG\n"));
  std::string all = talk.take_output();
  for (int turns = 0; turns < 100 && talk.session.write_events(slice) != Session::Events::Written; ++turns) {
    all += talk.take_output();
  }
  all += talk.take_output();
  CHECK(all.ends_with("! t 1000 READY 1000\n"));
}

TEST_CASE("a connection with a watch is not idle") {
  Talk talk;
  CHECK(talk.ask("WATCH t ALL").starts_with("WATCHING t "));
  CHECK(talk.iterate() == "! t 0 READY 0\n");
  talk.node.now.steady += talk.node.config.idle_timeout + 1s;
  CHECK_FALSE(talk.session.is_overdue());
  CHECK(talk.ask("UNWATCH t").ends_with("END unwatched\n"));
  talk.node.now.steady += talk.node.config.idle_timeout + 1s;
  CHECK(talk.session.is_overdue());
}

TEST_CASE("after the end of input a snapshot is completed, and then the connection ends") {
  Talk talk;
  CHECK(talk.ask("IAMAT a +1+2 5") == at("a", "+1+2"));
  talk.send("WATCH t ALL\n");
  talk.session.receive_end();
  CHECK(talk.session.ending() == Session::Ending::NotYet);
  CHECK(talk.iterate().ends_with("! t 1 READY 1\n"));
  CHECK(talk.last == Session::Events::Written);
  CHECK(talk.session.ending() == Session::Ending::Close);
}

TEST_CASE("QUIT ends the watches without a line, and a node that stops says so") {
  Talk quits;
  CHECK(quits.ask("WATCH t ALL").starts_with("WATCHING t "));
  CHECK(quits.ask("QUIT").empty());
  CHECK(quits.iterate().empty());
  CHECK(quits.session.ending() == Session::Ending::HalfClose);
  CHECK(quits.asking.watch_counters().watches == 0);

  Talk stops;
  CHECK(stops.ask("WATCH t ALL").starts_with("WATCHING t "));
  CHECK(stops.iterate() == "! t 0 READY 0\n");
  stops.session.finish();
  CHECK(stops.take_output() == "! t 0 END stopping\n");
  CHECK(stops.session.ending() == Session::Ending::HalfClose);
}
