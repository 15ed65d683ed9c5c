// Watches a descriptor of another owner, such as a ZeroMQ socket, and calls a function each time it becomes readable.
// Loop thread only. The destructor stops watching and leaves the descriptor open; it may run in any handler of the loop
// but `readable` of the same watch.
#pragma once

#include <asio/io_context.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <functional>
#include <memory>

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
  // Shared with a wait that is under way: it may end after the watch, if the descriptor had become readable before.
  struct State {
    std::function<void()> readable;
    bool is_armed = false;
    bool is_over = false;
  };

  asio::posix::stream_descriptor descriptor_;
  std::shared_ptr<State> state_;
};

}  // namespace herd::node
