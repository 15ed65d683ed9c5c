// A file of bytes that a fuzzer gives, and the check of the mistakes that a reader found in it.
#pragma once

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "protocol/assert.hpp"

namespace herd::fuzz {

// A file in memory that only its owner may read, rewritten for each input.
class MemoryFile {
 public:
  [[nodiscard]] const std::string& path() const { return path_; }

  void write(const std::uint8_t* data, std::size_t size) const {
    const bool is_ready = fchmod(descriptor_, S_IRUSR | S_IWUSR) == 0 && ftruncate(descriptor_, 0) == 0;
    const ssize_t written = pwrite(descriptor_, data, size, 0);
    HERD_ASSERT(is_ready && written == static_cast<ssize_t>(size));
  }

 private:
  int descriptor_ = memfd_create("file", MFD_CLOEXEC);
  std::string path_ = "/proc/self/fd/" + std::to_string(descriptor_);
};

// There is a mistake, and the line of each begins with these bytes.
inline void check_mistakes(std::string_view lines, std::string_view beginning) {
  HERD_ASSERT(!lines.empty());
  while (!lines.empty()) {
    HERD_ASSERT(lines.starts_with(beginning));
    const std::size_t end = lines.find('\n');
    lines = end == std::string_view::npos ? std::string_view() : lines.substr(end + 1);
  }
}

}  // namespace herd::fuzz
