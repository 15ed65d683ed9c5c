// Whatever a client may write as coordinates or time comes back from its packed form byte for byte.
#include "bus/packed_texts.hpp"

#include <random>
#include <string>

#include "protocol/coordinates.hpp"
#include "protocol/time_text.hpp"
#include "tests/catch.hpp"

using namespace herd::bus;
using namespace herd::protocol;

namespace {

std::string coordinates_back(std::string_view text) {
  const auto packed = pack_coordinates(text);
  if (!packed) return "no form";
  // Only the form and so many bytes of each number are kept.
  PackedCoordinates kept = PackedCoordinates::of_form(packed->form & ((1U << PackedCoordinates::kFormBits) - 1));
  const auto low = [](std::uint64_t value, unsigned bytes) { return value & (UINT64_MAX >> (64 - 8 * bytes)); };
  kept.latitude = low(packed->latitude, kept.latitude_bytes());
  kept.longitude = low(packed->longitude, kept.longitude_bytes());
  CoordinatesText back;
  unpack(kept, back);
  return std::string(back.view());
}

std::string time_back(std::string_view text) {
  const auto packed = pack_time(text);
  if (!packed) return "no form";
  PackedTime kept = PackedTime::of_form(packed->form & ((1U << PackedTime::kFormBits) - 1));
  kept.digits = packed->digits & (UINT64_MAX >> (64 - 8 * kept.bytes()));
  TimeText back;
  unpack(kept, back);
  return std::string(back.view());
}

// Any digits, leading and trailing zeros too.
std::string digits(std::mt19937_64& random, std::size_t count) {
  std::string text;
  const std::uint64_t kind = random() % 4;
  while (text.size() < count) text += kind == 0 ? '0' : kind == 1 ? '9' : static_cast<char>('0' + random() % 10);
  return text;
}

std::string decimal(std::mt19937_64& random, std::size_t max_whole, std::size_t max_fraction) {
  std::string text = digits(random, 1 + random() % max_whole);
  if (const std::size_t fraction = random() % (max_fraction + 1); fraction > 0) text += "." + digits(random, fraction);
  return text;
}

std::string sign(std::mt19937_64& random) {
  return random() % 2 == 0 ? "+" : "-";
}

}  // namespace

TEST_CASE("any coordinates that a client may write come back as they were written") {
  std::mt19937_64 random(1);
  int valid = 0;
  for (int i = 0; i < 300'000; ++i) {
    const std::string text =
        sign(random) + decimal(random, 2, kMaxFractionDigits) + sign(random) + decimal(random, 3, kMaxFractionDigits);
    valid += parse_coordinates(text) ? 1 : 0;
    if (coordinates_back(text) != text) FAIL(text);
  }
  CHECK(valid > 50'000);
}

TEST_CASE("coordinates at every bound come back as they were written") {
  for (const char* text : {"+0-0", "-0+0", "+90-180", "-90+180", "+00-000", "+9-9", "+09-009", "+1.0-1.0",
                           "-89.999999999999999-179.999999999999999", "+90.000000000000000+180.000000000000000",
                           "-00.000000000000000-000.000000000000001", "+34.068930-118.445127"}) {
    INFO(text);
    REQUIRE(parse_coordinates(text));
    CHECK(coordinates_back(text) == text);
  }
}

TEST_CASE("any time that a client may write comes back as it was written, and as the same number") {
  std::mt19937_64 random(2);
  int valid = 0;
  for (int i = 0; i < 300'000; ++i) {
    const std::string text = decimal(random, 10, 9);
    if (time_back(text) != text) FAIL(text);
    const auto time = parse_time(text);
    if (!time) continue;
    ++valid;
    if (pack_time(text)->nanoseconds() != time->count()) FAIL(text);
  }
  CHECK(valid > 50'000);
}

TEST_CASE("times at every bound come back as they were written") {
  for (const char* text : {"0", "9", "00", "0000000000", "9223372035", "9223372035.999999999", "0.0", "0.000000000",
                           "0000000000.000000001", "1520023934.918963997", "1520023934.900000000", "1520023934.9"}) {
    INFO(text);
    REQUIRE(parse_time(text));
    CHECK(time_back(text) == text);
    CHECK(pack_time(text)->nanoseconds() == parse_time(text)->count());
  }
}

TEST_CASE("a text that no client can have led to has no form") {
  for (const char* text : {"", "+", "+1", "1-2", "+1-", "+1-2 ", "+1.-2", "+.1-2", "+123-1", "+1-1234", "+1-2+3",
                           "+1-2.", "+1.0000000000000000-2", "+1-2.0000000000000000", "+a-2", "+1-2\n"}) {
    INFO(text);
    CHECK_FALSE(pack_coordinates(text));
  }
  for (const char* text : {"", ".", "1.", ".1", "12345678901", "1.0123456789", "-1", "+1", "1 ", "a", "1.2.3"}) {
    INFO(text);
    CHECK_FALSE(pack_time(text));
  }
}

TEST_CASE("so many digits fit so many bytes, and need them") {
  std::uint64_t nines = 0;
  for (std::size_t count = 1; count < kBytesOfDigits.size(); ++count) {
    nines = nines * 10 + 9;
    INFO(count << " digits");
    const unsigned bytes = kBytesOfDigits[count];
    CHECK((bytes == 8 || nines >> (8 * bytes) == 0));
    CHECK(nines >> (8 * (bytes - 1)) != 0);
  }
}
