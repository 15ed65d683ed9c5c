#include "protocol/line_buffer.hpp"

#include <random>
#include <string>
#include <vector>

#include "protocol/limits.hpp"
#include "tests/catch.hpp"

using herd::protocol::LineBuffer;

namespace {

using namespace std::string_literals;

constexpr std::size_t kMaxLine = 100;

// The result of all bytes of a client: the lines, the unterminated last line, and the head of a line that was too long.
// The last line is separate, so that a terminated and an unterminated line are not equal.
struct Received {
  std::vector<std::string> lines;
  std::vector<std::string> last;
  std::vector<std::string> too_long;

  bool operator==(const Received&) const = default;
};

void take_lines(LineBuffer& buffer, Received& received) {
  while (const auto line = buffer.next()) {
    received.lines.emplace_back(*line);
  }
}

Received receive(const std::vector<std::string>& segments, std::size_t max_line = kMaxLine) {
  LineBuffer buffer(max_line);
  Received received;
  for (const std::string& segment : segments) {
    std::string chunk = segment;  // overwritten below, like the shared buffer of a front end
    buffer.feed(chunk);
    take_lines(buffer, received);
    chunk.assign(chunk.size(), '#');
    REQUIRE(buffer.held_bytes() <= max_line + 2);
  }
  if (const auto last = buffer.last_line()) {
    received.last.emplace_back(*last);
  }
  if (buffer.state() == LineBuffer::State::TooLong) {
    received.too_long.emplace_back(buffer.too_long_head());
  }
  return received;
}

std::vector<std::string> lines_of(const std::string& bytes) {
  return receive({bytes}).lines;
}

using Lines = std::vector<std::string>;

}  // namespace

TEST_CASE("a line ends with LF, CR LF or CR NUL, in any combination") {
  CHECK(lines_of("a\nb\r\nc\r\0d\n"s) == Lines{"a", "b", "c", "d"});
  CHECK(lines_of("\n\r\n\r\0"s) == Lines{"", "", ""});
}

TEST_CASE("a CR that does not end a line is a blank of it") {
  CHECK(lines_of("a\rb\n") == Lines{"a\rb"});
  CHECK(lines_of("a\r\r\n") == Lines{"a\r"});
  CHECK(lines_of("a\r\r\0"s) == Lines{"a\r"});
}

TEST_CASE("a NUL that does not follow a CR stays in its line") {
  CHECK(lines_of("a\0b\n"s) == Lines{"a\0b"s});
}

TEST_CASE("unterminated bytes at the half-close are a last line") {
  CHECK(receive({"a\nb"}) == Received{{"a"}, {"b"}, {}});
  CHECK(receive({"a\n"}) == Received{{"a"}, {}, {}});
  CHECK(receive({""}) == Received{});
  CHECK(receive({"a\r"}) == Received{{}, {"a\r"}, {}});
  CHECK(receive({"a\xFF"}) == Received{{}, {"a"}, {}});
  CHECK(receive({"a\xFF\xFA\n"}) == Received{{}, {"a"}, {}});
}

TEST_CASE("telnet sequences are skipped anywhere") {
  CHECK(lines_of("\xFF\xFD\x03IA\xFF\xF1MAT\xFF\xFB\x1F\n") == Lines{"IAMAT"});
  CHECK(lines_of("a\r\xFF\xF1\nb\r\xFF\xFD\x06\0c\n"s) == Lines{"a", "b", "c"});
  CHECK(lines_of("a\xFF\xFA\x18line\r\nends\n\xFF\xF0z\n") == Lines{"az"});
}

TEST_CASE("IAC IAC is the byte FF of the line") {
  CHECK(lines_of("a\xFF\xFFz\n") == Lines{"a\xFFz"});
}

TEST_CASE("the longest line is accepted, one byte more is refused, with every line end") {
  for (const std::string& end : {"\n"s, "\r\n"s, "\r\0"s, "\xFF\xF1\r\xFF\xF1\n"s}) {
    const std::string longest(kMaxLine, 'x');
    CHECK(receive({longest + end}) == Received{{longest}, {}, {}});
    CHECK(receive({longest + "y" + end}) == Received{{}, {}, {std::string(64, 'x')}});
  }
  CHECK(receive({std::string(kMaxLine - 1, 'x') + "\r\r\n"}) ==
        Received{{std::string(kMaxLine - 1, 'x') + "\r"}, {}, {}});
  CHECK(receive({std::string(kMaxLine, 'x') + "\r\r\n"}) == Received{{}, {}, {std::string(64, 'x')}});
}

