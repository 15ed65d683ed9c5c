// Dialects: how the load generator writes the requests to a server and checks the replies; one for each mode. A dialect
// belongs to one connection, which remembers for each request in flight what its reply must contain.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tests/bench/load/fleet.hpp"
#include "tests/bench/load/options.hpp"

namespace herd::bench {

// The longest request that any dialect writes, in bytes.
inline constexpr std::size_t kLongestRequest = 256;

struct Point {
  double latitude = 0;
  double longitude = 0;
};

// The state that all connections share. Ids cycle and times rise over all of them, so that no report is older than the
// one before.
struct Sequence {
  std::uint32_t next_id = 0;
  std::uint64_t next_point = 0;
  std::uint64_t time_ns = 0;  // POSIX time
  std::vector<Point> points;
  std::unique_ptr<Fleet> fleet;  // nullptr: clients move by the time
  std::uint64_t sum = 0;         // NATS: of all published updates (sum_of())
};

// One request in flight: what its reply must contain.
struct Expected {
  enum class Kind : std::uint8_t { kCounted, kWait };
  Kind kind = Kind::kCounted;
  std::uint8_t length = 0;
  std::uint16_t confirms = 0;   // kWait: the number of requests in its batch
  std::uint64_t sent_ns = 0;    // monotonic
  std::array<char, 96> text{};  // the first `length` bytes must be in the reply
  void remember(std::string_view bytes) { length = static_cast<std::uint8_t>(bytes.copy(text.data(), text.size())); }
  [[nodiscard]] std::string_view view() const { return {text.data(), length}; }
};

struct Reading {
  enum class Verdict : std::uint8_t { kComplete, kPartial, kWrong };
  Verdict verdict = Verdict::kPartial;
  std::size_t length = 0;  // of a complete reply, in bytes
};

class Dialect {
 public:
  virtual ~Dialect() = default;
  // The first exchange of both sides, on a blocking socket. Throws std::runtime_error if it fails.
  virtual void handshake(int /*descriptor*/) {}
  // Whether each request has a reply of its own; otherwise only its batch has one.
  [[nodiscard]] virtual bool answers_each() const { return true; }
  // The length of a message at the start of `bytes` that the server sends without a request; 0 if there is none.
  [[nodiscard]] virtual std::size_t unrequested(std::string_view /*bytes*/) const { return 0; }
  // Writes the next request at `at`, where kLongestRequest bytes are free; returns its end.
  virtual char* write_request(char* at, Sequence& sequence, Expected& expected) = 0;
  // Checks the reply at the start of `bytes`.
  virtual Reading read(std::string_view bytes, const Expected& expected) = 0;
  // Writes the request that ends a batch and has a reply of its own; returns its end, or `at` if the dialect has none.
  virtual char* end_batch(char* at, Expected& /*expected*/) { return at; }
};

std::unique_ptr<Dialect> make_at_dialect(const Options& options);
std::unique_ptr<Dialect> make_ask_dialect(const Options& options);
std::unique_ptr<Dialect> make_resp_dialect(const Options& options);
std::unique_ptr<Dialect> make_nats_dialect(const Options& options);
std::unique_ptr<Dialect> make_dialect(const Options& options);  // for options.mode

}  // namespace herd::bench
