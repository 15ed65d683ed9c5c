#include "protocol/wire.hpp"

#include <array>
#include <limits>
#include <msgpack.hpp>
#include <random>
#include <string>

#include "protocol/body.hpp"
#include "tests/catch.hpp"
#include "tests/protocol/body_by_library.hpp"
#include "tests/protocol/hex.hpp"

using namespace herd::protocol;

namespace {

template <typename Value>
std::string packed(const Value& value) {
  msgpack::sbuffer buffer;
  msgpack::pack(buffer, value);
  return {buffer.data(), buffer.size()};
}

template <typename Put, typename Value>
std::string written(Put put, const Value& value) {
  std::array<char, 70'000> bytes;
  return {bytes.data(), static_cast<std::size_t>(put(bytes.data(), value) - bytes.data())};
}

// Calls it with numbers around every power of two, of either sign.
template <typename Checksum>
void for_each_edge(Checksum check) {
  for (unsigned bit = 0; bit < 64; ++bit) {
    const std::uint64_t power = std::uint64_t{1} << bit;
    for (const std::uint64_t value : {power - 2, power - 1, power, power + 1, 0 - power, 1 - power, ~power})
      check(value);
  }
}

}  // namespace

TEST_CASE("numbers are written as msgpack writes them, and are read back") {
  for_each_edge([](std::uint64_t value) {
    INFO(value);
    const std::string bytes = written(wire::put_unsigned, value);
    REQUIRE(hex(bytes) == hex(packed(value)));
    wire::Reader reader(bytes);
    std::uint64_t back = 0;
    REQUIRE(reader.unsigned_number(back));
    REQUIRE(back == value);
    REQUIRE(reader.at_end());
  });
  for_each_edge([](std::uint64_t bits) {
    const auto value = static_cast<std::int64_t>(bits);
    INFO(value);
    const std::string bytes = written(wire::put_signed, value);
    REQUIRE(hex(bytes) == hex(packed(value)));
    wire::Reader reader(bytes);
    std::int64_t back = 0;
    REQUIRE(reader.signed_number(back));
    REQUIRE(back == value);
    REQUIRE(reader.at_end());
  });
}

TEST_CASE("texts are written as msgpack writes them, and are read back") {
  for (const std::size_t size : {0U, 1U, 31U, 32U, 33U, 254U, 255U, 256U, 257U, 65'535U}) {
    INFO(size);
    const std::string text(size, 'x');
    const std::string bytes = written(wire::put_text, std::string_view(text));
    REQUIRE(bytes == packed(text));
    wire::Reader reader(bytes);
    std::string_view back;
    REQUIRE(reader.text(back));
    REQUIRE(back == text);
    REQUIRE(reader.at_end());
  }
}

TEST_CASE("heads of arrays are written as msgpack writes them") {
  for (const std::uint32_t size : {0U, 7U, 15U, 16U, 65'535U, 65'536U}) {
    INFO(size);
    const std::string bytes = written(wire::put_array_head, size);
    CHECK(bytes == packed(std::vector<int>(size)).substr(0, bytes.size()));
  }
}

TEST_CASE("each form of a number or a text is read, not only the shortest") {
  std::uint64_t number = 0;
  for (const char* form : {"05", "cc05", "cd0005", "ce00000005", "cf0000000000000005", "d005", "d10005", "d200000005",
                           "d30000000000000005"}) {
    INFO(form);
    const std::string bytes = unhex(form);
    REQUIRE(wire::Reader(bytes).unsigned_number(number));
    CHECK(number == 5);
    std::int64_t with_sign = 0;
    REQUIRE(wire::Reader(bytes).signed_number(with_sign));
    CHECK(with_sign == 5);
  }
  for (const char* form : {"fb", "d0fb", "d1fffb", "d2fffffffb", "d3fffffffffffffffb"}) {
    INFO(form);
    const std::string bytes = unhex(form);
    CHECK_FALSE(wire::Reader(bytes).unsigned_number(number));
    std::int64_t with_sign = 0;
    REQUIRE(wire::Reader(bytes).signed_number(with_sign));
    CHECK(with_sign == -5);
  }
  for (const char* form : {"a16b", "d9016b", "da00016b", "db000000016b"}) {
    INFO(form);
    const std::string bytes = unhex(form);
    std::string_view text;
    REQUIRE(wire::Reader(bytes).text(text));
    CHECK(text == "k");
  }
}

TEST_CASE("a value of any form is skipped as a whole, and one that is cut off is not") {
  for (const char* form : {"05",
                           "fb",
                           "c0",
                           "c2",
                           "c3",
                           "c40100",
                           "c5000100",
                           "c60000000100",
                           "c7010000",
                           "c800010000",
                           "c90000000100ff",
                           "ca3f800000",
                           "cb3ff0000000000000",
                           "cc05",
                           "cd0005",
                           "ce00000005",
                           "cf0000000000000005",
                           "d005",
                           "d10005",
                           "d200000005",
                           "d30000000000000005",
                           "d40001",
                           "d5000102",
                           "d60001020304",
                           "d7000102030405060708",
                           "d8000102030405060708090a0b0c0d0e0f10",
                           "a0",
                           "a16b",
                           "d9016b",
                           "da00016b",
                           "db000000016b",
                           "90",
                           "920102",
                           "dc000105",
                           "dd0000000105",
                           "80",
                           "8101a0",
                           "de000101a0",
                           "df0000000101a0",
                           "9291c08205c06191c0"}) {
    INFO(form);
    const std::string bytes = unhex(form);
    wire::Reader reader(bytes);
    CHECK(reader.skip(wire::Reader::kMostLevels));
    CHECK(reader.at_end());
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      CHECK_FALSE(wire::Reader(std::string_view(bytes).substr(0, size)).skip(wire::Reader::kMostLevels));
    }
  }
  CHECK_FALSE(wire::Reader("\xc1").skip(wire::Reader::kMostLevels));
}

