// What a session does with telnet's timing marks: answered at once, never inside a line, and at a bounded cost.
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
  Talk talk;
  talk.say("\xFF\xF4" + kAsk + "foo\n");  // what telnet sends for Ctrl-C
  CHECK(talk.take_output() == kMark + "? foo\n");
  talk.say("\xFF\xF4\xFF\xF2" + kAsk + "bar\n");
  CHECK(talk.take_output() == kMark + "? bar\n");
  talk.say(kAsk);
  CHECK(talk.take_output() == kMark);
}

TEST_CASE("a timing mark that comes in pieces is answered when its last byte comes") {
  Talk talk;
  talk.say("\xFF");
  talk.say("\xFD");
  CHECK(talk.take_output().empty());
  talk.say("\x06");
  CHECK(talk.take_output() == kMark);
}

TEST_CASE("each timing mark is answered, and nothing else of telnet's is") {
  Talk talk;
  talk.say("fo" + kAsk + kAsk + "\xFF\xFD\x01\xFF\xFB\x1F\xFF\xFE\x06\xFF\xFC\x06\xFF\xFB\x06" + kAsk + "o\n");
  CHECK(talk.take_output() == kMark + kMark + kMark + "? foo\n");
  talk.say("\xFF\xFA\x18" + kAsk.substr(1) + "\xFF\xF0\xFF\xFF\xFD\x06\n");  // in a subnegotiation, and after IAC IAC
  CHECK(talk.take_output() == "? \\xff\xFD\\x06\n");
}

TEST_CASE("a timing mark is answered before the replies that are still due") {
  Talk talk;
  talk.say(kIamat + "\n" + kWhatsat + "one\n");
  CHECK(talk.take_output() == kAt);
  talk.say("two\n" + kAsk);
  CHECK(talk.take_output() == kMark);
  talk.session.answer(talk.session.take_lookups().at(0).slot, kDocument);
  CHECK(talk.take_output() == kAt + kDocument + "\n\n? one\n? two\n");
}

TEST_CASE("a timing mark is answered while lines before it wait for lookups") {
  Talk talk;
  talk.say(kIamat + "\n" + repeated(kWhatsat, kMaxPendingLookups + 1) + kAsk + "end\n");
  CHECK_FALSE(talk.session.wants_bytes());
  CHECK(talk.take_output() == kMark + kAt);
  for (auto lookups = talk.session.take_lookups(); !lookups.empty(); lookups = talk.session.take_lookups()) {
    for (const Lookup& lookup : lookups) talk.session.answer(lookup.slot, kDocument);
  }
  CHECK(talk.take_output() == repeated(kAt + kDocument + "\n\n", kMaxPendingLookups + 1) + "? end\n");
}

TEST_CASE("a timing mark is never put inside a line of which a part was sent") {
  Talk talk;
  talk.say("one\ntwo\n");
  talk.session.sent(3);  // "? o"
  talk.say(kAsk);
  CHECK(talk.session.output() == "ne\n");
  talk.session.sent(1);
  CHECK(talk.session.output() == "e\n");
  talk.session.sent(2);
  CHECK(talk.session.output() == kMark);
  talk.session.sent(2);
  CHECK(talk.session.output() == kMark.substr(2));
  talk.say(kAsk);
  CHECK(talk.session.output() == kMark.substr(2) + kMark);
  CHECK(talk.take_output() == kMark.substr(2) + kMark + "? two\n");
}

TEST_CASE("however replies and timing marks are sent in pieces, all arrive whole") {
  for (std::size_t piece = 1; piece < 12; ++piece) {
    INFO(piece);
    Talk talk;
    std::string received;
    for (int i = 0; i < 100; ++i) {
      talk.say("line " + std::to_string(i) + "\n" + (i % 3 == 0 ? kAsk : ""));
      const std::string output(talk.session.output().substr(0, piece));
      received += output;
      talk.session.sent(output.size());
    }
    received += talk.take_output();
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

TEST_CASE("timing marks of a client that does not read cost no memory, and stop the reading at the output's limit") {
  Talk talk;
  talk.say("a\n");
  const std::size_t before = talk.memory.total();
  const std::string chunk = repeated(kAsk, kReadBufferBytes / kAsk.size());
  std::size_t asked = 0;
  for (; talk.session.wants_bytes(); ++asked) {
    REQUIRE(asked < 100);
    talk.say(chunk);
  }
  CHECK(asked * chunk.size() > kMaxOutputBytes);
  CHECK(asked * chunk.size() <= kMaxOutputBytes + 2 * kReadBufferBytes);
  CHECK(talk.memory.total() - before <= kReadBufferBytes);  // the input that waits
  CHECK(talk.take_output().size() == 4 + asked * chunk.size());
  CHECK(talk.session.wants_bytes());
}

TEST_CASE("a session whose timing mark cannot be sent is overdue like any other that does not read") {
  Talk talk;
  talk.node.now.steady += talk.node.config.idle_timeout - std::chrono::seconds(1);
  talk.say(kAsk);
  talk.node.now.steady += std::chrono::seconds(2);
  CHECK_FALSE(talk.session.is_overdue());
  talk.node.now.steady += talk.node.config.idle_timeout;
  CHECK(talk.session.is_overdue());
}
