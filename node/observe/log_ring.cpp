#include "node/observe/log_ring.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>

#include "protocol/assert.hpp"

namespace herd::node {
namespace {

constexpr std::uint64_t kMaxDrops = std::numeric_limits<std::uint32_t>::max();  // the most that a header can count
constexpr std::size_t kLeastBytes = 64;

constexpr std::uint64_t make_header(std::uint64_t drops, std::size_t size) {
  return drops << 32 | size;
}
constexpr std::uint64_t drops_of(std::uint64_t header) {
  return header >> 32;
}
constexpr std::size_t size_of(std::uint64_t header) {
  return header & std::numeric_limits<std::uint32_t>::max();
}

}  // namespace

LogRing::LogRing(std::size_t bytes)
    : bytes_(bytes), words_(std::make_unique<std::uint64_t[]>(bytes / sizeof(std::uint64_t))) {
  HERD_ASSERT(std::has_single_bit(bytes) && bytes >= kLeastBytes && bytes <= std::numeric_limits<std::uint32_t>::max());
}

std::atomic_ref<std::uint64_t> LogRing::header_at(std::uint64_t position) const noexcept {
  return std::atomic_ref<std::uint64_t>(words_[(position & (bytes_ - 1)) / sizeof(std::uint64_t)]);
}

// Calls `piece` with address and size of each contiguous part of a range: one, or two if the range wraps around.
template <typename Piece>
void LogRing::for_pieces(std::uint64_t position, std::size_t size, const Piece& piece) const {
  char* const memory = reinterpret_cast<char*>(words_.get());
  const std::size_t start = position & (bytes_ - 1);
  const std::size_t first = std::min(size, static_cast<std::size_t>(bytes_) - start);
  piece(memory + start, first);
  if (first < size) piece(memory, size - first);
}

bool LogRing::push(std::string_view line) noexcept {
  const std::uint64_t need = record_bytes(line.size());
  const std::uint64_t bound = drops_.load(std::memory_order_relaxed) == 0 ? bytes_ : bytes_ / 2;
  std::uint64_t at = reserved_.load(std::memory_order_relaxed);
  do {
    // Negative if `at` is outdated. The exchange then fails and reloads it.
    const auto used = static_cast<std::int64_t>(at + need - released_.load(std::memory_order_acquire));
    if (used > static_cast<std::int64_t>(bound)) {
      drops_.fetch_add(1, std::memory_order_relaxed);
      return false;
    }
  } while (!reserved_.compare_exchange_weak(at, at + need, std::memory_order_relaxed));
  const char* from = line.data();
  for_pieces(at + kHeaderBytes, line.size(), [&from](char* to, std::size_t size) {
    std::memcpy(to, from, size);
    from += size;
  });
  std::uint64_t drops = drops_.exchange(0, std::memory_order_relaxed);
  if (drops > kMaxDrops) {
    drops_.fetch_add(drops - kMaxDrops, std::memory_order_relaxed);
    drops = kMaxDrops;
  }
  // Sequentially consistent, as is the consumer's last check before it sleeps: see LogOutput::push().
  header_at(at).store(make_header(drops, line.size()), std::memory_order_seq_cst);
  return true;
}

std::uint64_t LogRing::next_header() const noexcept {
  return header_at(released_.load(std::memory_order_relaxed)).load(std::memory_order_seq_cst);
}

std::optional<std::size_t> LogRing::next_bytes() const noexcept {
  const std::uint64_t header = next_header();
  return header == 0 ? std::nullopt : std::optional(size_of(header));
}

bool LogRing::drops_before_next() const noexcept {
  return drops_of(next_header()) > 0;
}

std::uint64_t LogRing::take_drops() noexcept {
  const std::uint64_t header = next_header();
  if (header == 0) return drops_.exchange(0, std::memory_order_relaxed);
  // A producer does not touch a header after it has stored it.
  header_at(released_.load(std::memory_order_relaxed))
      .store(make_header(0, size_of(header)), std::memory_order_relaxed);
  return drops_of(header);
}

void LogRing::pop(std::string& text) {
  const std::uint64_t at = released_.load(std::memory_order_relaxed);
  const std::size_t size = size_of(next_header());
  HERD_ASSERT(size > 0);
  for_pieces(at + kHeaderBytes, size, [&text](const char* from, std::size_t part) { text.append(from, part); });
  const std::uint64_t bytes = record_bytes(size);
  for_pieces(at, bytes, [](char* from, std::size_t part) { std::memset(from, 0, part); });
  released_.store(at + bytes, std::memory_order_release);
}

}  // namespace herd::node
