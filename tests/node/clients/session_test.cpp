#include "node/clients/session.hpp"

#include <string>

#include "node/base/limits.hpp"
#include "tests/catch.hpp"
#include "tests/node/one_session.hpp"

using namespace herd::node;
using namespace std::chrono_literals;

namespace {

const std::string kWhatsat = "WHATSAT kiwi 10 5\n";

}  // namespace

TEST_CASE("replies come in the order of the commands, also around a slow lookup") {
  Talk talk;
  talk.say(kIamat + "\n" + kWhatsat + kIamat + "\r\n");
  CHECK(talk.take_output() == kAt);
  const auto lookups = talk.session.take_lookups();
  REQUIRE(lookups.size() == 1);
  CHECK(talk.session.take_lookups().empty());
  talk.session.answer(lookups[0].slot, kDocument);
  CHECK(talk.take_output() == kAt + kDocument + "\n\nIGNORE\n");
}

TEST_CASE("many lines of one read are all answered, in their order, whatever stands between them") {
  Talk talk;
  std::string said;
  std::string expected;
  talk.node.now.wall = 1000s;
  for (int i = 0; i < 100; ++i) {
    const std::string line = "IAMAT kiwi +1+2 " + std::to_string(i);
    said += line + "\n";
    expected += "AT Hill +" + std::to_string(1000 - i) + ".000000000 kiwi +1+2 " + std::to_string(i) + "\n";
    if (i % 7 == 0) {
      said += "foo " + std::to_string(i) + "\r\n\n";
      expected += "? foo " + std::to_string(i) + "\n";
    }
  }
  talk.say(said);
  CHECK(talk.take_output() == expected);
}

TEST_CASE("after the half-close everything is still answered, the unterminated last line too") {
  Talk talk;
  talk.say(kIamat + "\n" + kWhatsat + kIamat);
  CHECK(talk.take_output() == kAt);
  talk.session.receive_end();
  CHECK_FALSE(talk.session.wants_bytes());
  CHECK(talk.session.ending() == Session::Ending::NotYet);
  talk.session.answer(talk.session.take_lookups().at(0).slot, kDocument);
  CHECK(talk.session.ending() == Session::Ending::NotYet);
  CHECK(talk.take_output() == kAt + kDocument + "\n\nIGNORE\n");
  CHECK(talk.session.ending() == Session::Ending::Close);
}

TEST_CASE("a line that is too long is answered with its head after what came before, and ends the conversation") {
  Talk talk;
  talk.say(kIamat + "\n" + kWhatsat + repeated("x", 1025) + "\n" + kIamat + "\n");
  CHECK(talk.node.counters.lines_too_long == 1);
  CHECK_FALSE(talk.session.wants_bytes());
  CHECK(talk.take_output() == kAt);
  CHECK(talk.session.ending() == Session::Ending::NotYet);
  talk.session.answer(talk.session.take_lookups().at(0).slot, kDocument);
  CHECK(talk.take_output() == kAt + kDocument + "\n\n? " + repeated("x", 64) + "\n");
  CHECK(talk.session.ending() == Session::Ending::HalfClose);
}

TEST_CASE("the longest line is one of the configuration") {
  Talk talk;
  talk.say(repeated("x", 1024) + "\n");
  CHECK(talk.take_output() == "? " + repeated("x", 1024) + "\n");
  CHECK(talk.session.wants_bytes());
  talk.node.config.max_line_bytes = 10;
  Session later(talk.parts, "127.0.0.1:2");
  later.receive(repeated("y", 11));
  CHECK(later.output() == "? yyyyyyyyyyy\n");
  CHECK(later.ending() == Session::Ending::NotYet);
}

TEST_CASE("a last line may be too long by the CR at its end") {
  Talk talk;
  talk.say(repeated("x", 1024) + "\r");
  talk.session.receive_end();
  CHECK(talk.take_output() == "? " + repeated("x", 64) + "\n");
  CHECK(talk.session.ending() == Session::Ending::HalfClose);
}

