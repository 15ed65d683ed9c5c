#include "protocol/body.hpp"

#include <algorithm>
#include <initializer_list>
#include <limits>
#include <vector>

#include "protocol/limits.hpp"
#include "tests/catch.hpp"
#include "tests/protocol/hex.hpp"

using namespace herd::protocol;

namespace {

Update update(std::uint64_t number = 1) {
  Update update;
  update.id = {"Hill", 9, number};
  update.client = "kiwi";
  update.coordinates = "+1-2";
  update.time_text = "5.5";
  update.difference = Nanoseconds{-3};
  return update;
}

std::string body_of(const std::vector<Update>& updates) {
  BodyEncoder encoder;
  for (const Update& one : updates) REQUIRE(encoder.add(one));
  return encoder.finish();
}

bool same(const Update& a, const Update& b) {
  return a.id.origin == b.id.origin && a.id.run == b.id.run && a.id.number == b.id.number && a.epoch == b.epoch &&
         a.client == b.client && a.coordinates == b.coordinates && a.time_text == b.time_text &&
         a.difference == b.difference;
}

bool is_body(std::string_view frame) {
  Body body;
  return decode_body(frame, body).has_value();
}

// A body with one origin, [Hill, 9], and the given updates, at most 15.
std::string with_updates(std::initializer_list<std::string> updates) {
  std::string frame = unhex("92 91 92 a448696c6c 09");
  frame.push_back(static_cast<char>(0x90 + updates.size()));
  for (const std::string& one : updates) frame.append(unhex(one));
  return frame;
}

const std::string kGood = "97 00 07 00 a16b a42b312d32 a135 00";

}  // namespace

TEST_CASE("the encoding of a body has exactly these bytes") {
  Update second = update(300);
  second.id.run = 10;
  second.epoch = 2;
  CHECK(hex(body_of({update(), second})) == hex(unhex("92"
                                                      "92 92 a448696c6c 09 92 a448696c6c 0a"
                                                      "92 97 00 01 00 a46b697769 a42b312d32 a3352e35 fd"
                                                      "   97 01 cd012c 02 a46b697769 a42b312d32 a3352e35 fd")));
  CHECK(hex(BodyEncoder{}.finish()) == "929090");
}

TEST_CASE("updates are decoded as they were encoded, also with the least and greatest numbers") {
  std::vector<Update> sent{update(), update(), update(), update()};
  sent[1].id = {"Smith", std::numeric_limits<std::uint64_t>::max(), std::numeric_limits<std::uint64_t>::max()};
  sent[1].epoch = std::numeric_limits<std::uint32_t>::max();
  sent[1].difference = Nanoseconds::min();
  sent[2].id.run = 0;
  sent[2].difference = Nanoseconds::max();
  sent[3].client = "\xff\xfe\x80";  // not UTF-8
  sent[3].coordinates = "";
  const std::string frame = body_of(sent);
  Body received;
  REQUIRE(decode_body(frame, received));
  REQUIRE(received.updates.size() == sent.size());
  for (std::size_t i = 0; i < sent.size(); ++i) CHECK(same(received.updates[i].update, sent[i]));
  CHECK(received.unreadable == 0);
  CHECK(received.origins.size() == 3);
  CHECK(received.updates[0].origin == received.updates[3].origin);
}

TEST_CASE("decoding into a used Body leaves nothing of its former content") {
  Body received;
  REQUIRE(decode_body(with_updates({kGood, "c0"}), received));
  CHECK(received.unreadable == 1);
  REQUIRE(decode_body(BodyEncoder{}.finish(), received));
  CHECK(received.origins.empty());
  CHECK(received.updates.empty());
  CHECK(received.unreadable == 0);
}

TEST_CASE("an encoder can be reused after finish()") {
  BodyEncoder encoder;
  REQUIRE(encoder.add(update()));
  CHECK(encoder.size() == 1);
  const std::string first = encoder.finish();
  CHECK(encoder.size() == 0);
  REQUIRE(encoder.add(update()));
  CHECK(encoder.finish() == first);
  CHECK(hex(encoder.finish()) == "929090");
}

