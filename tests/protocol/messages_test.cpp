#include "protocol/messages.hpp"

#include <limits>
#include <tuple>
#include <vector>

#include "protocol/limits.hpp"
#include "protocol/name.hpp"
#include "tests/catch.hpp"
#include "tests/protocol/hex.hpp"

using namespace herd::protocol;

namespace {

constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();
constexpr Nanoseconds kFirst = Nanoseconds::min();
constexpr Nanoseconds kLast = Nanoseconds::max();

auto fields(const Hello& m) {
  return std::tie(m.oldest_version, m.version, m.herd, m.node, m.incarnation, m.feed_id, m.attempt, m.clock, m.answer,
                  m.tail, m.address);
}
auto fields(const Welcome& m) {
  return std::tie(m.incarnations.sender, m.incarnations.receiver, m.feed_id, m.cursor, m.attempt, m.run, m.written);
}
auto fields(const Batch& m) {
  return std::tie(m.incarnations.sender, m.incarnations.receiver, m.attempt, m.from, m.to, m.run, m.written);
}
auto fields(const Ack& m) {
  return std::tie(m.incarnations.sender, m.incarnations.receiver, m.attempt, m.merged, m.durable);
}
auto fields(const Digest& m) {
  return std::tie(m.incarnations.sender, m.incarnations.receiver, m.round, m.answer, m.digest, m.merged);
}
auto fields(const Pull& m) {
  return std::tie(m.incarnations.sender, m.incarnations.receiver, m.number, m.position, m.buckets);
}
auto fields(const Answer& m) {
  return std::tie(m.incarnations.sender, m.incarnations.receiver, m.number, m.done, m.position);
}
auto fields(const Ping& m) {
  return std::tie(m.nonce, m.clock);
}
auto fields(const Pong& m) {
  return std::tie(m.nonce, m.clock, m.reports);
}
auto fields(const Bye& m) {
  return std::tie(m.incarnation);
}
auto fields(const Conflict& m) {
  return std::tie(m.incarnations.sender, m.incarnations.receiver, m.keeps_name, m.other_incarnation, m.other_address,
                  m.other_host);
}

template <typename M>
bool comes_back(const M& sent) {
  const auto received = decode(encode(sent));
  return received && std::holds_alternative<M>(*received) && fields(std::get<M>(*received)) == fields(sent);
}

Hello sample_hello() {
  return {1, 1, "herd", "Hill", 0x0102030405060708, 0x1112131415161718, 3, Nanoseconds{-2}, true, 300, "tcp://h:1"};
}

NodeReport sample_report() {
  return {"Hill", 5, 6, 7, true, 300, 255, 2, 3, 4};
}

// A message of each type, with its encoding.
struct Pinned {
  Message message;
  const char* bytes;
};

const std::vector<Pinned>& pinned() {
  static const std::vector<Pinned> all{
      {sample_hello(),
       "9c 01 01 01 a468657264 a448696c6c cf0102030405060708 cf1112131415161718 03 fe c3 cd012c a97463703a2f2f683a31"},
      {Welcome{{5, 6}, 7, 70'000, 2, 8, 300}, "98 02 05 06 07 ce00011170 02 08 cd012c"},
      {Batch{{5, 6}, 2, 255, 256, 7, 128}, "98 03 05 06 02 ccff cd0100 07 cc80"},
      {Ack{{5, 6}, 2, 256, 0}, "96 04 05 06 02 cd0100 00"},
      {Digest{{5, 6}, 2, true, 300, 4}, "97 05 05 06 02 c3 cd012c 04"},
      {Pull{{5, 6}, 2, 256, {0, 4095}}, "96 06 05 06 02 cd0100 92 00 cd0fff"},
      {Answer{{5, 6}, 2, 1, 256}, "96 07 05 06 02 01 cd0100"},
      {Ping{1, Nanoseconds{1'700'000'000'000'000'000}}, "93 08 01 cf17979cfe362a0000"},
      {Pong{1, Nanoseconds{2}, {sample_report()}}, "94 09 01 02 91 9a a448696c6c 05 06 07 c3 cd012c ccff 02 03 04"},
      {Bye{128}, "92 0a cc80"},
      {Conflict{{5, 6}, true, 7, "tcp://h:1", "::1"}, "97 0b 05 06 c3 07 a97463703a2f2f683a31 a33a3a31"},
  };
  return all;
}

// Replaces the head of an array of at most 15 elements, and appends bytes.
std::string lengthened(std::string header, std::string_view more_elements, std::size_t count) {
  header[0] = static_cast<char>(header[0] + static_cast<int>(count));
  return header.append(more_elements);
}

}  // namespace

TEST_CASE("the encoding of each header has exactly these bytes") {
  for (const Pinned& sample : pinned()) {
    INFO(name_of(sample.message));
    CHECK(hex(encode(sample.message)) == hex(unhex(sample.bytes)));
  }
}

TEST_CASE("every message is decoded as it was encoded") {
  CHECK(comes_back(sample_hello()));
  CHECK(comes_back(Hello{}) == false);  // its names are empty
  CHECK(comes_back(Welcome{{1, 2}, 3, 4, 5, 6, 7}));
  CHECK(comes_back(Batch{{1, 2}, 3, 4, 5, 6, 7}));
  CHECK(comes_back(Ack{{1, 2}, 3, 4, 5}));
  CHECK(comes_back(Digest{{1, 2}, 3, false, 4, 5}));
  CHECK(comes_back(Pull{{1, 2}, 3, 4, {5, 6}}));
  CHECK(comes_back(Answer{{1, 2}, 3, 4, 5}));
  CHECK(comes_back(Ping{1, Nanoseconds{2}}));
  CHECK(comes_back(Pong{1, Nanoseconds{2}}));
  CHECK(comes_back(Pong{1, Nanoseconds{2}, {sample_report(), {"Smith", kMost, 0, kMost, false, 0, kMost, 0, 0, 0}}}));
  CHECK(comes_back(Bye{1}));
  CHECK(comes_back(Conflict{{1, 2}, false, 3, "", "192.0.2.1"}));
}

TEST_CASE("the least and the greatest numbers are decoded as they were encoded") {
  for (const std::uint64_t n : {std::uint64_t{0}, std::uint64_t{127}, std::uint64_t{128}, std::uint64_t{1} << 32U,
                                std::uint64_t{1} << 63U, kMost}) {
    CHECK(comes_back(Welcome{{n, n}, n, n, n, n, n}));
    CHECK(comes_back(Batch{{n, n}, n, n, n, n, n}));
    CHECK(comes_back(Ack{{n, n}, n, n, n}));
    CHECK(comes_back(Digest{{n, n}, n, true, n, n}));
    CHECK(comes_back(Pull{{n, n}, n, n, {1}}));
    CHECK(comes_back(Answer{{n, n}, n, n, n}));
    CHECK(comes_back(Bye{n}));
    CHECK(comes_back(Conflict{{n, n}, true, n, "", ""}));
    Hello hello = sample_hello();
    hello.incarnation = hello.feed_id = hello.attempt = hello.tail = n;
    CHECK(comes_back(hello));
  }
  for (const Nanoseconds clock : {kFirst, Nanoseconds{-129}, Nanoseconds{-1}, Nanoseconds{0}, kLast}) {
    CHECK(comes_back(Ping{kMost, clock}));
    CHECK(comes_back(Pong{kMost, clock}));
    Hello hello = sample_hello();
    hello.clock = clock;
    CHECK(comes_back(hello));
  }
  Hello hello = sample_hello();
  hello.oldest_version = hello.version = std::numeric_limits<std::uint32_t>::max();
  CHECK(comes_back(hello));
}

TEST_CASE("a PONG without reports is encoded as in earlier releases") {
  CHECK(hex(encode(Pong{127, Nanoseconds{-1}})) == "93097fff");
  CHECK(std::get<Pong>(*decode(unhex("93 09 7f ff"))).reports.empty());
}

TEST_CASE("a PONG has at most as many reports as a herd has nodes, and each is complete") {
  CHECK(comes_back(Pong{1, Nanoseconds{2}, std::vector<NodeReport>(kMaxNodes, sample_report())}));
  CHECK_FALSE(decode(encode(Pong{1, Nanoseconds{2}, std::vector<NodeReport>(kMaxNodes + 1, sample_report())})));
  const std::string report = "a448696c6c 05 06 07 c3 01 02 03 04 05";
  CHECK(decode(unhex("94 09 01 02 91 9a " + report)));
  CHECK(decode(unhex("94 09 01 02 91 9b " + report + " 06")));  // of a later version
  CHECK(decode(unhex("94 09 01 02 90")));                       // none
  CHECK_FALSE(decode(unhex("94 09 01 02 91 99 " + report.substr(0, report.size() - 3))));
  CHECK_FALSE(decode(unhex("94 09 01 02 91 07")));  // no array
  CHECK_FALSE(decode(unhex("94 09 01 02 07")));
  CHECK_FALSE(decode(unhex("94 09 01 02 91 9a a0 05 06 07 c3 01 02 03 04 05")));  // the name is empty
}

TEST_CASE("a number out of its field's range is refused") {
  CHECK_FALSE(decode(unhex("93 08 01 cfffffffffffffffff")));  // a clock of 2^64-1
  CHECK_FALSE(decode(unhex("93 08 ff 00")));                  // a nonce of -1
  CHECK_FALSE(decode(unhex("92 0a cb3ff0000000000000")));     // an incarnation of 1.0
  const std::string tail = "a468657264 a448696c6c 01 01 01 00 c3 00";
  CHECK(decode(unhex("9b 01 01 ceffffffff" + tail)));
  CHECK_FALSE(decode(unhex("9b 01 01 cf0000000100000000" + tail)));  // a version of 2^32
}

TEST_CASE("an array longer than expected is accepted, whatever the new fields contain") {
  const std::string grown[] = {unhex("00"),
                               unhex("c0"),
                               unhex("82 01 02 a161 c3"),
                               unhex("93 01 92 02 03 a0"),
                               unhex("cb3ff0000000000000"),
                               unhex("d9ff") + std::string(255, 'x'),
                               unhex("c4ff") + std::string(255, '\0')};
  for (const Pinned& sample : pinned()) {
    INFO(name_of(sample.message));
    for (const std::string& field : grown) {
      const auto received = decode(lengthened(encode(sample.message), field, 1));
      REQUIRE(received);
      CHECK(received->index() == sample.message.index());
      CHECK(encode(*received) == encode(sample.message));
    }
    CHECK(decode(lengthened(encode(sample.message), unhex("01 02 03"), 3)));
  }
}

TEST_CASE("an array shorter than expected is refused, and the error names the message") {
  for (const Pinned& sample : pinned()) {
    INFO(name_of(sample.message));
    for (const char* array : {"91", "92"}) {
      const std::string type = unhex(hex(encode(sample.message).substr(1, 1)));
      const std::string field = array == std::string("91") ? "" : unhex("01");
      const auto received = decode(unhex(array).append(type).append(field));
      const bool complete = std::holds_alternative<Bye>(sample.message) && !field.empty();
      CHECK(received.has_value() == complete);
      if (!received) CHECK(received.error().message.find(name_of(sample.message)) == 0);
    }
  }
}

TEST_CASE("a header that is cut at any byte, or has trailing bytes, is refused") {
  for (const Pinned& sample : pinned()) {
    INFO(name_of(sample.message));
    const std::string frame = encode(sample.message);
    for (std::size_t length = 0; length < frame.size(); ++length) CHECK_FALSE(decode(frame.substr(0, length)));
    CHECK_FALSE(decode(frame + '\0'));
    CHECK_FALSE(decode(frame + frame));
  }
}

TEST_CASE("a field of another type is refused") {
  for (const char* wrong : {"c0", "c3", "a161", "cb3ff0000000000000", "90", "c40100"}) {
    INFO(wrong);
    CHECK_FALSE(decode(unhex(std::string("92 0a") + wrong)));
    CHECK_FALSE(decode(unhex(std::string("93 08 01") + wrong)));
    CHECK_FALSE(decode(unhex(std::string("96 03 01 02 03 04") + wrong)));
  }
  CHECK_FALSE(decode(unhex("9b 01 01 01 a468657264 a448696c6c 01 01 01 00 01 00")));  // the answer is not a boolean
  CHECK_FALSE(decode(unhex("9b 01 01 01 07 a448696c6c 01 01 01 00 c3 00")));          // the herd is not a text
}

TEST_CASE("a header must be an array that begins with a number") {
  for (const char* bytes : {"", "00", "c0", "a161", "80", "90", "91 a161", "91 ff", "91 c0", "c1", "81 01 02"}) {
    INFO(bytes);
    CHECK_FALSE(decode(unhex(bytes)));
  }
}

TEST_CASE("a message of an unknown type is not an error") {
  for (const char* bytes : {"91 00", "91 0c", "92 0c 01", "93 0d 90 80", "91 cfffffffffffffffff"}) {
    INFO(bytes);
    const auto received = decode(unhex(bytes));
    REQUIRE(received);
    CHECK(std::holds_alternative<UnknownMessage>(*received));
  }
  CHECK(std::get<UnknownMessage>(*decode(unhex("91 0c"))).type == 12);
  CHECK(encode(UnknownMessage{12}).empty());
}

TEST_CASE("a batch that ends before it begins is refused, an empty range is not") {
  CHECK(decode(encode(Batch{{1, 2}, 3, 5, 5, 0, 0})));
  CHECK_FALSE(decode(encode(Batch{{1, 2}, 3, 5, 4, 0, 0})));
  CHECK_FALSE(decode(encode(Batch{{1, 2}, 3, kMost, 0, 0, 0})));
}

TEST_CASE("a WELCOME with a cursor above 0 must name a run") {
  CHECK(comes_back(Welcome{{1, 2}, 3, 0, 5, 0, 0}));
  CHECK(comes_back(Welcome{{1, 2}, 3, 1, 5, 6, 0}));
  CHECK_FALSE(decode(encode(Welcome{{1, 2}, 3, 1, 5, 0, 0})));
}

TEST_CASE("a pull names 1 to 512 buckets, all in range") {
  Pull pull{{1, 2}, 3, 0, {}};
  CHECK_FALSE(decode(encode(pull)));
  pull.buckets = {0, kBuckets - 1};
  CHECK(comes_back(pull));
  pull.buckets = {0, kBuckets};
  CHECK_FALSE(decode(encode(pull)));
  pull.buckets.assign(kMaxPulledBuckets, 7);
  CHECK(comes_back(pull));
  pull.buckets.push_back(7);
  CHECK_FALSE(decode(encode(pull)));
  CHECK_FALSE(decode(unhex("96 06 05 06 02 00 07")));          // not an array
  CHECK_FALSE(decode(unhex("96 06 05 06 02 00 92 00 a161")));  // an element that is not a number
}

TEST_CASE("a short header can neither request gigabytes nor nest without a limit") {
  for (const char* bomb : {"ddffffffff", "dfffffffff", "dbffffffff", "c6ffffffff", "c9ffffffff01", "dcffff",
                           "92 0a ddffffffff", "92 0a dbffffffff", "9b 01 01 01 dbffffffff"}) {
    INFO(bomb);
    CHECK_FALSE(decode(unhex(bomb)));
  }
  CHECK_FALSE(decode(std::string(100'000, static_cast<char>(0x91))));
  CHECK_FALSE(decode(unhex("92 0a") + std::string(100'000, static_cast<char>(0x91))));
  CHECK_FALSE(decode(unhex("92 0a") + std::string(100'000, static_cast<char>(0x81))));
}

TEST_CASE("names are 1 to 63 letters, digits, underscores and hyphens, also in messages") {
  const std::string longest(kMaxNameBytes, 'n');
  CHECK(is_name("a"));
  CHECK(is_name("Az09_-"));
  CHECK(is_name(longest));
  for (const std::string& wrong : {std::string(), longest + "n", std::string("a b"), std::string("a.b"),
                                   std::string("caf\xc3\xa9"), std::string("a\0", 2), std::string("\n")}) {
    INFO(hex(wrong));
    CHECK_FALSE(is_name(wrong));
    Hello hello = sample_hello();
    hello.node = wrong;
    CHECK_FALSE(decode(encode(hello)));
    hello = sample_hello();
    hello.herd = wrong;
    CHECK_FALSE(decode(encode(hello)));
  }
  Hello hello = sample_hello();
  hello.node = hello.herd = longest;
  CHECK(comes_back(hello));
}

TEST_CASE("an address has at most 272 printable bytes without blanks and quotes, else it is read as empty") {
  const std::string longest(kMaxAddressBytes, 'a');
  for (const std::string& good : {std::string(), std::string("tcp://[::1]:12240"), std::string("!~"), longest}) {
    CHECK(is_shown_address(good));
    Hello hello = sample_hello();
    hello.address = good;
    CHECK(comes_back(hello));
    CHECK(comes_back(Conflict{{1, 2}, true, 3, good, good}));
  }
  for (const std::string& wrong :
       {longest + "a", std::string("a b"), std::string("a\"b"), std::string("a\\b"), std::string("\x1b[2J"),
        std::string("a\0", 2), std::string("\x7f"), std::string("caf\xc3\xa9")}) {
    INFO(hex(wrong));
    CHECK_FALSE(is_shown_address(wrong));
    Hello hello = sample_hello();
    hello.address = wrong;
    CHECK(std::get<Hello>(*decode(encode(hello))).address.empty());
    const auto received = decode(encode(Conflict{{1, 2}, true, 3, wrong, wrong}));
    CHECK(std::get<Conflict>(*received).other_address.empty());
    CHECK(std::get<Conflict>(*received).other_host.empty());
  }
  CHECK_FALSE(decode(unhex("9c 01 01 01 a468657264 a448696c6c 01 01 01 00 c3 00 07")));  // not a text
}

TEST_CASE("a HELLO of an older version, without an address, is decoded") {
  const auto received = decode(unhex("9b 01 01 01 a468657264 a448696c6c 01 01 01 00 c3 00"));
  REQUIRE(received);
  CHECK(std::get<Hello>(*received).address.empty());
}

TEST_CASE("each message has a name for logs") {
  const std::vector<std::string_view> names{"hello",  "welcome", "batch", "ack", "digest",  "pull",
                                            "answer", "ping",    "pong",  "bye", "conflict"};
  REQUIRE(pinned().size() == names.size());
  for (std::size_t i = 0; i < names.size(); ++i) CHECK(name_of(pinned()[i].message) == names[i]);
  CHECK(name_of(UnknownMessage{}) == "unknown");
}
