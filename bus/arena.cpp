#include "bus/arena.hpp"

#include <sys/mman.h>

#include <new>

namespace herd::bus {
namespace {

constexpr std::size_t kHugePage = std::size_t{2} * 1024 * 1024;
// The end of a chunk that the next piece does not fit into is lost, and what nobody has taken yet takes no memory.
constexpr std::size_t kChunkBytes = 16 * kHugePage;

}  // namespace

// The first pieces stand by themselves: most stores of tests, and of small herds, need not even one huge page.
char* Arena::take(std::size_t bytes) {
  taken_ += bytes;
  if (bytes > left_) {
    if (taken_ < kHugePage || bytes > kChunkBytes) return allocate(bytes, alignof(std::max_align_t));
    next_ = allocate(kChunkBytes, kHugePage);
    left_ = kChunkBytes;
    (void)madvise(next_, kChunkBytes, MADV_HUGEPAGE);  // a system without huge pages uses others
  }
  char* const piece = next_;
  next_ += bytes;
  left_ -= bytes;
  return piece;
}

char* Arena::allocate(std::size_t bytes, std::size_t alignment) {
  const std::size_t whole = (bytes + alignment - 1) / alignment * alignment;
  chunks_.emplace_back(static_cast<char*>(std::aligned_alloc(alignment, whole)));
  if (chunks_.back() == nullptr) throw std::bad_alloc();
  return chunks_.back().get();
}

}  // namespace herd::bus
