#include "node/base/descriptor_watch.hpp"

#include <utility>

namespace herd::node {

DescriptorWatch::DescriptorWatch(asio::io_context& io, int descriptor, std::function<void()> readable)
    : descriptor_(io, descriptor), readable_(std::move(readable)) {}

DescriptorWatch::~DescriptorWatch() {
  descriptor_.release();
}

void DescriptorWatch::arm() {
  if (armed_) return;
  armed_ = true;
  descriptor_.async_wait(asio::posix::stream_descriptor::wait_read, [this](const std::error_code& error) {
    if (error) return;  // the descriptor was released: this object may be destroyed
    armed_ = false;
    readable_();
  });
}

}  // namespace herd::node