TEST_CASE("an update of a wrong shape is skipped and counted, and the others are used") {
  const std::string wrong[] = {
      "00",                                                   // not an array
      "c0",                                                   // nil
      "a3616263",                                             // a text
      "80",                                                   // an empty map
      "81 01 97 00 07 00 a16b a42b312d32 a135 00",            // a map that contains an update
      "90",                                                   // an empty array
      "96 00 07 00 a16b a42b312d32 a135",                     // six fields
      "97 01 07 00 a16b a42b312d32 a135 00",                  // an origin index out of range
      "97 ff 07 00 a16b a42b312d32 a135 00",                  // an origin index of -1
      "97 cfffffffffffffffff 07 00 a16b a0 a0 00",            // an origin index of 2^64-1
      "97 00 ff 00 a16b a42b312d32 a135 00",                  // a change number of -1
      "97 00 07 ff a16b a42b312d32 a135 00",                  // an epoch of -1
      "97 00 07 cf0000000100000000 a16b a0 a0 00",            // an epoch of 2^32
      "97 00 07 00 07 a42b312d32 a135 00",                    // a client that is a number
      "97 00 07 00 c4016b a42b312d32 a135 00",                // a client of type bin
      "97 00 07 00 91a16b a42b312d32 a135 00",                // a client in an array
      "97 00 07 00 a16b c0 a135 00",                          // no coordinates
      "97 00 07 00 a16b a42b312d32 05 00",                    // a time that is a number
      "97 00 07 00 a16b a42b312d32 a135 a130",                // a difference that is a text
      "97 00 07 00 a16b a42b312d32 a135 cf8000000000000000",  // a difference of 2^63
      "97 00 07 00 a16b a42b312d32 a135 ca3f800000",          // a difference of 1.0
  };
  for (const std::string& entry : wrong) {
    INFO(entry);
    const std::string frame = with_updates({kGood, entry, kGood});
    Body received;
    REQUIRE(decode_body(frame, received));
    CHECK(received.unreadable == 1);
    REQUIRE(received.updates.size() == 2);
    CHECK(received.updates[0].update.client == "k");
    CHECK(received.updates[1].update.id.number == 7);
    CHECK(received.updates[1].update.id.origin == "Hill");
  }
}

TEST_CASE("an update with more fields than expected is read, whatever the new fields contain") {
  const std::string grown[] = {"00",
                               "c0",
                               "c2",
                               "80",
                               "93 01 92 02 03 a0",
                               "82 01 91 02 a161 c0",
                               "c40100",
                               "ca3f800000",
                               "a161",
                               "91 91 91 91 91 05"};
  for (const std::string& field : grown) {
    INFO(field);
    const std::string frame = with_updates({"98 00 07 00 a16b a42b312d32 a135 00 " + field, kGood});
    Body received;
    REQUIRE(decode_body(frame, received));
    CHECK(received.unreadable == 0);
    CHECK(received.updates.size() == 2);
  }
}

