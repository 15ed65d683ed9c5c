// Packed records unpack to the same fields and texts.
#include "bus/store/packed_record.hpp"

#include <random>
#include <string>

#include "protocol/time_text.hpp"
#include "tests/bus/sample_update.hpp"
#include "tests/catch.hpp"

using namespace herd::bus;
using herd::protocol::Nanoseconds;

namespace {

struct Texts {
  std::string coordinates = "+34.068930-118.445127";
  std::string time = "1520023934.918963997";
};

RecordFields sample_fields() {
  return {1000, 2000, Nanoseconds{1'520'023'934'918'963'997}, -5s, 0, 3};
}

// Packs and unpacks; fails if a field or text differs. Returns the size of the body.
std::size_t check_round_trip(const RecordFields& fields, const Texts& texts) {
  RecordHead head;
  RecordBody body;
  pack_record(fields, texts.coordinates, texts.time, head, body);
  REQUIRE(body.size <= RecordBody::kMaxBytes);
  std::fill(body.bytes.begin() + static_cast<std::ptrdiff_t>(body.size), body.bytes.end(), '\xa5');
  CoordinatesText coordinates;
  TimeText time;
  const RecordFields back = unpack_record(head, body.bytes.data(), coordinates, time);
  REQUIRE(back.number == fields.number);
  REQUIRE(back.origin_number == fields.origin_number);
  REQUIRE(back.time == fields.time);
  REQUIRE(back.difference == fields.difference);
  REQUIRE(back.epoch == fields.epoch);
  REQUIRE(back.origin == fields.origin);
  REQUIRE(coordinates == texts.coordinates);
  REQUIRE(time == texts.time);
  REQUIRE(packed_number(head, body.bytes.data()) == fields.number);
  return body.size;
}

}  // namespace

TEST_CASE("the size of a body depends on the size of its numbers") {
  RecordFields fields = sample_fields();
  CHECK(check_round_trip(fields, {}) == 4 + 4 + 5 + 8 + 11);
  fields.origin_number = fields.number;
  CHECK(check_round_trip(fields, {}) == 4 + 0 + 5 + 8 + 11);
  fields.number = fields.origin_number = std::uint64_t{1} << 40U;  // as in a node's second run
  CHECK(check_round_trip(fields, {}) == 6 + 0 + 5 + 8 + 11);
  fields.epoch = 1;
  CHECK(check_round_trip(fields, {}) == 6 + 0 + 5 + 4 + 8 + 11);
  CHECK(check_round_trip(fields, {"+34.0689-118.4451", "1520023934.918963997"}) == 6 + 0 + 5 + 4 + 8 + 9);
  CHECK(check_round_trip(fields, {"+34.068930-118.445127/", "1520023934.918963997"}) == 6 + 0 + 5 + 4 + 8 + 11);
}

TEST_CASE("coordinates of every length are restored: packed up to 63 characters, unpacked if longer") {
  const std::size_t numbers = 4 + 4 + 5 + 8;
  for (std::size_t size = 0; size <= herd::protocol::kMaxCoordinatesBytes; ++size) {
    INFO(size);
    std::string text;
    while (text.size() < size) text += "+1.9-07/"[text.size() % 8];
    const std::string time = "1520023934.918963997";
    CHECK(check_round_trip(sample_fields(), {text, time}) ==
          numbers + (size <= 63 ? (size + 1) / 2 : 4 + 1 + 1 + size + time.size()));
  }
}

TEST_CASE("the point of a body is that of its coordinates, whether they are packed or not") {
  RecordHead head;
  RecordBody body;
  const auto point = [&](std::string_view coordinates, OriginIndex origin) {
    RecordFields fields = sample_fields();
    fields.origin = origin;
    pack_record(fields, coordinates, "1520023934.918963997", head, body);
    return packed_point(head, body.bytes.data());
  };
  for (const OriginIndex origin : {OriginIndex{0}, OriginIndex{65'536}}) {
    CHECK(point("", origin) == std::nullopt);
    for (std::size_t digits = 1; digits <= herd::protocol::kMaxFractionDigits; ++digits) {
      const std::string text = "-34." + std::string(digits, '8') + "+018." + std::string(digits, '5') + "/";
      CHECK(point(text, origin) == herd::protocol::point_of(text));
    }
  }
}

TEST_CASE("numbers on both sides of every bound are restored") {
  std::vector<std::uint64_t> numbers{1, 0xff, UINT64_MAX, UINT64_MAX - 1};
  for (const unsigned bits : {31U, 32U, 39U, 40U, 47U, 48U, 63U}) {
    const std::uint64_t bound = std::uint64_t{1} << bits;
    numbers.insert(numbers.end(), {bound - 1, bound, bound + 1});
  }
  for (const std::uint64_t number : numbers) {
    for (const std::uint64_t other : numbers) {
      RecordFields fields = sample_fields();
      fields.number = number;
      fields.origin_number = other;
      fields.difference = Nanoseconds{static_cast<std::int64_t>(other)};
      (void)check_round_trip(fields, {});
      fields.difference = Nanoseconds{static_cast<std::int64_t>(0 - other)};
      (void)check_round_trip(fields, {});
    }
  }
}

TEST_CASE("epochs and origins on both sides of every bound are restored") {
  for (const std::uint32_t value : {0U, 1U, 0xffU, 0x100U, 0xffffU, 0x10000U, UINT32_MAX}) {
    RecordFields fields = sample_fields();
    fields.epoch = value;
    (void)check_round_trip(fields, {});
    fields.origin = value;
    (void)check_round_trip(fields, {});
  }
}

TEST_CASE("texts with other characters, the longest texts and the greatest numbers are restored") {
  (void)check_round_trip(sample_fields(), {"", ""});
  (void)check_round_trip(sample_fields(), {std::string(herd::protocol::kMaxCoordinatesBytes, '1'),
                                           std::string(herd::protocol::kMaxTimeBytes, '\xff')});
  RecordFields fields = sample_fields();
  fields.time = Nanoseconds::min();
  fields.number = fields.origin_number = UINT64_MAX;
  fields.difference = Nanoseconds::min();
  fields.epoch = UINT32_MAX;
  (void)check_round_trip(fields, {"", std::string(herd::protocol::kMaxTimeBytes, '9')});
  fields.origin = UINT32_MAX;
  fields.origin_number = UINT64_MAX - 1;
  CHECK(check_round_trip(fields, {std::string(herd::protocol::kMaxCoordinatesBytes, '/'),
                                  std::string(herd::protocol::kMaxTimeBytes, '9')}) == RecordBody::kMaxBytes);
}

TEST_CASE("random records are restored") {
  std::mt19937_64 random(1);
  const auto number = [&] { return random() >> random() % 64; };
  for (int i = 0; i < 100'000; ++i) {
    Texts texts;
    texts.time = std::to_string(number() % 9'223'372'036) + "." + std::to_string(1 + number() % 999'999'999);
    texts.coordinates = "+" + std::to_string(random() % 90) + "." + std::to_string(number() % 1'000'000'000) +
                        std::string(random() % 40, '7') + "-" + std::to_string(random() % 180) +
                        (random() % 4 == 0 ? "/" : "");
    RecordFields fields;
    fields.number = 1 + number() / 2;
    fields.origin_number = 1 + number() / 2;
    fields.time = *herd::protocol::parse_time(texts.time);
    fields.difference = Nanoseconds{static_cast<std::int64_t>(number())};
    fields.epoch = random() % 4 == 0 ? static_cast<std::uint32_t>(number()) : 0;
    fields.origin = static_cast<OriginIndex>(random() % 100);
    (void)check_round_trip(fields, texts);
  }
}
