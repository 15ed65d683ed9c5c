// Coordinates and times: the parsers accept the same texts, with the same values, as a simple second implementation
// (tests/plain_texts.hpp).
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "protocol/assert.hpp"
#include "protocol/coordinates.hpp"
#include "protocol/limits.hpp"
#include "protocol/time_text.hpp"
#include "tests/plain_texts.hpp"

using namespace herd::protocol;
using namespace herd::testing;

namespace {

void try_coordinates(std::string_view text) {
  const auto plain = plain_position(text);
  const auto parsed = parse_coordinates(text);
  HERD_ASSERT(parsed.has_value() == plain.has_value() && check_coordinates(text).has_value() == plain.has_value());
  if (!parsed) {
    HERD_ASSERT(!parsed.error().empty());
    return;
  }
  HERD_ASSERT(std::abs(parsed->latitude - plain->latitude) < 1e-12);
  HERD_ASSERT(std::abs(parsed->longitude - plain->longitude) < 1e-12);
  HERD_ASSERT(text.size() <= kMaxCoordinatesBytes);
}

void try_time(std::string_view text) {
  const auto plain = plain_time(text);
  const auto parsed = parse_time(text);
  HERD_ASSERT(parsed.has_value() == plain.has_value());
  if (!parsed) {
    HERD_ASSERT(!parsed.error().empty());
    return;
  }
  HERD_ASSERT(static_cast<std::uint64_t>(parsed->count()) == *plain && text.size() <= kMaxTimeBytes);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try_coordinates(text);
  try_time(text);
  return 0;
}
