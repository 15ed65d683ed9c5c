// One connection of the load generator, with up to `depth` requests in flight. After replies have come, it sends the
// same number of new requests in one write. Owns its socket. Used by the generator's only thread.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "tests/bench/load/dialect.hpp"
#include "tests/bench/load/tls_wire.hpp"

namespace herd::bench {

// Returns a connected, blocking socket, which the caller closes. Throws std::runtime_error if no server accepts.
int connect_to(const Target& target);

class Connection {
 public:
  // Called with the number of replies, and when their requests were sent (monotonic nanoseconds).
  using Answered = std::function<void(std::uint64_t replies, std::uint64_t sent_ns)>;

  // Connects and makes the dialect's handshake. Throws std::runtime_error if that fails.
  Connection(const Target& target, std::unique_ptr<Dialect> dialect, std::uint32_t depth);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  [[nodiscard]] int descriptor() const { return descriptor_; }
  [[nodiscard]] std::uint32_t in_flight() const { return in_flight_; }
  [[nodiscard]] bool wants_write() const { return written_ < out_end_; }

  // Sends up to `most` more requests, as far as `depth` allows; returns how many.
  std::uint64_t send_requests(Sequence& sequence, std::uint64_t most, std::uint64_t now_ns);
  // Writes the bytes that a full socket did not take before.
  void flush();
  // Reads and checks the replies that have come. Throws std::runtime_error with a wrong reply, or if the server closed
  // the connection.
  void receive(const Answered& answered);

 private:
  Expected& slot(std::uint64_t number) { return expected_[number & mask_]; }
  [[nodiscard]] bool receive_once(const Answered& answered);
  void check(const Answered& answered);
  void settle(const Expected& expected, const Answered& answered);

  std::unique_ptr<Dialect> dialect_;
  std::uint32_t depth_;
  std::uint64_t mask_;
  std::vector<Expected> expected_;  // a ring of the requests in flight, the ends of batches included
  std::uint64_t first_ = 0;         // number of the oldest slot in flight
  std::uint64_t next_ = 0;          // number of the next slot
  std::uint32_t in_flight_ = 0;     // requests without a reply, the ends of batches not included
  bool waits_ = false;              // each batch ends with a request that confirms it
  std::vector<char> out_;
  std::size_t written_ = 0;
  std::size_t out_end_ = 0;
  std::vector<char> in_;
  std::size_t in_begin_ = 0;
  std::size_t in_end_ = 0;
  int descriptor_ = -1;
  std::unique_ptr<TlsWire> tls_;  // nullptr: plain text
};

}  // namespace herd::bench