TEST_CASE("a line without a line end is refused as soon as it is too long") {
  const std::string longest(kMaxLine, 'x');
  CHECK(receive({longest}) == Received{{}, {longest}, {}});
  CHECK(receive({longest + "y"}) == Received{{}, {}, {std::string(64, 'x')}});
  CHECK(receive({longest, "y"}) == Received{{}, {}, {std::string(64, 'x')}});
  CHECK(receive({longest + "\r"}) == Received{{}, {}, {std::string(64, 'x')}});
  LineBuffer buffer(kMaxLine);
  buffer.feed(longest);
  CHECK_FALSE(buffer.next());
  CHECK(buffer.state() == LineBuffer::State::Open);
  const std::string one_more = "y";
  buffer.feed(one_more);
  CHECK_FALSE(buffer.next());
  CHECK(buffer.state() == LineBuffer::State::TooLong);
}

TEST_CASE("telnet sequences do not count in the length of a line") {
  std::string line;
  for (std::size_t count = 0; count < kMaxLine; ++count) {
    line += "x\xFF\xF1\xFF\xFD\x01";
  }
  CHECK(lines_of(line + "\n") == Lines{std::string(kMaxLine, 'x')});
}

TEST_CASE("a subnegotiation longer than the longest line is refused") {
  const std::string begin = "a\xFF\xFA";
  CHECK(receive({begin + std::string(kMaxLine, '\n') + "\xFF\xF0z\n"}) == Received{{"az"}, {}, {}});
  CHECK(receive({begin + std::string(kMaxLine + 1, '\n') + "\xFF\xF0z\n"}) == Received{{}, {}, {"a"}});
}

TEST_CASE("lines before a line that is too long are still returned") {
  const std::string too_long(kMaxLine + 1, 'x');
  CHECK(receive({"a\nb\n" + too_long + "\nc\n"}) == Received{{"a", "b"}, {}, {std::string(64, 'x')}});
  CHECK(receive({"a\nb\r\0"s + too_long + "\nc\n"}) == Received{{"a", "b"}, {}, {std::string(64, 'x')}});
}

TEST_CASE("nothing is returned after a line that was too long") {
  LineBuffer buffer(2);
  const std::string bytes = "abc\nd\n";
  buffer.feed(bytes);
  CHECK_FALSE(buffer.next());
  buffer.feed(bytes);
  CHECK_FALSE(buffer.next());
  CHECK_FALSE(buffer.last_line());
  CHECK(buffer.too_long_head() == "abc");
}

TEST_CASE("a line in a chunk is returned in place") {
  LineBuffer buffer(kMaxLine);
  const std::string chunk = "first\r\nsecond\n";
  buffer.feed(chunk);
  CHECK(buffer.next()->data() == chunk.data());
  CHECK(buffer.next()->data() == chunk.data() + 7);
}

TEST_CASE("lines in the chunk stay valid while others are read, and line_stays() is true for them") {
  LineBuffer buffer(kMaxLine);
  const std::string chunk = "one\ntwo\r\nthree\nunfinished";
  buffer.feed(chunk);
  std::vector<std::string_view> lines;
  while (const auto line = buffer.next()) {
    CHECK(buffer.line_stays());
    lines.push_back(*line);
  }
  CHECK(lines == std::vector<std::string_view>{"one", "two", "three"});
}

TEST_CASE("line_stays() is false for lines that were assembled or copied") {
  LineBuffer buffer(kMaxLine);
  const std::string first = "be";
  buffer.feed(first);
  CHECK_FALSE(buffer.next());
  const std::string second = "gun\nwhole\nheld\nheld too\n";
  buffer.feed(second);
  CHECK(buffer.next() == "begun");
  CHECK_FALSE(buffer.line_stays());
  CHECK(buffer.next() == "whole");
  CHECK(buffer.line_stays());
  buffer.hold();
  CHECK(buffer.next() == "held");
  CHECK_FALSE(buffer.line_stays());
}

