// A client that speaks HTTP, as a browser does for any web page: its connection ends at the first line of it.
#include <string>
#include <vector>

#include "node/base/limits.hpp"
#include "node/clients/session.hpp"
#include "tests/catch.hpp"
#include "tests/node/captured_log.hpp"
#include "tests/node/one_session.hpp"

using namespace herd::node;

namespace {

const std::string kWhatsat = "WHATSAT kiwi 10 5\n";
const std::string kAnswer(kHttpAnswer);

}  // namespace

TEST_CASE("a line of HTTP gets one answer, ends the session, and nothing after it is read") {
  for (const std::string line : {"GET / HTTP/1.1", "POST /x?y=z HTTP/1.0", "OPTIONS * HTTP/1.1", "PRI * HTTP/1.9",
                                 "CONNECT example.org:443 HTTP/1.1", "IAMAT / HTTP/1.1", "Host: 127.0.0.1:12140",
                                 "host:x", "HOST:", "Host: a b c d"}) {
    for (const std::string end : {"\r\n", "\n"}) {
      INFO(line);
      CapturedLog log;
      Talk talk;
      talk.say(line + end + kIamat + "\nGET / HTTP/1.1\n");
      CHECK_FALSE(talk.session.wants_bytes());
      CHECK(talk.take_output() == kAnswer);
      CHECK(talk.session.ending() == Session::Ending::HalfClose);
      CHECK_FALSE(talk.node.replica.find("kiwi"));
      CHECK(talk.node.counters.http_lines == 1);
      CHECK(talk.node.counters.unknown_commands == 0);
      CHECK(log.text().find("event=http_line from=127.0.0.1:1 ") != std::string::npos);
    }
  }
}

TEST_CASE("what only looks like HTTP is answered as any unknown command") {
  for (const std::string line :
       {"GET / HTTP/2.0", "GET / HTTP/1.", "GET / HTTP/1.x", "GET / HTTP/1.10", "GET /", "get / HTTP/1.1",
        "GET  HTTP/1.1", "GET / http/1.1", " HTTP/1.1", "HTTP/1.1", "GET / a HTTP/1.1", "GET / HTTP/1.1 ",
        " GET / HTTP/1.1", "GET\t/\tHTTP/1.1", "G1T / HTTP/1.1", "Hosts: x", "Host", " Host: x", "x Host: y"}) {
    INFO(line);
    Talk talk;
    talk.say(line + "\n" + kIamat + "\n");
    CHECK(talk.take_output() == "? " + line + "\n" + kAt);
    CHECK(talk.session.wants_bytes());
    CHECK(talk.node.counters.http_lines == 0);
  }
}

TEST_CASE("commands before a line of HTTP are answered first, also those that wait for a lookup") {
  Talk talk;
  talk.say(kIamat + "\n" + kWhatsat + "foo\nGET / HTTP/1.1\r\nbar\n");
  CHECK(talk.take_output() == kAt);
  CHECK_FALSE(talk.session.wants_bytes());
  CHECK(talk.session.ending() == Session::Ending::NotYet);
  talk.session.answer(talk.session.take_lookups().at(0).slot, kDocument);
  CHECK(talk.take_output() == kAt + kDocument + "\n\n? foo\n" + kAnswer);
  CHECK(talk.session.ending() == Session::Ending::HalfClose);
  CHECK(talk.session.take_lookups().empty());
}

TEST_CASE("a line of HTTP is known however it comes: in pieces, after waiting lines, or without a line end") {
  Talk pieces;
  for (const char byte : std::string("GET / HTTP/1.1\r\n")) pieces.say(std::string(1, byte));
  CHECK(pieces.take_output() == kAnswer);

  Talk last;
  last.say("foo\nGET / HTTP/1.1");
  last.session.receive_end();
  CHECK(last.take_output() == "? foo\n" + kAnswer);
  CHECK(last.session.ending() == Session::Ending::HalfClose);

  Talk waits;
  waits.say(kIamat + "\n" + repeated(kWhatsat, kMaxPendingLookups + 1) + "Host: x\nIAMAT later +1+1 5\n");
  for (auto lookups = waits.session.take_lookups(); !lookups.empty(); lookups = waits.session.take_lookups()) {
    for (const Lookup& lookup : lookups) waits.session.answer(lookup.slot, kDocument);
  }
  CHECK(waits.take_output().ends_with(kDocument + "\n\n" + kAnswer));
  CHECK(waits.session.ending() == Session::Ending::HalfClose);
  CHECK_FALSE(waits.node.replica.find("later"));
}

TEST_CASE("a line of HTTP that is too long is a line too long") {
  Talk talk;
  talk.say("GET /" + repeated("x", 1024) + " HTTP/1.1\r\n" + kIamat + "\n");
  CHECK(talk.take_output() == "? GET /" + repeated("x", 59) + "\n");
  CHECK(talk.session.ending() == Session::Ending::HalfClose);
  CHECK_FALSE(talk.node.replica.find("kiwi"));
}

TEST_CASE("a telnet sequence after a line of HTTP is not answered") {
  Talk talk;
  talk.say("GET / HTTP/1.1\r\n\r\n\xFF\xFD\x06");
  CHECK(talk.take_output() == kAnswer);
}