TEST_CASE("only so many lookups wait at once, and one answer makes room for one more") {
  Talk talk;
  talk.say(kIamat + "\n");
  talk.say(repeated(kWhatsat, kMaxPendingLookups - 1));
  CHECK(talk.session.wants_bytes());
  talk.say(repeated(kWhatsat, 3) + kIamat + "\n");
  CHECK_FALSE(talk.session.wants_bytes());
  const auto lookups = talk.session.take_lookups();
  CHECK(lookups.size() == kMaxPendingLookups);
  talk.session.answer(lookups[5].slot, kDocument);
  CHECK(talk.session.take_lookups().size() == 1);
  CHECK_FALSE(talk.session.wants_bytes());
  talk.session.answer(lookups[0].slot, kDocument);
  const auto last = talk.session.take_lookups();
  CHECK(last.size() == 1);
  CHECK_FALSE(talk.session.wants_bytes());
  talk.session.answer(lookups[1].slot, kDocument);
  CHECK(talk.session.wants_bytes());
  CHECK(talk.node.counters.iamat_duplicate == 1);
}

TEST_CASE("the half-close is heard while lookups are in the way, and the held lines are still answered") {
  Talk talk;
  talk.say(kIamat + "\n" + repeated(kWhatsat, kMaxPendingLookups) + "last\nline");
  CHECK_FALSE(talk.session.wants_bytes());
  talk.session.receive_end();
  for (const Lookup& lookup : talk.session.take_lookups()) {
    CHECK(talk.session.ending() == Session::Ending::NotYet);
    talk.session.answer(lookup.slot, kDocument);
  }
  CHECK(talk.take_output().ends_with("? last\n? line\n"));
  CHECK(talk.session.ending() == Session::Ending::Close);
}

TEST_CASE("too much output stops the reading, until it has drained below half") {
  Talk talk;
  const std::string chunk = repeated(repeated("x", 1000) + "\n", 64);
  while (talk.session.wants_bytes()) {
    talk.say(chunk);
    REQUIRE(talk.session.output().size() <= kMaxOutputBytes + 1024);
  }
  CHECK(talk.session.output().size() > kMaxOutputBytes);
  talk.session.sent(talk.session.output().size() - kMaxOutputBytes / 2 - 1);
  CHECK_FALSE(talk.session.wants_bytes());
  talk.session.sent(1);
  CHECK(talk.session.output().size() >= kMaxOutputBytes / 2);
  CHECK(talk.session.wants_bytes());
}

TEST_CASE("a session is overdue when no byte has come for idle_timeout and no reply is pending") {
  Talk talk;
  talk.node.config.idle_timeout = 300s;
  talk.node.now.steady += 299s;
  CHECK_FALSE(talk.session.is_overdue());
  talk.say(kIamat + "\n" + kWhatsat);
  CHECK(talk.take_output() == kAt);
  talk.node.now.steady += 301s;
  CHECK_FALSE(talk.session.is_overdue());  // a reply is pending
  talk.session.answer(talk.session.take_lookups().at(0).slot, kDocument);
  CHECK_FALSE(talk.take_output().empty());
  talk.node.now.steady += 300s - 1ns;
  CHECK_FALSE(talk.session.is_overdue());
  talk.node.now.steady += 1ns;
  CHECK(talk.session.is_overdue());
  talk.node.config.idle_timeout = 301s;  // a reload
  CHECK_FALSE(talk.session.is_overdue());
}

TEST_CASE("a session is overdue when its output has not moved for idle_timeout, whatever the client goes on saying") {
  Talk talk;
  talk.node.config.idle_timeout = 300s;
  talk.node.now.steady += 100s;
  talk.say("a\n");
  talk.node.now.steady += 200s;
  talk.say("b\n");
  talk.node.now.steady += 99s;
  CHECK_FALSE(talk.session.is_overdue());
  talk.node.now.steady += 1s;
  CHECK(talk.session.is_overdue());
  talk.session.sent(1);
  CHECK_FALSE(talk.session.is_overdue());
}

TEST_CASE("a session that is to finish answers what it has heard, and then ends by a half-close") {
  Talk talk;
  talk.say(kIamat + "\n" + repeated(kWhatsat, kMaxPendingLookups + 1) + "half a line");
  talk.session.finish();
  CHECK_FALSE(talk.session.wants_bytes());
  std::size_t answered = 0;
  for (auto lookups = talk.session.take_lookups(); !lookups.empty(); lookups = talk.session.take_lookups()) {
    CHECK(talk.session.ending() == Session::Ending::NotYet);
    for (const Lookup& lookup : lookups) {
      talk.session.answer(lookup.slot, kDocument);
      ++answered;
    }
  }
  CHECK(answered == kMaxPendingLookups + 1);
  CHECK(talk.take_output().ends_with(kDocument + "\n\n"));
  CHECK(talk.session.ending() == Session::Ending::HalfClose);
}
