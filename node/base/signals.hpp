// Signals as something to read. A signal that interrupts a thread makes libzmq's calls fail in places where nobody
// looks for it, so the signals that this process handles are blocked in every thread and read from a descriptor
// instead.
#pragma once

#include <optional>

#include "protocol/result.hpp"

namespace herd::node {

class Signals {
 public:
  // Blocks SIGTERM, SIGINT and SIGHUP in the calling thread and in all that it starts afterwards: call it in main(),
  // first. Ignores SIGPIPE: a client that is gone is an error of a write, not of the process.
  [[nodiscard]] static protocol::Result<Signals> block();

  Signals(Signals&& other) noexcept;
  Signals& operator=(Signals&&) = delete;
  ~Signals();

  // Readable when take() has something.
  [[nodiscard]] int descriptor() const { return descriptor_; }

  // The next signal that came, or nothing. Never waits.
  [[nodiscard]] std::optional<int> take();

 private:
  explicit Signals(int descriptor) : descriptor_(descriptor) {}
  int descriptor_ = -1;  // -1: moved from
};

}  // namespace herd::node
