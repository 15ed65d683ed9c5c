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
  OneSession one;
  one.send(kIamat + "\n" + kWhatsat + kIamat + "\r\n");
  CHECK(one.take_output() == kAt);
  const auto lookups = one.session.take_outstanding().lookups;
  REQUIRE(lookups.size() == 1);
  CHECK(one.session.take_outstanding().lookups.empty());
  one.session.answer(lookups[0].slot, kDocument);
  CHECK(one.take_output() == kAt + kDocument + "\n\nIGNORE\n");
}

TEST_CASE("all lines of one read are answered in order, also with other lines between them") {
  OneSession one;
  std::string input;
  std::string expected;
  one.node.now.wall = 1000s;
  for (int i = 0; i < 100; ++i) {
    const std::string line = "IAMAT kiwi +1+2 " + std::to_string(i);
    input += line + "\n";
    expected += "AT Hill +" + std::to_string(1000 - i) + ".000000000 kiwi +1+2 " + std::to_string(i) + "\n";
    if (i % 7 == 0) {
      input += "foo " + std::to_string(i) + "\r\n\n";
      expected += "? foo " + std::to_string(i) + "\n";
    }
  }
  one.send(input);
  CHECK(one.take_output() == expected);
}

TEST_CASE("after a half-close all commands are still answered, also a last line without a line end") {
  OneSession one;
  one.send(kIamat + "\n" + kWhatsat + kIamat);
  CHECK(one.take_output() == kAt);
  one.session.receive_end();
  CHECK_FALSE(one.session.wants_bytes());
  CHECK(one.session.ending() == Session::Ending::NotYet);
  one.session.answer(one.session.take_outstanding().lookups.at(0).slot, kDocument);
  CHECK(one.session.ending() == Session::Ending::NotYet);
  CHECK(one.take_output() == kAt + kDocument + "\n\nIGNORE\n");
  CHECK(one.session.ending() == Session::Ending::Close);
}

TEST_CASE("a line that is too long is answered with its head, after the replies before it, and ends the session") {
  OneSession one;
  one.send(kIamat + "\n" + kWhatsat + repeated("x", 1025) + "\n" + kIamat + "\n");
  CHECK(one.node.counters.lines_too_long == 1);
  CHECK_FALSE(one.session.wants_bytes());
  CHECK(one.take_output() == kAt);
  CHECK(one.session.ending() == Session::Ending::NotYet);
  one.session.answer(one.session.take_outstanding().lookups.at(0).slot, kDocument);
  CHECK(one.take_output() == kAt + kDocument + "\n\n? " + repeated("x", 64) + "\n");
  CHECK(one.session.ending() == Session::Ending::HalfClose);
}

TEST_CASE("the configuration sets the length of the longest line") {
  OneSession one;
  one.send(repeated("x", 1024) + "\n");
  CHECK(one.take_output() == "? " + repeated("x", 1024) + "\n");
  CHECK(one.session.wants_bytes());
  one.node.config.max_line_bytes = 10;
  Session later(one.parts, "127.0.0.1:2", {});
  later.receive(repeated("y", 11));
  CHECK(later.output() == "? yyyyyyyyyyy\n");
  CHECK(later.ending() == Session::Ending::NotYet);
}

TEST_CASE("a CR at its end can make the last line too long") {
  OneSession one;
  one.send(repeated("x", 1024) + "\r");
  one.session.receive_end();
  CHECK(one.take_output() == "? " + repeated("x", 64) + "\n");
  CHECK(one.session.ending() == Session::Ending::HalfClose);
}

TEST_CASE("at most kMaxPendingLookups lookups wait, and one answer permits one more") {
  OneSession one;
  one.send(kIamat + "\n");
  one.send(repeated(kWhatsat, kMaxPendingLookups - 1));
  CHECK(one.session.wants_bytes());
  one.send(repeated(kWhatsat, 3) + kIamat + "\n");
  CHECK_FALSE(one.session.wants_bytes());
  const auto lookups = one.session.take_outstanding().lookups;
  CHECK(lookups.size() == kMaxPendingLookups);
  one.session.answer(lookups[5].slot, kDocument);
  CHECK(one.session.take_outstanding().lookups.size() == 1);
  CHECK_FALSE(one.session.wants_bytes());
  one.session.answer(lookups[0].slot, kDocument);
  const auto last = one.session.take_outstanding().lookups;
  CHECK(last.size() == 1);
  CHECK_FALSE(one.session.wants_bytes());
  one.session.answer(lookups[1].slot, kDocument);
  CHECK(one.session.wants_bytes());
  CHECK(one.node.counters.iamat_duplicate == 1);
}

