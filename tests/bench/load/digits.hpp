// Decimal digits of a fixed width. They make requests cheap to write: no lengths are computed and no bytes are moved.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

namespace herd::bench {

// Writes the last `width` decimal digits of `value` at `at`, with leading zeros; returns their end.
inline char* put_digits(char* at, std::uint64_t value, int width) {
  static constexpr char kPairs[] =
      "00010203040506070809101112131415161718192021222324252627282930313233343536373839404142434445464748495051525354"
      "555657585960616263646566676869707172737475767778798081828384858687888990919293949596979899";
  char* const end = at + width;
  char* write = end;
  for (; width >= 2; width -= 2) {
    write -= 2;
    std::memcpy(write, kPairs + 2 * (value % 100), 2);
    value /= 100;
  }
  if (width == 1) *--write = static_cast<char>('0' + value % 10);
  return end;
}

inline char* put_text(char* at, std::string_view text) {
  std::memcpy(at, text.data(), text.size());
  return at + text.size();
}

}  // namespace herd::bench
