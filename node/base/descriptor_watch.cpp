#include "node/base/descriptor_watch.hpp"

#include <utility>

namespace herd::node {

DescriptorWatch::DescriptorWatch(asio::io_context& io, int descriptor, std::function<void()> readable)
    : descriptor_(io, descriptor), state_(std::make_shared<State>(State{std::move(readable)})) {}

DescriptorWatch::~DescriptorWatch() {
  state_->is_over = true;
  descriptor_.release();
}

void DescriptorWatch::arm() {
  if (std::exchange(state_->is_armed, true)) return;
  descriptor_.async_wait(asio::posix::stream_descriptor::wait_read, [state = state_](const std::error_code& error) {
    if (error || state->is_over) return;
    state->is_armed = false;
    state->readable();
  });
}

}  // namespace herd::node
