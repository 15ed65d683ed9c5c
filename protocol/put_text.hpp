// Puts short texts together in a buffer: names, ids, coordinates and times are nearly always shorter than 64 bytes, and
// to call memcpy costs more than to move those.
#pragma once

#include <cstddef>
#include <cstring>
#include <string_view>
#include <type_traits>

namespace herd::protocol {

// Copies the text to `at`, which must have room for it; returns where it ends there.
[[gnu::always_inline]] inline char* put_text(char* at, std::string_view text) {
  const char* const from = text.data();
  const std::size_t size = text.size();
  // Two halves of one size that overlap: a move of a size that the compiler knows is one instruction.
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

}  // namespace herd::protocol
