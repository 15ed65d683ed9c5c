// Choices from a fuzzer's bytes: one byte per choice, so a change of one byte changes one choice. After the last byte
// (see empty()) all choices are 0.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace herd::fuzz {

class Input {
 public:
  Input(const std::uint8_t* data, std::size_t size) : bytes_(reinterpret_cast<const char*>(data), size) {}

  [[nodiscard]] bool empty() const { return bytes_.empty(); }
  std::uint8_t byte() {
    if (bytes_.empty()) return 0;
    const auto byte = static_cast<std::uint8_t>(bytes_.front());
    bytes_.remove_prefix(1);
    return byte;
  }
  // A number below `end`, which must be 1 to 256.
  std::size_t below(std::size_t end) { return byte() % end; }

 private:
  std::string_view bytes_;
};

}  // namespace herd::fuzz