TEST_CASE("a value with more levels than allowed is not skipped") {
  for (std::size_t levels = 0; levels <= wire::Reader::kMostLevels; ++levels) {
    const std::string as_deep = std::string(levels, '\x91') + "\x05";
    CHECK(wire::Reader(as_deep).skip(levels));
    CHECK_FALSE(wire::Reader('\x91' + as_deep).skip(levels));
    CHECK_FALSE(wire::Reader(std::string(levels, '\x91') + "\x80").skip(levels));
  }
}

TEST_CASE("a value that is cut off or of another type is not read") {
  for (const std::string& encoded : {packed(std::uint64_t{1} << 40U), packed(-1000), packed(std::string(40, 'x')),
                                     packed(std::string("kiwi")), packed(std::vector<int>(20))}) {
    for (std::size_t size = 0; size < encoded.size(); ++size) {
      const std::string_view cut = std::string_view(encoded).substr(0, size);
      INFO(hex(cut));
      std::uint64_t number = 0;
      std::int64_t with_sign = 0;
      std::string_view text;
      CHECK_FALSE(wire::Reader(cut).unsigned_number(number));
      CHECK_FALSE(wire::Reader(cut).signed_number(with_sign));
      CHECK_FALSE(wire::Reader(cut).text(text));
    }
  }
  std::uint64_t number = 0;
  std::int64_t with_sign = 0;
  std::uint32_t size = 0;
  CHECK_FALSE(wire::Reader(packed(-1)).unsigned_number(number));
  CHECK_FALSE(wire::Reader(packed(std::uint64_t{1} << 63U)).signed_number(with_sign));
  CHECK_FALSE(wire::Reader(packed(1)).array_head(size));
  for (const std::uint32_t count : {0U, 15U, 16U, 65'535U, 65'536U}) {
    const std::string bytes = packed(std::vector<int>(count));
    REQUIRE(wire::Reader(bytes).array_head(size));
    CHECK(size == count);
  }
}

// Random bytes of the bodies are changed, so that reading fails at every position.
TEST_CASE("a body means the same to decode_body() and to msgpack-c") {
  std::mt19937_64 random(1);
  for (int round = 0; round < 20'000; ++round) {
    BodyEncoder encoder;
    std::array<std::string, 3> clients;
    for (std::string& client : clients) {
      client.assign(1 + random() % 60, 'c');
      Update update;
      update.id = {random() % 2 == 0 ? "Hill" : "Smith", random() >> random() % 64, random() >> random() % 64};
      update.epoch = static_cast<std::uint32_t>(random() >> random() % 64);
      update.client = client;
      update.coordinates = "+34.068930-118.445127";
      update.time_text = "1520023934.918963997";
      update.difference = Nanoseconds{static_cast<std::int64_t>(random()) >> random() % 64};
      REQUIRE(encoder.add(update));
    }
    std::string frame = encoder.finish();
    if (round % 4 != 0) frame[random() % frame.size()] = static_cast<char>(random());
    Body body;
    Body expected;
    const bool read = decode_body(frame, body).has_value();
    REQUIRE(read == by_library::decode_body(frame, expected));
    if (!read) continue;
    REQUIRE(body.unreadable == expected.unreadable);
    REQUIRE(body.updates.size() == expected.updates.size());
    for (std::size_t i = 0; i < expected.updates.size(); ++i) {
      const Update& a = body.updates[i].update;
      const Update& b = expected.updates[i].update;
      REQUIRE(body.updates[i].origin == expected.updates[i].origin);
      REQUIRE(a.id.origin == b.id.origin);
      REQUIRE(a.id.run == b.id.run);
      REQUIRE(a.id.number == b.id.number);
      REQUIRE(a.epoch == b.epoch);
      REQUIRE(a.client == b.client);
      REQUIRE(a.coordinates == b.coordinates);
      REQUIRE(a.time_text == b.time_text);
      REQUIRE(a.difference == b.difference);
    }
  }
}
