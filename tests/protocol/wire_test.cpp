#include "protocol/wire.hpp"

#include <array>
#include <limits>
#include <msgpack.hpp>
#include <random>
#include <string>

#include "protocol/body.hpp"
#include "tests/catch.hpp"
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

TEST_CASE("texts are written as msgpack writes them, and are read back up to 255 bytes") {
  for (const std::size_t size : {0U, 1U, 31U, 32U, 33U, 254U, 255U, 256U, 257U, 65'535U}) {
    INFO(size);
    const std::string text(size, 'x');
    const std::string bytes = written(wire::put_text, std::string_view(text));
    REQUIRE(bytes == packed(text));
    wire::Reader reader(bytes);
    std::string_view back;
    REQUIRE(reader.text(back) == (size <= 255));
    if (size <= 255) REQUIRE(back == text);
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
  CHECK_FALSE(wire::Reader(packed(std::vector<int>(3))).array(4));
  for (const std::uint32_t count : {0U, 15U, 16U, 65'535U, 65'536U}) {
    const std::string bytes = packed(std::vector<int>(count));
    REQUIRE(wire::Reader(bytes).array_head(size));
    CHECK(size == count);
  }
}

// Random bytes of the bodies are changed, so that the fast path fails at every position.
TEST_CASE("the fast path and msgpack's parser decode a body alike") {
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
    Body usual;
    Body any;
    const bool read = decode_body(frame, usual).has_value();
    REQUIRE(read == decode_any_body(frame, any).has_value());
    if (!read) continue;
    REQUIRE(usual.unreadable == any.unreadable);
    REQUIRE(usual.updates.size() == any.updates.size());
    for (std::size_t i = 0; i < any.updates.size(); ++i) {
      const Update& a = usual.updates[i].update;
      const Update& b = any.updates[i].update;
      REQUIRE(usual.updates[i].origin == any.updates[i].origin);
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
