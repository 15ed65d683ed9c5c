// The lines that wait to be written to one destination of the log: a ring of bytes with a fixed bound, filled by any
// thread and emptied by one. Nothing here waits, locks or allocates, so a line costs its thread a copy and a few atomic
// operations, whatever happens to standard error or to the disk. A line that finds no room is dropped and counted.
//
// Records lie one after another at multiples of eight bytes, and may continue at the start of the ring:
//
//   | header: 64 bits | line, then zeros up to the next multiple of eight |
//
// A header of zero means "not written yet". Else its lower half is the size of the line, and its upper half how many
// lines were dropped directly before this one, so that the reader can say so in the right place.
//
// How it works: a producer reserves room by moving reserved_ with compare-exchange, copies the line, and stores the
// header last. The consumer reads records in order up to the first header of zero, sets their bytes to zero again, and
// only then gives the room back by moving released_. Order of lines = order of reservations.
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
  // `bytes`: a power of two, at least 64.
  explicit LogRing(std::size_t bytes);

  // Any thread, also in a signal handler. `line` is not empty and is taken as it is. False: dropped and counted,
  // because there is no room. After a drop nothing is taken before half of the ring is free again: one gap that is
  // reported once instead of many small ones.
  bool push(std::string_view line) noexcept;

  // ---- one thread, the consumer ----

  // Size of the next line in bytes; nothing if there is none.
  [[nodiscard]] std::optional<std::size_t> next_bytes() const noexcept;

  // Whether lines were dropped between the last one that was taken and the next one.
  [[nodiscard]] bool drops_before_next() const noexcept;

  // Lines dropped between the last one that was taken and the next one, or, if there is no next one, lately. Each drop
  // is returned once.
  [[nodiscard]] std::uint64_t take_drops() noexcept;

  // Appends the next line to `text`. There must be one.
  void pop(std::string& text);

  // ---- any thread ----

  // Bytes reserved and given back since the start; equal when the ring is empty.
  [[nodiscard]] std::uint64_t reserved() const noexcept { return reserved_.load(std::memory_order_acquire); }
  [[nodiscard]] std::uint64_t released() const noexcept { return released_.load(std::memory_order_acquire); }

  // Bytes that a line takes in the ring.
  [[nodiscard]] static constexpr std::uint64_t room_for(std::size_t line) {
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
  std::atomic<std::uint64_t> drops_ = 0;  // not yet part of a header
};

}  // namespace herd::node
