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

// A body of one origin, [Hill, 9], and these updates, of which there are at most 15.
std::string with_updates(std::initializer_list<std::string> updates) {
  std::string frame = unhex("92 91 92 a448696c6c 09");
  frame.push_back(static_cast<char>(0x90 + updates.size()));
  for (const std::string& one : updates) frame.append(unhex(one));
  return frame;
}

const std::string kGood = "97 00 07 00 a16b a42b312d32 a135 00";

}  // namespace

TEST_CASE("the bytes of a body on the wire are these, and no others by accident") {
  Update second = update(300);
  second.id.run = 10;
  second.epoch = 2;
  CHECK(hex(body_of({update(), second})) == hex(unhex("92"
                                                      "92 92 a448696c6c 09 92 a448696c6c 0a"
                                                      "92 97 00 01 00 a46b697769 a42b312d32 a3352e35 fd"
                                                      "   97 01 cd012c 02 a46b697769 a42b312d32 a3352e35 fd")));
  CHECK(hex(BodyEncoder{}.finish()) == "929090");
}

TEST_CASE("updates come back as they were sent, also at the ends of their numbers' ranges") {
  std::vector<Update> said{update(), update(), update(), update()};
  said[1].id = {"Smith", std::numeric_limits<std::uint64_t>::max(), std::numeric_limits<std::uint64_t>::max()};
  said[1].epoch = std::numeric_limits<std::uint32_t>::max();
  said[1].difference = Nanoseconds::min();
  said[2].id.run = 0;
  said[2].difference = Nanoseconds::max();
  said[3].client = "\xff\xfe\x80";  // not UTF-8
  said[3].coordinates = "";
  const std::string frame = body_of(said);
  Body received;
  REQUIRE(decode_body(frame, received));
  REQUIRE(received.updates.size() == said.size());
  for (std::size_t i = 0; i < said.size(); ++i) CHECK(same(received.updates[i].update, said[i]));
  CHECK(received.unreadable == 0);
  CHECK(received.origins.size() == 3);
  CHECK(received.updates[0].origin == received.updates[3].origin);
}

TEST_CASE("a body decoded into one that was used holds nothing of the former") {
  Body received;
  REQUIRE(decode_body(with_updates({kGood, "c0"}), received));
  CHECK(received.unreadable == 1);
  REQUIRE(decode_body(BodyEncoder{}.finish(), received));
  CHECK(received.origins.empty());
  CHECK(received.updates.empty());
  CHECK(received.unreadable == 0);
}

TEST_CASE("an encoder that has finished begins anew") {
  BodyEncoder encoder;
  REQUIRE(encoder.add(update()));
  CHECK(encoder.size() == 1);
  const std::string first = encoder.finish();
  CHECK(encoder.size() == 0);
  REQUIRE(encoder.add(update()));
  CHECK(encoder.finish() == first);
  CHECK(hex(encoder.finish()) == "929090");
}

TEST_CASE("an entry of a wrong shape is passed over and counted, and the others are used") {
  const std::string wrong[] = {
      "00",                                                   // no array
      "c0",                                                   // ... either
      "a3616263",                                             // ... nor this
      "80",                                                   // nor an empty map
      "81 01 97 00 07 00 a16b a42b312d32 a135 00",            // nor one that holds an update
      "90",                                                   // nothing in it
      "96 00 07 00 a16b a42b312d32 a135",                     // too short
      "97 01 07 00 a16b a42b312d32 a135 00",                  // an origin that is not there
      "97 ff 07 00 a16b a42b312d32 a135 00",                  // ... or could not be
      "97 cfffffffffffffffff 07 00 a16b a0 a0 00",            // ... or could overflow
      "97 00 ff 00 a16b a42b312d32 a135 00",                  // a change number of -1
      "97 00 07 ff a16b a42b312d32 a135 00",                  // an epoch of -1
      "97 00 07 cf0000000100000000 a16b a0 a0 00",            // an epoch of 2^32
      "97 00 07 00 07 a42b312d32 a135 00",                    // a client that is no text
      "97 00 07 00 c4016b a42b312d32 a135 00",                // ... but bytes
      "97 00 07 00 91a16b a42b312d32 a135 00",                // ... but an array of one
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

TEST_CASE("an update with more fields than expected is read, whatever stands in the new ones") {
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

TEST_CASE("one update with an endless text does not take the others with it") {
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

TEST_CASE("a grown field may be as long as the frame") {
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

TEST_CASE("updates of an origin that cannot be read are unreadable, those of the others are not") {
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

TEST_CASE("a frame that is no body is refused") {
  for (const char* frame : {"", "c0", "05", "a161", "80", "90", "91 90", "92 90", "92 90 90 00", "92 90 05", "92 05 90",
                            "92 80 90", "92 90 80", "82 90 90 90 90", "c1", "92 90 91"}) {
    INFO(frame);
    CHECK_FALSE(is_body(unhex(frame)));
  }
  CHECK(is_body(unhex("92 90 90")));
  CHECK(is_body(unhex("93 90 90 05")));                 // room to grow
  CHECK(is_body(unhex("94 90 90 91 93 01 02 03 80")));  // ... of any shape
}

TEST_CASE("a body cut anywhere is refused") {
  const std::string whole = body_of({update(1), update(2)});
  for (std::size_t length = 0; length < whole.size(); ++length) CHECK_FALSE(is_body(whole.substr(0, length)));
  CHECK_FALSE(is_body(whole + '\0'));
}

TEST_CASE("a few bytes cannot make a body ask for gigabytes, nor nest without end") {
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

TEST_CASE("a body never exceeds its bound, whatever is added") {
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
      CHECK(added * kMaxUpdateBytes >= kMaxBatchBytes / 2);  // it does not stop far too early either
      const std::string frame = encoder.finish();
      CHECK(frame.size() <= kMaxBatchBytes);
      Body received;
      REQUIRE(decode_body(frame, received));
      CHECK(received.updates.size() == added);
      CHECK(received.unreadable == 0);
    }
  }
}

TEST_CASE("an update with the longest texts fits its bound, with an origin of its own") {
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
