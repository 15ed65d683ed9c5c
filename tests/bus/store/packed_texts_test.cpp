// All coordinates and times that a client may send are restored from their packed form byte for byte.
#include "bus/store/packed_texts.hpp"

#include <algorithm>
#include <array>
#include <random>
#include <string>

#include "protocol/coordinates.hpp"
#include "protocol/point.hpp"
#include "protocol/time_text.hpp"
#include "tests/catch.hpp"

using namespace herd::bus;
using namespace herd::protocol;
namespace protocol = herd::protocol;

namespace {

std::string restored_coordinates(std::string_view text) {
  std::array<char, packed_bytes(protocol::kMaxCoordinatesBytes) + 4> packed;
  packed.fill('\xa5');
  if (!pack_coordinates(text, packed.data())) return "not packed";
  // Only these bytes belong to the packed text; the rest must not matter.
  std::fill(packed.begin() + static_cast<std::ptrdiff_t>(packed_bytes(text.size())), packed.end(), '\x5a');
  CoordinatesText unpacked;
  unpack_coordinates(packed.data(), text.size(), unpacked);
  return std::string(unpacked.view());
}

std::string restored_time(std::string_view text) {
  const auto time = parse_time(text);
  const auto form = time ? form_of(text) : std::nullopt;
  if (!form) return "no form";
  TimeText written;
  write_time(*time, *form, written);
  return std::string(written.view());
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

TEST_CASE("the point of packed coordinates is that of their text") {
  std::mt19937_64 random(2);
  int valid = 0;
  for (int i = 0; i < 200'000; ++i) {
    std::string text = sign(random) + decimal(random, 2, protocol::kMaxFractionDigits) + sign(random) +
                       decimal(random, 3, protocol::kMaxFractionDigits) + (random() % 4 == 0 ? "/" : "");
    if (random() % 8 == 0) text = "-90.000-180.0000000000000000/";
    const auto point = parse_point(text);
    std::array<char, packed_bytes(protocol::kMaxCoordinatesBytes) + 8> packed;
    if (!point || !pack_coordinates(text, packed.data())) continue;
    const auto end = packed.begin() + static_cast<std::ptrdiff_t>(packed_bytes(text.size()));
    std::fill(end, packed.end(), '\x55');
    INFO(text);
    REQUIRE(packed_point(packed.data(), text.size()) == *point);
    ++valid;
  }
  CHECK(valid > 50'000);
}

TEST_CASE("random valid coordinates are restored byte for byte") {
  std::mt19937_64 random(1);
  int valid = 0;
  for (int i = 0; i < 300'000; ++i) {
    const std::string text = sign(random) + decimal(random, 2, kMaxFractionDigits) + sign(random) +
                             decimal(random, 3, kMaxFractionDigits) + (random() % 2 == 0 ? "/" : "");
    valid += parse_coordinates(text) ? 1 : 0;
    if (restored_coordinates(text) != text) FAIL(text);
  }
  CHECK(valid > 50'000);
}

TEST_CASE("coordinates at every bound are restored byte for byte") {
  for (const char* text : {"+0-0", "-0+0", "+90-180", "-90+180", "+00-000", "+9-9", "+09-009", "+1.0-1.0",
                           "-89.999999999999999-179.999999999999999", "+90.000000000000000+180.000000000000000",
                           "-00.000000000000000-000.000000000000001", "+34.068930-118.445127", "+34.068930-118.445127/",
                           "-89.999999999999999999999999999999-179.999999999999999999999999999999/"}) {
    INFO(text);
    REQUIRE(parse_coordinates(text));
    CHECK(restored_coordinates(text) == text);
  }
}

TEST_CASE("random valid times are restored byte for byte") {
  std::mt19937_64 random(2);
  int valid = 0;
  for (int i = 0; i < 300'000; ++i) {
    const std::string text = decimal(random, 10, 9);
    if (!parse_time(text)) continue;
    ++valid;
    if (restored_time(text) != text) FAIL(text);
  }
  CHECK(valid > 50'000);
}

TEST_CASE("times at every bound are restored byte for byte") {
  for (const char* text : {"0", "9", "00", "0000000000", "9223372035", "9223372035.999999999", "0.0", "0.000000000",
                           "0000000000.000000001", "1520023934.918963997", "1520023934.900000000", "1520023934.9"}) {
    INFO(text);
    REQUIRE(parse_time(text));
    CHECK(restored_time(text) == text);
  }
}

TEST_CASE("coordinates with a character that cannot be packed are refused, at whatever position it is") {
  constexpr std::string_view kPacked = "0123456789*+,-./";
  for (int byte = 0; byte < 256; ++byte) {
    const char character = static_cast<char>(byte);
    INFO("byte " << byte);
    for (std::size_t at = 0; at < 20; ++at) {
      std::string text(20, '7');
      text[at] = character;
      REQUIRE(restored_coordinates(text) == (kPacked.find(character) != std::string_view::npos ? text : "not packed"));
    }
  }
}

TEST_CASE("a text with too many or too few digits for a time has no form") {
  for (const char* text : {"", ".", "5.", ".5", "5.0000000000", "00000000005", "00000000005.5"}) {
    INFO(text);
    CHECK_FALSE(form_of(text));
  }
  const auto form = form_of("05.0100");
  REQUIRE(form);
  CHECK(form->whole == 2);
  CHECK(form->fraction == 4);
}

TEST_CASE("texts of every length are restored, also an empty one") {
  std::string text;
  for (std::size_t size = 0; size <= kMaxCoordinatesBytes; ++size, text += "+1.-90"[size % 6]) {
    CHECK(restored_coordinates(text) == text);
  }
}
