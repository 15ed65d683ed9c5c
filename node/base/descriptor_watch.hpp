// Watches a descriptor that somebody else owns, such as a ZeroMQ socket's, and says each time it becomes readable.
// Loop thread only; stops watching at its end and leaves the descriptor open.
#pragma once

#include <asio/io_context.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <functional>

namespace herd::node {

class DescriptorWatch {
 public:
  // `readable` is called in the loop. ZeroMQ's descriptors stay readable until the socket is asked for its events, so
  // it must bring that about within the same turn.
  DescriptorWatch(asio::io_context& io, int descriptor, std::function<void()> readable);
  ~DescriptorWatch();
  DescriptorWatch(const DescriptorWatch&) = delete;
  DescriptorWatch& operator=(const DescriptorWatch&) = delete;

  // Waits for the next time. Called at the end of a turn, when the socket has been looked at: to wait earlier would be
  // to be woken by the same event again.
  void arm();

 private:
  asio::posix::stream_descriptor descriptor_;
  std::function<void()> readable_;
  bool armed_ = false;
};

}  // namespace herd::node
