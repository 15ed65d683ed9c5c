// Delivers signals through a descriptor (signalfd). A signal handler would interrupt libzmq's calls, which fail in
// places where the error is not checked. So the signals that this process handles are blocked in every thread, and read
// from the descriptor. Owns the descriptor; loop thread only.
#pragma once

#include <optional>

#include "protocol/result.hpp"

namespace herd::node {

class Signals {
 public:
  // Blocks SIGTERM, SIGINT and SIGHUP in the calling thread and in all threads that it starts afterwards: call it first
  // in main(). Ignores SIGPIPE and SIGXFSZ, so that a closed connection or a limit of file sizes is an error of the
  // write.
  [[nodiscard]] static protocol::Result<Signals> block();

  Signals(Signals&& other) noexcept;
  Signals& operator=(Signals&&) = delete;
  ~Signals();

  // Readable if take() returns a signal.
  [[nodiscard]] int descriptor() const { return descriptor_; }

  // Returns the number of the next received signal, or nullopt. Never blocks.
  [[nodiscard]] std::optional<int> take();

 private:
  explicit Signals(int descriptor) : descriptor_(descriptor) {}
  int descriptor_ = -1;  // -1: moved from
};

}  // namespace herd::node
