// What is said to a server and what it must answer: one dialect for each mode. A dialect belongs to one connection,
// which remembers for every request in flight what its reply has to hold.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tests/bench/load/options.hpp"

namespace herd::bench {

// The longest request that any dialect writes, in bytes.
inline constexpr std::size_t kLongestRequest = 256;

struct Point {
  double latitude = 0;
  double longitude = 0;
};

// What the connections share: ids cycle and times rise over all of them, so that no report is older than the one
// before.
struct Sequence {
  std::uint32_t next_id = 0;
  std::uint64_t next_point = 0;
  std::uint64_t time_ns = 0;  // POSIX time
  std::vector<Point> points;
  std::uint64_t sum = 0;  // NATS: over all that was published
};

// Of one request in flight.
struct Expected {
  enum class Kind : std::uint8_t { kCounted, kWait };
  Kind kind = Kind::kCounted;
  std::uint8_t length = 0;
  std::uint16_t confirms = 0;   // of a kWait: the requests of its batch
  std::uint64_t sent_ns = 0;    // monotonic
  std::array<char, 96> text{};  // `length` bytes that the reply must hold
  void remember(std::string_view bytes) { length = static_cast<std::uint8_t>(bytes.copy(text.data(), text.size())); }
  [[nodiscard]] std::string_view view() const { return {text.data(), length}; }
};

struct Reading {
  enum class Verdict : std::uint8_t { kWhole, kPartial, kWrong };
  Verdict verdict = Verdict::kPartial;
  std::size_t length = 0;  // of a whole reply, in bytes
};

class Dialect {
 public:
  virtual ~Dialect() = default;
  // What both sides say to each other first, on a socket that blocks; throws std::runtime_error where that fails.
  virtual void request_hello(int /*descriptor*/) {}
  // False: a request gets no reply of its own, only its batch does.
  [[nodiscard]] virtual bool answers_each() const { return true; }
  // The length of what the server says unasked at the beginning of `bytes`; 0: it is no such thing.
  [[nodiscard]] virtual std::size_t aside(std::string_view /*bytes*/) const { return 0; }
  // Writes the next request at `at`, where kLongestRequest bytes are free; returns its end.
  virtual char* ask(char* at, Sequence& sequence, Expected& expected) = 0;
  // Judges the reply at the beginning of `bytes`.
  virtual Reading read(std::string_view bytes, const Expected& expected) = 0;
  // Writes what ends a batch and gets a reply of its own; returns `at` where there is no such thing.
  virtual char* end_batch(char* at, Expected& /*expected*/) { return at; }
};

std::unique_ptr<Dialect> make_at_dialect(const Options& options);
std::unique_ptr<Dialect> make_resp_dialect(const Options& options);
std::unique_ptr<Dialect> make_nats_dialect(const Options& options);
std::unique_ptr<Dialect> make_dialect(const Options& options);  // that of the mode

}  // namespace herd::bench
