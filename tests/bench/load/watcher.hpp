// A connection that watches: it begins watches, and counts and checks the events that reach it. Owns its socket, which
// is non-blocking after begin(). Used by the generator's only thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tests/bench/load/fleet.hpp"
#include "tests/bench/load/options.hpp"

namespace herd::bench {

// What watchers have received.
struct Events {
  std::uint64_t lines = 0;
  std::uint64_t bytes = 0;
  std::uint64_t reads = 0;  // that returned events: the server has sent at least as often
  Events operator-(const Events& other) const {
    return {lines - other.lines, bytes - other.bytes, reads - other.reads};
  }
};

class Watcher {
 public:
  explicit Watcher(const Target& target);
  ~Watcher();
  Watcher(const Watcher&) = delete;
  Watcher& operator=(const Watcher&) = delete;

  // Sends `watches` WATCH commands, and returns when all of them are ready. Throws std::runtime_error if one is
  // refused.
  void begin(std::string_view commands, std::uint32_t watches);
  // Reads the events that have come. Throws std::runtime_error with another line, and if the connection was closed.
  void receive();

  [[nodiscard]] int descriptor() const { return descriptor_; }
  [[nodiscard]] Events events() const { return events_; }
  [[nodiscard]] std::string_view last_event() const { return last_; }  // without its line end

 private:
  std::size_t read_more();
  template <typename Line>
  void take_lines(const Line& line);

  std::vector<char> in_;
  std::size_t end_ = 0;
  Events events_;
  std::string last_;
  int descriptor_ = -1;
};

// The watchers that the options ask for, at the first target: `watches` circles around clients of the fleet, on as few
// connections as a node allows, and `watchers` connections that each watch all clients, or the one client if there is
// one.
std::vector<std::unique_ptr<Watcher>> begin_watches(const Options& options, const Fleet* fleet);

Events sum_of(const std::vector<std::unique_ptr<Watcher>>& watchers);

}  // namespace herd::bench
