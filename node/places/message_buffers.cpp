#include "node/places/message_buffers.hpp"

#include <utility>

namespace herd::node::places {

zmq::message_t MessageBuffers::make(std::size_t size) {
  if (size > kBufferBytes) {
    return zmq::message_t(size);
  }
  if (!taken_) taken_ = home_->take_all();
  std::unique_ptr<Buffer> buffer;
  if (taken_) {
    buffer = std::exchange(taken_, std::move(taken_->next));
    --home_->spare;
  } else {
    buffer.reset(new Buffer);  // make_unique would fill it with zeros
  }
  buffer->home = home_;
  char* const bytes = buffer->bytes.data();
  zmq::message_t message(bytes, size, &MessageBuffers::give_back, buffer.get());
  (void)buffer.release();  // the message owns it now
  return message;
}

MessageBuffers::~MessageBuffers() {
  drop(std::move(taken_));
}

void MessageBuffers::Home::put(std::unique_ptr<Buffer> buffer) {
  if (++spare > kMaxPooled) {
    --spare;
    return;
  }
  Buffer* const top = buffer.release();
  Buffer* below = returned.load();
  do {
    (void)top->next.release();
    top->next.reset(below);
  } while (!returned.compare_exchange_weak(below, top));
}

void MessageBuffers::drop(std::unique_ptr<Buffer> first) {
  while (first) {
    auto next = std::move(first->next);
    first = std::move(next);
  }
}

// Called by libzmq, on the thread that destroys the message.
void MessageBuffers::give_back(void* /*bytes*/, void* buffer) {
  std::unique_ptr<Buffer> back(static_cast<Buffer*>(buffer));
  const std::shared_ptr<Home> home = std::move(back->home);
  home->put(std::move(back));
}

}  // namespace herd::node::places
