// A lock-free ring of log lines: many producers, one consumer, a fixed size in bytes. Nothing here waits, locks or
// allocates. So a line costs its thread a copy and a few atomic operations, whatever happens to standard error or to
// the disk. A line that does not fit is dropped and counted. Owned by its LogOutput; a ring belongs to one destination.
//
// The ring is a sequence of records. Each starts at a multiple of eight bytes and may wrap around the end of the ring:
//
//   | header: 64 bits | line, then zeros up to the next multiple of eight |
//
// A header of zero means "not written yet". Otherwise its lower 32 bits are the size of the line, and its upper 32 bits
// the number of lines dropped directly before it, so that the reader can report the gap at its position.
//
// A producer reserves space by advancing reserved_ with compare-exchange, copies its line, and stores the header last.
// The consumer reads the records in order up to the first zero header, zeroes their bytes, and only then releases the
// space by advancing released_. The order of the lines is the order of the reservations.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace herd::node {

class LogRing {
 public:
  // `bytes`: a power of two, at least 64, below 2^32.
  explicit LogRing(std::size_t bytes);

  // Appends a line. `line` must not be empty. Returns false if it does not fit; it is then dropped and counted. After a
  // drop, the ring accepts no line until half of it is free: one reported gap is better than many small ones. Any
  // thread; also in a signal handler.
  bool push(std::string_view line) noexcept;

  // ---- the consumer's thread only ----

  // The size of the next line in bytes; nullopt if there is none.
  [[nodiscard]] std::optional<std::size_t> next_bytes() const noexcept;

  // Whether lines were dropped between the last line taken and the next one. False if there is no next line.
  [[nodiscard]] bool drops_before_next() const noexcept;

  // Returns the number of lines dropped between the last line taken and the next one; if there is no next line, those
  // dropped since the last line. Each dropped line is returned once.
  [[nodiscard]] std::uint64_t take_drops() noexcept;

  // Removes the next line and appends it to `text`. Precondition: next_bytes() is not nullopt.
  void pop(std::string& text);

  // ---- any thread ----

  // The numbers of bytes reserved and released since the start. They are equal when the ring is empty.
  [[nodiscard]] std::uint64_t reserved() const noexcept { return reserved_.load(std::memory_order_acquire); }
  [[nodiscard]] std::uint64_t released() const noexcept { return released_.load(std::memory_order_acquire); }

  // The bytes that a line of this size takes in the ring, including its header.
  [[nodiscard]] static constexpr std::uint64_t record_bytes(std::size_t line) {
    return kHeaderBytes + (line + kHeaderBytes - 1) / kHeaderBytes * kHeaderBytes;
  }

 private:
  static constexpr std::size_t kHeaderBytes = sizeof(std::uint64_t);

  [[nodiscard]] std::atomic_ref<std::uint64_t> header_at(std::uint64_t position) const noexcept;
  [[nodiscard]] std::uint64_t next_header() const noexcept;
  template <typename Piece>
  void for_pieces(std::uint64_t position, std::size_t size, const Piece& piece) const;

  std::uint64_t bytes_;
  std::unique_ptr<std::uint64_t[]> words_;
  std::atomic<std::uint64_t> reserved_ = 0;
  std::atomic<std::uint64_t> released_ = 0;
  std::atomic<std::uint64_t> drops_ = 0;  // dropped lines that no header counts yet
};

}  // namespace herd::node
