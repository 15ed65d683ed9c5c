#include "node/observe/geohash.hpp"

#include <algorithm>

namespace herd::node {
namespace {

constexpr std::string_view kAlphabet = "0123456789bcdefghjkmnpqrstuvwxyz";
constexpr std::size_t kHalvings = kGeohashCharacters * kGeohashCharacterBits / 2;  // of each axis

// Which of the 2^kHalvings equal parts of [-most, most] contains the value.
std::uint64_t part_of(std::int64_t value, std::int64_t most) {
  constexpr std::uint64_t kParts = std::uint64_t{1} << kHalvings;
  const auto offset = static_cast<std::uint64_t>(value + most);
  return std::min(offset * kParts / static_cast<std::uint64_t>(2 * most), kParts - 1);
}

}  // namespace

Geohash geohash_of(protocol::Point point) {
  const std::uint64_t longitude = part_of(point.longitude, protocol::kMaxLongitude);
  const std::uint64_t latitude = part_of(point.latitude, protocol::kMaxLatitude);
  Geohash cell = 0;
  for (std::size_t bit = kHalvings; bit-- > 0;)
    cell = cell << 2U | (longitude >> bit & 1U) << 1U | (latitude >> bit & 1U);
  return cell;
}

std::string to_text(Geohash cell) {
  std::string text(kGeohashCharacters, '\0');
  for (std::size_t i = kGeohashCharacters; i-- > 0; cell >>= kGeohashCharacterBits) {
    text[i] = kAlphabet[cell % kAlphabet.size()];
  }
  return text;
}

std::optional<GeohashPrefix> parse_geohash(std::string_view text) {
  if (text.size() > kGeohashCharacters) return std::nullopt;
  GeohashPrefix prefix{0, text.size()};
  for (const char character : text) {
    const std::size_t value = kAlphabet.find(character);
    if (value == std::string_view::npos) return std::nullopt;
    prefix.bits = prefix.bits << kGeohashCharacterBits | value;
  }
  return prefix;
}

}  // namespace herd::node
