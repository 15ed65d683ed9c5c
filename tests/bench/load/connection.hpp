// One connection of the load generator: `depth` requests in flight; as many as were answered are asked again in one
// write. Owns its socket. Used by the one thread there is.
#pragma once

#include <functional>
#include <string>

#include "tests/bench/load/dialect.hpp"

namespace herd::bench {

// A socket that blocks; throws std::runtime_error where there is nobody.
int connect_to(const Target& target);

class Connection {
 public:
  // Receives how many replies came, and when they had been asked for (monotonic nanoseconds).
  using Answered = std::function<void(std::uint64_t replies, std::uint64_t sent_ns)>;

  // Connects; throws std::runtime_error where that fails.
  Connection(const Target& target, std::unique_ptr<Dialect> dialect, std::uint32_t depth);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  [[nodiscard]] int descriptor() const { return descriptor_; }
  [[nodiscard]] std::uint32_t in_flight() const { return in_flight_; }
  [[nodiscard]] bool wants_write() const { return written_ < out_end_; }

  // Asks for up to `most` more, as far as `depth` allows, and writes; returns how many were asked.
  std::uint64_t ask(Sequence& sequence, std::uint64_t most, std::uint64_t now_ns);
  // Writes what a full socket left over.
  void flush();
  // Reads what is there and checks it; throws std::runtime_error with the reply that was wrong, or when it was closed.
  void receive(const Answered& answered);

 private:
  Expected& slot(std::uint64_t number) { return expected_[number & mask_]; }
  void check(const Answered& answered);
  void settle(const Expected& expected, const Answered& answered);

  std::unique_ptr<Dialect> dialect_;
  std::uint32_t depth_;
  std::uint64_t mask_;
  std::vector<Expected> expected_;  // a ring of what is in flight, the ends of batches included
  std::uint64_t first_ = 0;         // number of the oldest slot in flight
  std::uint64_t next_ = 0;          // number of the next slot
  std::uint32_t in_flight_ = 0;     // requests that count
  bool waits_ = false;              // batches end with a question that confirms them
  std::vector<char> out_;
  std::size_t written_ = 0;
  std::size_t out_end_ = 0;
  std::vector<char> in_;
  std::size_t in_begin_ = 0;
  std::size_t in_end_ = 0;
  int descriptor_ = -1;
};

}  // namespace herd::bench