TEST_CASE("an update with a text that is too long does not affect the others") {
  for (const std::size_t length : {std::size_t{1024}, std::size_t{1025}, std::size_t{60'000}}) {
    Update endless = update();
    const std::string text(length, 'x');
    endless.client = text;
    const std::string frame = body_of({update(1), endless, update(3)});
    Body received;
    REQUIRE(decode_body(frame, received));
    REQUIRE(received.updates.size() + received.unreadable == 3);
    CHECK(received.updates.front().update.id.number == 1);
    CHECK(received.updates.back().update.id.number == 3);
  }
}

TEST_CASE("a new field may be as long as the frame") {
  const std::string long_text = "da0800" + hex(std::string(2048, 'x'));
  const std::string long_bytes = "c50800" + hex(std::string(2048, 'x'));
  const std::string long_array = "dc0800" + hex(std::string(2048, '\1'));
  for (const std::string& field : {long_text, long_bytes, long_array}) {
    const std::string frame = with_updates({"98 00 07 00 a16b a42b312d32 a135 00 " + field, kGood});
    Body received;
    REQUIRE(decode_body(frame, received));
    CHECK(received.updates.size() == 2);
  }
}

TEST_CASE("updates of an unreadable origin are unreadable, those of other origins are not") {
  for (const char* origin :
       {"92 a0 09", "92 a3612062 09", "92 a448696c6c ff", "92 09 09", "91 a448696c6c", "05", "80"}) {
    INFO(origin);
    const std::string frame =
        unhex(std::string("92 92 ") + origin + "92 a448696c6c 09 92 " + kGood + "97 01 07 00 a16b a42b312d32 a135 00");
    Body received;
    REQUIRE(decode_body(frame, received));
    CHECK(received.unreadable == 1);
    REQUIRE(received.updates.size() == 1);
    CHECK(received.updates[0].update.id.origin == "Hill");
  }
}

TEST_CASE("a frame that is not a body is refused") {
  for (const char* frame : {"", "c0", "05", "a161", "80", "90", "91 90", "92 90", "92 90 90 00", "92 90 05", "92 05 90",
                            "92 80 90", "92 90 80", "82 90 90 90 90", "c1", "92 90 91"}) {
    INFO(frame);
    CHECK_FALSE(is_body(unhex(frame)));
  }
  CHECK(is_body(unhex("92 90 90")));
  CHECK(is_body(unhex("93 90 90 05")));                 // a new element
  CHECK(is_body(unhex("94 90 90 91 93 01 02 03 80")));  // new elements of any shape
}

TEST_CASE("a body that is cut at any byte, or has trailing bytes, is refused") {
  const std::string frame = body_of({update(1), update(2)});
  for (std::size_t length = 0; length < frame.size(); ++length) CHECK_FALSE(is_body(frame.substr(0, length)));
  CHECK_FALSE(is_body(frame + '\0'));
}

TEST_CASE("a short frame can neither request gigabytes nor nest without a limit") {
  for (const char* bomb : {"ddffffffff", "92 ddffffffff", "92 90 ddffffffff", "92 90 91 ddffffffff", "92 dfffffffff",
                           "92 90 91 dbffffffff", "92 90 91 c6ffffffff", "92 90 91 c9ffffffff01"}) {
    INFO(bomb);
    CHECK_FALSE(is_body(unhex(bomb)));
  }
  for (const int nest : {0x91, 0x81}) {
    CHECK_FALSE(is_body(std::string(100'000, static_cast<char>(nest))));
    CHECK_FALSE(is_body(unhex("92 90 91") + std::string(100'000, static_cast<char>(nest))));
  }
}

TEST_CASE("a body never exceeds its bound, whatever updates are added") {
  const std::string name(kMaxNameBytes, 'n');
  const std::string client(kMaxClientBytes, 'c');
  const std::string coordinates(kMaxCoordinatesBytes, '1');
  const std::string time(kMaxTimeBytes, '1');
  for (const bool new_origins : {false, true}) {
    for (const std::size_t client_bytes : {std::size_t{1}, std::size_t{100}, kMaxClientBytes}) {
      BodyEncoder encoder;
      Update longest;
      longest.id = {name, std::numeric_limits<std::uint64_t>::max(), std::numeric_limits<std::uint64_t>::max()};
      longest.epoch = std::numeric_limits<std::uint32_t>::max();
      longest.client = std::string_view(client).substr(0, client_bytes);
      longest.coordinates = coordinates;
      longest.time_text = time;
      longest.difference = Nanoseconds::min();
      std::size_t added = 0;
      while (added < 2 * kMaxBatchUpdates && encoder.add(longest)) {
        ++added;
        if (new_origins) --longest.id.run;
      }
      CHECK(encoder.size() == added);
      CHECK(added * kMaxUpdateBytes >= kMaxBatchBytes / 2);  // at least half full
      const std::string frame = encoder.finish();
      CHECK(frame.size() <= kMaxBatchBytes);
      Body received;
      REQUIRE(decode_body(frame, received));
      CHECK(received.updates.size() == added);
      CHECK(received.unreadable == 0);
    }
  }
}

TEST_CASE("an update with the longest texts and its origin are within the bound of an update") {
  const std::string name(kMaxNameBytes, 'n');
  const std::string client(kMaxClientBytes, 'c');
  const std::string coordinates(kMaxCoordinatesBytes, '1');
  const std::string time(kMaxTimeBytes, '1');
  Update longest = update(std::numeric_limits<std::uint64_t>::max());
  longest.id.origin = name;
  longest.id.run = std::numeric_limits<std::uint64_t>::max();
  longest.client = client;
  longest.coordinates = coordinates;
  longest.time_text = time;
  longest.difference = Nanoseconds::min();
  CHECK(body_of({longest}).size() <= kMaxUpdateBytes);
}
