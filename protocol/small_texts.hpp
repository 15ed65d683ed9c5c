// Copies and compares short texts. Names, ids, coordinates and times are nearly always shorter than 64 bytes; for these
// a call of memcpy or memcmp takes longer than the copy or the comparison itself. Pure; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <type_traits>

namespace herd::protocol {

// Copies the text to `at`, where there must be space for it. Returns the position after it.
[[gnu::always_inline]] inline char* put_text(char* at, std::string_view text) {
  const char* const from = text.data();
  const std::size_t size = text.size();
  // Copies two overlapping halves of a constant size: the compiler makes each copy one instruction.
  const auto put_halves = [&](auto bytes) {
    constexpr std::size_t kHalf = decltype(bytes)::value;
    std::memcpy(at, from, kHalf);
    std::memcpy(at + size - kHalf, from + size - kHalf, kHalf);
  };
  if (size > 64) {
    std::memcpy(at, from, size);
  } else if (size >= 32) {
    put_halves(std::integral_constant<std::size_t, 32>{});
  } else if (size >= 16) {
    put_halves(std::integral_constant<std::size_t, 16>{});
  } else if (size >= 8) {
    put_halves(std::integral_constant<std::size_t, 8>{});
  } else if (size >= 4) {
    put_halves(std::integral_constant<std::size_t, 4>{});
  } else {
    for (std::size_t i = 0; i < size; ++i) at[i] = from[i];
  }
  return at + size;
}

// Whether the two texts have the same bytes.
[[nodiscard]] [[gnu::always_inline]] inline bool same_text(std::string_view a, std::string_view b) {
  const std::size_t size = a.size();
  if (b.size() != size) return false;
  const auto differ = [&](auto word, std::size_t at) {
    decltype(word) other = 0;
    std::memcpy(&word, a.data() + at, sizeof word);
    std::memcpy(&other, b.data() + at, sizeof other);
    return word != other;
  };
  // The last word overlaps the one before it.
  const auto differ_by = [&](auto word) {
    for (std::size_t at = 0; at + sizeof word < size; at += sizeof word) {
      if (differ(word, at)) return true;
    }
    return differ(word, size - sizeof word);
  };
  if (size >= 8) return !differ_by(std::uint64_t{});
  if (size >= 4) return !differ_by(std::uint32_t{});
  return size == 0 || !differ_by(std::uint8_t{});
}

}  // namespace herd::protocol
