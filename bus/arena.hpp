// Memory for what only grows: pieces are taken from it and never given back before its end. What is large stands on huge
// pages where the system has them: a processor remembers where some thousand pages lie, which are 8 MB of usual ones,
// and to look up another costs as much as a line of memory that is not in the cache.
// Pure but for asking the system for memory; owned by one object, no locks.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <vector>

namespace herd::bus {

class Arena {
 public:
  // Bytes without a value, for numbers and texts, which stand there until the arena ends.
  [[nodiscard]] char* take(std::size_t bytes);

 private:
  struct Free {
    void operator()(char* bytes) const { std::free(bytes); }
  };
  [[nodiscard]] char* allocate(std::size_t bytes, std::size_t alignment);

  std::vector<std::unique_ptr<char, Free>> chunks_;
  std::size_t taken_ = 0;  // bytes, in all
  char* next_ = nullptr;   // of the newest chunk
  std::size_t left_ = 0;
};

}  // namespace herd::bus
