// A text of at most kCapacity (up to 255) bytes with its own storage, without allocation. Texts of packed records are
// unpacked into it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <ostream>
#include <string_view>

#include "protocol/assert.hpp"

namespace herd::bus {

template <std::size_t kCapacity>
class ShortText {
 public:
  static_assert(kCapacity <= UINT8_MAX);

  ShortText& operator=(std::string_view text) {
    HERD_ASSERT(text.size() <= kCapacity);
    text.copy(bytes_.data(), text.size());  // unlike memcpy, allows data() to be null
    size_ = static_cast<std::uint8_t>(text.size());
    return *this;
  }

  // For writing in place, 8 bytes at a time: data() has kCapacity bytes, rounded up to a multiple of 8. set_size() then
  // states how many of them are the text.
  [[nodiscard]] char* data() { return bytes_.data(); }
  void set_size(std::size_t size) { size_ = static_cast<std::uint8_t>(size); }

  // Valid as long as this object exists and does not move.
  [[nodiscard]] std::string_view view() const& { return {bytes_.data(), size_}; }
  [[nodiscard]] bool empty() const { return size_ == 0; }
  operator std::string_view() const& { return view(); }  // NOLINT(google-explicit-constructor): it is a text

  friend bool operator==(const ShortText& a, std::string_view b) { return a.view() == b; }
  friend bool operator==(const ShortText& a, const ShortText& b) { return a.view() == b.view(); }
  friend bool operator==(const ShortText& a, const char* b) { return a.view() == b; }
  friend std::ostream& operator<<(std::ostream& out, const ShortText& text) { return out << text.view(); }

 private:
  std::array<char, (kCapacity + 7) / 8 * 8> bytes_;  // only the first size_ are valid
  std::uint8_t size_ = 0;
};

}  // namespace herd::bus
