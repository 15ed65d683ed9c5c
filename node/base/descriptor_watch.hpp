// Watches a descriptor of another owner, such as a ZeroMQ socket, and calls a function each time it becomes readable.
// Loop thread only. The destructor stops watching and leaves the descriptor open.
#pragma once

#include <asio/io_context.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <functional>

namespace herd::node {

class DescriptorWatch {
 public:
  // `readable` is called by the loop. A ZeroMQ descriptor stays readable until the socket's ZMQ_EVENTS are read, so
  // `readable` must cause that within the same loop iteration.
  DescriptorWatch(asio::io_context& io, int descriptor, std::function<void()> readable);
  ~DescriptorWatch();
  DescriptorWatch(const DescriptorWatch&) = delete;
  DescriptorWatch& operator=(const DescriptorWatch&) = delete;

  // Waits for the next time; without effect if it is waiting already. Call it at the end of a loop iteration, after the
  // socket's events were read: if it waited earlier, the same event would wake the loop again.
  void arm();

 private:
  asio::posix::stream_descriptor descriptor_;
  std::function<void()> readable_;
  bool armed_ = false;
};

}  // namespace herd::node
