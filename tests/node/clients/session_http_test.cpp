// A client that speaks HTTP, such as a browser on behalf of a web page: its connection ends at the first line of HTTP.
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

TEST_CASE("a line of HTTP gets one answer and ends the session, and no line after it is executed") {
  for (const std::string line : {"GET / HTTP/1.1", "POST /x?y=z HTTP/1.0", "OPTIONS * HTTP/1.1", "PRI * HTTP/1.9",
                                 "CONNECT example.org:443 HTTP/1.1", "IAMAT / HTTP/1.1", "Host: 127.0.0.1:12140",
                                 "host:x", "HOST:", "Host: a b c d"}) {
    for (const std::string end : {"\r\n", "\n"}) {
      INFO(line);
      CapturedLog log;
      OneSession one;
      one.send(line + end + kIamat + "\nGET / HTTP/1.1\n");
      CHECK_FALSE(one.session.wants_bytes());
      CHECK(one.take_output() == kAnswer);
      CHECK(one.session.ending() == Session::Ending::HalfClose);
      CHECK_FALSE(one.node.replica.find("kiwi"));
      CHECK(one.node.counters.http_lines == 1);
      CHECK(one.node.counters.unknown_commands == 0);
      CHECK(log.text().find("event=http_line from=127.0.0.1:1 ") != std::string::npos);
    }
  }
}

TEST_CASE("a line that only resembles HTTP is an unknown command") {
  for (const std::string line :
       {"GET / HTTP/2.0", "GET / HTTP/1.", "GET / HTTP/1.x", "GET / HTTP/1.10", "GET /", "get / HTTP/1.1",
        "GET  HTTP/1.1", "GET / http/1.1", " HTTP/1.1", "HTTP/1.1", "GET / a HTTP/1.1", "GET / HTTP/1.1 ",
        " GET / HTTP/1.1", "GET\t/\tHTTP/1.1", "G1T / HTTP/1.1", "Hosts: x", "Host", " Host: x", "x Host: y"}) {
    INFO(line);
    OneSession one;
    one.send(line + "\n" + kIamat + "\n");
    CHECK(one.take_output() == "? " + line + "\n" + kAt);
    CHECK(one.session.wants_bytes());
    CHECK(one.node.counters.http_lines == 0);
  }
}

TEST_CASE("commands before a line of HTTP are answered first, also those that wait for a lookup") {
  OneSession one;
  one.send(kIamat + "\n" + kWhatsat + "foo\nGET / HTTP/1.1\r\nbar\n");
  CHECK(one.take_output() == kAt);
  CHECK_FALSE(one.session.wants_bytes());
  CHECK(one.session.ending() == Session::Ending::NotYet);
  one.session.answer(one.session.take_outstanding().lookups.at(0).slot, kDocument);
  CHECK(one.take_output() == kAt + kDocument + "\n\n? foo\n" + kAnswer);
  CHECK(one.session.ending() == Session::Ending::HalfClose);
  CHECK(one.session.take_outstanding().lookups.empty());
}

TEST_CASE("a line of HTTP is recognised in pieces, after waiting lines, and without a line end") {
  OneSession pieces;
  for (const char byte : std::string("GET / HTTP/1.1\r\n")) pieces.send(std::string(1, byte));
  CHECK(pieces.take_output() == kAnswer);

  OneSession last;
  last.send("foo\nGET / HTTP/1.1");
  last.session.receive_end();
  CHECK(last.take_output() == "? foo\n" + kAnswer);
  CHECK(last.session.ending() == Session::Ending::HalfClose);

  OneSession waits;
  waits.send(kIamat + "\n" + repeated(kWhatsat, kMaxPendingLookups + 1) + "Host: x\nIAMAT later +1+1 5\n");
  for (auto lookups = waits.session.take_outstanding().lookups; !lookups.empty();
       lookups = waits.session.take_outstanding().lookups) {
    for (const Lookup& lookup : lookups) waits.session.answer(lookup.slot, kDocument);
  }
  CHECK(waits.take_output().ends_with(kDocument + "\n\n" + kAnswer));
  CHECK(waits.session.ending() == Session::Ending::HalfClose);
  CHECK_FALSE(waits.node.replica.find("later"));
}

TEST_CASE("a line of HTTP that is too long is answered as any line that is too long") {
  OneSession one;
  one.send("GET /" + repeated("x", 1024) + " HTTP/1.1\r\n" + kIamat + "\n");
  CHECK(one.take_output() == "? GET /" + repeated("x", 59) + "\n");
  CHECK(one.session.ending() == Session::Ending::HalfClose);
  CHECK_FALSE(one.node.replica.find("kiwi"));
}

TEST_CASE("a telnet sequence after a line of HTTP is not answered") {
  OneSession one;
  one.send("GET / HTTP/1.1\r\n\r\n\xFF\xFD\x06");
  CHECK(one.take_output() == kAnswer);
}
