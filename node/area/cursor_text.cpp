#include "node/area/cursor_text.hpp"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <array>
#include <cstddef>

#include "protocol/assert.hpp"
#include "protocol/byte_order.hpp"
#include "protocol/limits.hpp"

namespace herd::node::area {
namespace {

using protocol::kMaxClientBytes;
using protocol::Parsed;

constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::size_t kDigitBits = 6;

constexpr std::size_t kChecksumBytes = 8;
constexpr std::size_t kHashBytes = 8;
constexpr std::size_t kHeadBytes = kChecksumBytes + kHashBytes;
constexpr std::size_t kMostBytes = kHeadBytes + 1 + 8 + kMaxClientBytes;
static_assert((kMostBytes * 8 + kDigitBits - 1) / kDigitBits <= protocol::kMaxCursorBytes);

constexpr std::string_view kMadeUp = "the cursor after `after=` is not one that a node gave: copy it from an END line";
constexpr std::string_view kOther = "the cursor after `after=` belongs to a query with other operands or options";

template <typename Word>
void append_word(std::string& out, Word word) {
  std::array<char, sizeof word> bytes;
  protocol::put_little_endian(bytes.data(), word);
  out.append(bytes.data(), bytes.size());
}

// Removes an integer from the front of `bytes`, which has enough bytes.
template <typename Word>
Word take_word(std::string_view& bytes) {
  HERD_ASSERT(bytes.size() >= sizeof(Word));
  const Word word = protocol::little_endian_at<Word>(bytes.data());
  bytes.remove_prefix(sizeof(Word));
  return word;
}

std::uint64_t hash_of(std::string_view bytes) {
  return XXH3_64bits(bytes.data(), bytes.size());
}

// Base64url without padding.
std::string text_of(std::string_view bytes) {
  std::string text;
  unsigned bits = 0;
  std::size_t count = 0;  // of bits that are not yet in the text
  for (const char byte : bytes) {
    bits = bits << 8U | static_cast<unsigned char>(byte);
    for (count += 8; count >= kDigitBits; count -= kDigitBits) text += kDigits[bits >> (count - kDigitBits) & 63U];
    bits &= 0xFFU;
  }
  if (count > 0) text += kDigits[bits << (kDigitBits - count) & 63U];
  return text;
}

// The bytes of a text; empty if it has other characters. Ignores the bits after the last whole byte.
std::string bytes_of(std::string_view text) {
  std::string bytes;
  unsigned bits = 0;
  std::size_t count = 0;
  for (const char digit : text) {
    const std::size_t value = kDigits.find(digit);
    if (value == std::string_view::npos) return {};
    bits = (bits << kDigitBits | static_cast<unsigned>(value)) & 0xFFFFU;
    count += kDigitBits;
    if (count < 8) continue;
    count -= 8;
    bytes += static_cast<char>(bits >> count & 0xFFU);
  }
  return bytes;
}

// `place`: the bytes after the hash.
std::string cursor_of(QueryHash query, std::string_view place) {
  std::string hashed;
  append_word(hashed, query);
  hashed += place;
  std::string bytes;
  append_word(bytes, hash_of(hashed));
  return text_of(bytes + hashed);
}

// The bytes after the hash, empty for the start; at least `least` bytes before an id otherwise.
Parsed<std::string> read_place(QueryHash query, std::string_view text, std::size_t least) {
  const std::string bytes = bytes_of(text);
  if (bytes.size() < kHeadBytes || text_of(bytes) != text) return protocol::refuse(kMadeUp);
  std::string_view rest = bytes;
  if (const auto checksum = take_word<std::uint64_t>(rest); checksum != hash_of(rest)) {
    return protocol::refuse(kMadeUp);
  }
  if (take_word<QueryHash>(rest) != query) return protocol::refuse(kOther);
  if (!rest.empty() && (rest.size() < least || rest.size() > least + kMaxClientBytes)) {
    return protocol::refuse(kMadeUp);
  }
  return std::string(rest);
}

void append_text(std::string& out, std::string_view text) {
  append_word(out, static_cast<std::uint64_t>(text.size()));
  out += text;
}

void append_point(std::string& out, protocol::Point point) {
  append_word(out, static_cast<std::uint32_t>(point.latitude));
  append_word(out, static_cast<std::uint32_t>(point.longitude));
}

void append_filter(std::string& out, const protocol::Filter& filter) {
  append_text(out, filter.prefix);
  out += filter.newer ? '1' : '0';
  append_word(out, static_cast<std::uint64_t>(filter.newer.value_or(protocol::Nanoseconds()).count()));
}

}  // namespace

QueryHash query_hash(const protocol::Near& near) {
  std::string bytes = "NEAR";
  append_text(bytes, near.circle.centre.client);
  append_point(bytes, near.circle.centre.point);
  append_word(bytes, static_cast<std::uint64_t>(near.circle.radius));
  append_filter(bytes, near.filter);
  return hash_of(bytes);
}

QueryHash query_hash(const protocol::Within& within) {
  std::string bytes = "WITHIN";
  append_point(bytes, within.box.south_west);
  append_point(bytes, within.box.north_east);
  append_filter(bytes, within.filter);
  return hash_of(bytes);
}

std::string cursor_text(QueryHash query, const std::optional<NearPlace>& after) {
  std::string place;
  if (after) {
    append_word(place, static_cast<std::uint64_t>(after->distance));
    place += after->client;
  }
  return cursor_of(query, place);
}

std::string cursor_text(QueryHash query, const std::optional<WithinPlace>& after) {
  std::string place;
  if (after) {
    append_word(place, after->key.chart);
    append_word(place, after->key.interleaved);
    place += after->client;
  }
  return cursor_of(query, place);
}

Parsed<std::optional<NearPlace>> read_near_cursor(QueryHash query, std::string_view text) {
  const auto place = read_place(query, text, sizeof(std::uint64_t));
  if (!place) return protocol::refuse(place.error());
  if (place->empty()) return std::optional<NearPlace>();
  std::string_view rest = *place;
  const auto distance = static_cast<protocol::Millimetres>(take_word<std::uint64_t>(rest));
  if (distance < 0) return protocol::refuse(kMadeUp);
  return NearPlace{distance, std::string(rest)};
}

Parsed<std::optional<WithinPlace>> read_within_cursor(QueryHash query, std::string_view text) {
  const auto place = read_place(query, text, sizeof(Chart) + sizeof(std::uint64_t));
  if (!place) return protocol::refuse(place.error());
  if (place->empty()) return std::optional<WithinPlace>();
  std::string_view rest = *place;
  WithinPlace within;
  within.key.chart = take_word<Chart>(rest);
  within.key.interleaved = take_word<std::uint64_t>(rest);
  within.client = rest;
  return within;
}

}  // namespace herd::node::area