TEST_CASE("a half-close is noticed while lookups are pending, and the waiting lines are still answered") {
  OneSession one;
  one.send(kIamat + "\n" + repeated(kWhatsat, kMaxPendingLookups) + "last\nline");
  CHECK_FALSE(one.session.wants_bytes());
  one.session.receive_end();
  for (const Lookup& lookup : one.session.take_outstanding().lookups) {
    CHECK(one.session.ending() == Session::Ending::NotYet);
    one.session.answer(lookup.slot, kDocument);
  }
  CHECK(one.take_output().ends_with("? last\n? line\n"));
  CHECK(one.session.ending() == Session::Ending::Close);
}

TEST_CASE("too much output stops the reading until half of it is sent") {
  OneSession one;
  const std::string chunk = repeated(repeated("x", 1000) + "\n", 64);
  while (one.session.wants_bytes()) {
    one.send(chunk);
    REQUIRE(one.session.output().size() <= kMaxOutputBytes + 1024);
  }
  CHECK(one.session.output().size() > kMaxOutputBytes);
  one.session.sent(one.session.output().size() - kMaxOutputBytes / 2 - 1);
  CHECK_FALSE(one.session.wants_bytes());
  one.session.sent(1);
  CHECK(one.session.output().size() >= kMaxOutputBytes / 2);
  CHECK(one.session.wants_bytes());
}

TEST_CASE("a session is overdue when no byte came for idle_timeout and no reply is pending") {
  OneSession one;
  one.node.config.idle_timeout = 300s;
  one.node.now.steady += 299s;
  CHECK_FALSE(one.session.is_overdue());
  one.send(kIamat + "\n" + kWhatsat);
  CHECK(one.take_output() == kAt);
  one.node.now.steady += 301s;
  CHECK_FALSE(one.session.is_overdue());  // a reply is pending
  one.session.answer(one.session.take_outstanding().lookups.at(0).slot, kDocument);
  CHECK_FALSE(one.take_output().empty());
  one.node.now.steady += 300s - 1ns;
  CHECK_FALSE(one.session.is_overdue());
  one.node.now.steady += 1ns;
  CHECK(one.session.is_overdue());
  one.node.config.idle_timeout = 301s;  // a reload
  CHECK_FALSE(one.session.is_overdue());
}

TEST_CASE("a session is overdue when no output was sent for idle_timeout, even if the client still sends") {
  OneSession one;
  one.node.config.idle_timeout = 300s;
  one.node.now.steady += 100s;
  one.send("a\n");
  one.node.now.steady += 200s;
  one.send("b\n");
  one.node.now.steady += 99s;
  CHECK_FALSE(one.session.is_overdue());
  one.node.now.steady += 1s;
  CHECK(one.session.is_overdue());
  one.session.sent(1);
  CHECK_FALSE(one.session.is_overdue());
}

TEST_CASE("finish() lets a session answer the complete lines it has received, and then half-close") {
  OneSession one;
  one.send(kIamat + "\n" + repeated(kWhatsat, kMaxPendingLookups + 1) + "half a line");
  one.session.finish();
  CHECK_FALSE(one.session.wants_bytes());
  std::size_t answered = 0;
  for (auto lookups = one.session.take_outstanding().lookups; !lookups.empty();
       lookups = one.session.take_outstanding().lookups) {
    CHECK(one.session.ending() == Session::Ending::NotYet);
    for (const Lookup& lookup : lookups) {
      one.session.answer(lookup.slot, kDocument);
      ++answered;
    }
  }
  CHECK(answered == kMaxPendingLookups + 1);
  CHECK(one.take_output().ends_with(kDocument + "\n\n"));
  CHECK(one.session.ending() == Session::Ending::HalfClose);
}
