// A session answers telnet's timing marks at once, never inside a line, and at a bounded cost.
#include <string>

#include "node/base/limits.hpp"
#include "node/clients/session.hpp"
#include "tests/catch.hpp"
#include "tests/node/one_session.hpp"

using namespace herd::node;
using namespace std::string_literals;

namespace {

const std::string kWhatsat = "WHATSAT kiwi 10 5\n";
const std::string kAsk = "\xFF\xFD\x06";   // IAC DO TIMING-MARK
const std::string kMark = "\xFF\xFB\x06";  // IAC WILL TIMING-MARK

}  // namespace

TEST_CASE("a timing mark is answered, and so is the line after it") {
  OneSession one;
  one.send("\xFF\xF4" + kAsk + "foo\n");  // what telnet sends for Ctrl-C
  CHECK(one.take_output() == kMark + "? foo\n");
  one.send("\xFF\xF4\xFF\xF2" + kAsk + "bar\n");
  CHECK(one.take_output() == kMark + "? bar\n");
  one.send(kAsk);
  CHECK(one.take_output() == kMark);
}

TEST_CASE("a timing mark that comes in pieces is answered when its last byte comes") {
  OneSession one;
  one.send("\xFF");
  one.send("\xFD");
  CHECK(one.take_output().empty());
  one.send("\x06");
  CHECK(one.take_output() == kMark);
}

TEST_CASE("each timing mark is answered, and no other telnet request") {
  OneSession one;
  one.send("fo" + kAsk + kAsk + "\xFF\xFD\x01\xFF\xFB\x1F\xFF\xFE\x06\xFF\xFC\x06\xFF\xFB\x06" + kAsk + "o\n");
  CHECK(one.take_output() == kMark + kMark + kMark + "? foo\n");
  one.send("\xFF\xFA\x18" + kAsk.substr(1) + "\xFF\xF0\xFF\xFF\xFD\x06\n");  // in a subnegotiation, and after IAC IAC
  CHECK(one.take_output() == "? \\xff\xFD\\x06\n");
}

TEST_CASE("a timing mark is answered before the replies that are still due") {
  OneSession one;
  one.send(kIamat + "\n" + kWhatsat + "one\n");
  CHECK(one.take_output() == kAt);
  one.send("two\n" + kAsk);
  CHECK(one.take_output() == kMark);
  one.session.answer(one.session.take_outstanding().lookups.at(0).slot, kDocument);
  CHECK(one.take_output() == kAt + kDocument + "\n\n? one\n? two\n");
}

TEST_CASE("a timing mark is answered while lines before it wait for lookups") {
  OneSession one;
  one.send(kIamat + "\n" + repeated(kWhatsat, kMaxPendingLookups + 1) + kAsk + "end\n");
  CHECK_FALSE(one.session.wants_bytes());
  CHECK(one.take_output() == kMark + kAt);
  for (auto lookups = one.session.take_outstanding().lookups; !lookups.empty();
       lookups = one.session.take_outstanding().lookups) {
    for (const Lookup& lookup : lookups) one.session.answer(lookup.slot, kDocument);
  }
  CHECK(one.take_output() == repeated(kAt + kDocument + "\n\n", kMaxPendingLookups + 1) + "? end\n");
}

TEST_CASE("the answer to a timing mark never comes inside a line that is partly sent") {
  OneSession one;
  one.send("one\ntwo\n");
  one.session.sent(3);  // "? o"
  one.send(kAsk);
  CHECK(one.session.output() == "ne\n");
  one.session.sent(1);
  CHECK(one.session.output() == "e\n");
  one.session.sent(2);
  CHECK(one.session.output() == kMark);
  one.session.sent(2);
  CHECK(one.session.output() == kMark.substr(2));
  one.send(kAsk);
  CHECK(one.session.output() == kMark.substr(2) + kMark);
  CHECK(one.take_output() == kMark.substr(2) + kMark + "? two\n");
}

TEST_CASE("replies and timing marks arrive unbroken, in whatever pieces they are sent") {
  for (std::size_t piece = 1; piece < 12; ++piece) {
    INFO(piece);
    OneSession one;
    std::string received;
    for (int i = 0; i < 100; ++i) {
      one.send("line " + std::to_string(i) + "\n" + (i % 3 == 0 ? kAsk : ""));
      const std::string output(one.session.output().substr(0, piece));
      received += output;
      one.session.sent(output.size());
    }
    received += one.take_output();
    std::string lines;
    std::size_t marks = 0;
    for (std::size_t at = 0; at < received.size();) {
      if (received.compare(at, kMark.size(), kMark) == 0) {
        REQUIRE((at == 0 || received[at - 1] == '\n' || received.compare(at - 3, 3, kMark) == 0));
        ++marks;
        at += kMark.size();
      } else {
        lines += received[at++];
      }
    }
    CHECK(marks == 34);
    std::string expected;
    for (int i = 0; i < 100; ++i) expected += "? line " + std::to_string(i) + "\n";
    CHECK(lines == expected);
  }
}

TEST_CASE(
    "timing marks of a client that does not read hold no memory, and the node stops reading at the output's limit") {
  OneSession one;
  one.send("a\n");
  const std::size_t before = one.memory.total();
  const std::string chunk = repeated(kAsk, kReadBufferBytes / kAsk.size());
  std::size_t chunks = 0;
  for (; one.session.wants_bytes(); ++chunks) {
    REQUIRE(chunks < 100);
    one.send(chunk);
  }
  CHECK(chunks * chunk.size() > kMaxOutputBytes);
  CHECK(chunks * chunk.size() <= kMaxOutputBytes + 2 * kReadBufferBytes);
  CHECK(one.memory.total() - before <= kReadBufferBytes);  // the input that waits
  CHECK(one.take_output().size() == 4 + chunks * chunk.size());
  CHECK(one.session.wants_bytes());
}

TEST_CASE("a session that cannot send a timing mark is overdue after idle_timeout") {
  OneSession one;
  one.node.now.steady += one.node.config.idle_timeout - std::chrono::seconds(1);
  one.send(kAsk);
  one.node.now.steady += std::chrono::seconds(2);
  CHECK_FALSE(one.session.is_overdue());
  one.node.now.steady += one.node.config.idle_timeout;
  CHECK(one.session.is_overdue());
}
