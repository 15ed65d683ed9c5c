#include "node/observe/log_ring.hpp"

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "tests/catch.hpp"

namespace herd::node {
namespace {

constexpr std::size_t kRing = 256;

std::string take(LogRing& ring) {
  std::string line;
  if (ring.next_bytes()) ring.pop(line);
  return line;
}

// Fills the ring with lines of 24 bytes, 32 with their header. Returns the number of accepted lines.
int fill(LogRing& ring) {
  int count = 0;
  while (ring.push(std::string(24, 'x'))) ++count;
  return count;
}

TEST_CASE("lines leave the ring in order, however often it wraps around") {
  LogRing ring(kRing);
  std::string in;
  std::string out;
  for (int i = 0; i < 500; ++i) {
    const std::string line = std::to_string(i) + std::string(static_cast<std::size_t>(i % 41), 'x') + "\n";
    in += line;
    REQUIRE(ring.push(line));
    if (i % 3 == 0) continue;
    while (const auto bytes = ring.next_bytes()) {
      const std::size_t before = out.size();
      ring.pop(out);
      CHECK(out.size() - before == *bytes);
    }
  }
  out += take(ring);
  CHECK(out == in);
  CHECK(ring.reserved() == ring.released());
  CHECK(ring.take_drops() == 0);
}

TEST_CASE("a line that fills the ring is accepted, and one that is a byte longer is dropped and counted") {
  LogRing ring(kRing);
  CHECK(LogRing::record_bytes(kRing - 8) == kRing);
  CHECK_FALSE(ring.push(std::string(kRing - 7, 'x')));
  CHECK(ring.take_drops() == 1);
  CHECK(ring.push(std::string(kRing - 8, 'x')));
  CHECK(take(ring) == std::string(kRing - 8, 'x'));
}

TEST_CASE("lines dropped by a full ring are counted before the next accepted line") {
  LogRing ring(kRing);
  const int taken = fill(ring);  // and one line is dropped
  CHECK(taken == 8);
  CHECK_FALSE(ring.push("second"));
  CHECK_FALSE(ring.drops_before_next());
  for (int i = 0; i < taken; ++i) {
    CHECK(ring.take_drops() == 0);
    CHECK(take(ring).size() == 24);
  }
  REQUIRE(ring.push("after"));
  CHECK(ring.drops_before_next());
  CHECK(ring.take_drops() == 2);
  CHECK(ring.take_drops() == 0);
  CHECK_FALSE(ring.drops_before_next());
  CHECK(take(ring) == "after");
}

TEST_CASE("after a drop the ring accepts no line before half of it is free") {
  LogRing ring(kRing);
  const int taken = fill(ring);
  for (int i = 0; i < taken / 2; ++i) {
    CHECK_FALSE(ring.push("early"));
    (void)take(ring);
  }
  CHECK_FALSE(ring.push("early"));  // half is free, and this line would fill more than half
  (void)take(ring);
  CHECK(ring.push("late"));
  CHECK(ring.push("the next one may fill it again"));
}

TEST_CASE("drops after the last line are returned without a next line") {
  LogRing ring(kRing);
  const int taken = fill(ring);
  for (int i = 0; i < taken; ++i) (void)take(ring);
  CHECK(ring.take_drops() == 1);
  CHECK(ring.take_drops() == 0);
}

TEST_CASE("every line of many threads is either complete and in order, or counted as dropped") {
  constexpr int kThreads = 4;
  constexpr int kLines = 20'000;
  LogRing ring(4096);
  std::atomic<int> running = kThreads;
  std::array<std::uint64_t, kThreads> refused{};
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&ring, &running, &refused, thread] {
      for (int i = 0; i < kLines; ++i) {
        const std::string text = std::to_string(thread) + " " + std::to_string(i);
        if (!ring.push(text + std::string(static_cast<std::size_t>(i % 29), '.') + "\n")) {
          ++refused[static_cast<std::size_t>(thread)];
        }
      }
      --running;
    });
  }
  std::uint64_t taken = 0;
  std::uint64_t dropped = 0;
  std::map<int, int> latest;
  bool is_in_order = true;
  for (bool is_last = false; !is_last;) {
    is_last = running == 0;
    while (ring.next_bytes()) {
      dropped += ring.take_drops();
      const std::string line = take(ring);
      const int thread = std::stoi(line);
      const int number = std::stoi(line.substr(2));
      const auto before = latest.find(thread);
      is_in_order = is_in_order && line.ends_with('\n') && (before == latest.end() || before->second < number);
      latest[thread] = number;
      ++taken;
    }
  }
  for (auto& thread : threads) thread.join();
  dropped += ring.take_drops();
  CHECK(is_in_order);
  CHECK(taken + dropped == std::uint64_t{kThreads} * kLines);
  CHECK(dropped == refused[0] + refused[1] + refused[2] + refused[3]);
}

}  // namespace
}  // namespace herd::node