TEST_CASE("between two lines nothing is stored") {
  LineBuffer buffer(kMaxLine);
  std::string chunk = "half";
  buffer.feed(chunk);
  CHECK_FALSE(buffer.next());
  CHECK(buffer.held_bytes() == 4);
  chunk = " line\n";
  buffer.feed(chunk);
  CHECK(buffer.next() == "half line");
  CHECK_FALSE(buffer.next());
  CHECK(buffer.held_bytes() == 0);
}

TEST_CASE("held bytes outlive their chunk, and more bytes can be fed after them") {
  LineBuffer buffer(kMaxLine);
  std::string chunk = "a\nb\nc";
  buffer.feed(chunk);
  CHECK(buffer.next() == "a");
  buffer.hold();
  chunk = "#####";
  CHECK(buffer.held_bytes() == 3);
  const std::string more = "d\r\0e\n"s;
  buffer.feed(more);
  buffer.hold();
  CHECK(buffer.next() == "b");
  CHECK(buffer.next() == "cd");
  CHECK(buffer.next() == "e");
  CHECK_FALSE(buffer.next());
  CHECK(buffer.held_bytes() == 0);
}

TEST_CASE("telnet sequences in held bytes are recognised when plain bytes are fed after them") {
  LineBuffer buffer(kMaxLine);
  const std::string held = "a\nb\xFF\xF1z\n";
  buffer.feed(held);
  CHECK(buffer.next() == "a");
  buffer.hold();
  const std::string plain = "c\n";
  buffer.feed(plain);
  CHECK(buffer.next() == "bz");
  CHECK(buffer.next() == "c");
}

TEST_CASE("any split into segments gives the same lines") {
  const std::string alphabet = "aaaab \r\r\n\n\0\0\xFF\xFF\xFF\xFA\xF0\xF0\xFD\xF1"s;
  const auto seed = GENERATE(range(1u, 301u));
  INFO("seed " << seed);
  std::mt19937 random(seed);
  const auto below = [&random](std::size_t end) {
    return std::uniform_int_distribution<std::size_t>(0, end - 1)(random);
  };
  const bool plain = below(3) == 0;  // a third of the inputs uses only the fast path
  std::string bytes;
  for (std::size_t left = below(400); left > 0; --left) {
    bytes.push_back(alphabet[below(plain ? 10 : alphabet.size())]);
  }
  const std::size_t max_line = 1 + below(40);
  std::vector<std::string> segments;
  for (std::size_t at = 0; at < bytes.size();) {
    const std::size_t length = 1 + below(below(2) == 0 ? 3 : 60);
    segments.push_back(bytes.substr(at, length));
    at += length;
  }
  std::vector<std::string> single_bytes;
  for (const char byte : bytes) {
    single_bytes.emplace_back(1, byte);
  }
  const Received whole = receive({bytes}, max_line);
  CHECK(receive(segments, max_line) == whole);
  CHECK(receive(single_bytes, max_line) == whole);
}

TEST_CASE("timing mark requests count when they are fed, at any split, and do not change the lines") {
  const std::string bytes = "one\n\xFF\xFD\x06tw\xFF\xFD\x06o\n\xFF\xFA\xFF\xFD\x06\xFF\xF0\xFF\xF4\xFF\xFD\x06";
  for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
    INFO(cut);
    LineBuffer buffer(kMaxLine);
    Received received;
    std::uint32_t marks = 0;
    for (const std::string& chunk : {bytes.substr(0, cut), bytes.substr(cut)}) {
      buffer.feed(chunk);
      marks += buffer.take_timing_marks();  // before the lines that precede them are read
      take_lines(buffer, received);
    }
    CHECK(marks == 3);
    CHECK(received.lines == Lines{"one", "two"});
  }
}

TEST_CASE("a closed buffer returns nothing more and stores nothing") {
  LineBuffer buffer(kMaxLine);
  const std::string chunk = "one\ntwo\nthr";
  buffer.feed(chunk);
  REQUIRE(buffer.next() == "one");
  buffer.hold();
  buffer.close();
  CHECK(buffer.state() == LineBuffer::State::Closed);
  CHECK_FALSE(buffer.next());
  CHECK(buffer.held_bytes() == 0);
  buffer.feed(std::string("four\n\xFF\xFD\x06"));
  CHECK_FALSE(buffer.next());
  CHECK_FALSE(buffer.last_line());
  CHECK(buffer.take_timing_marks() == 0);
}
