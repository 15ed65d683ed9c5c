#include "node/places/message_buffers.hpp"

#include <algorithm>
#include <optional>
#include <thread>
#include <vector>

#include "tests/catch.hpp"

using namespace herd::node::places;

TEST_CASE("the buffer of a destroyed message is used again") {
  MessageBuffers buffers;
  std::optional<zmq::message_t> message = buffers.make(100);
  CHECK(message->size() == 100);
  const void* const bytes = message->data();
  CHECK(buffers.spare() == 0);
  message.reset();
  CHECK(buffers.spare() == 1);
  CHECK(buffers.make(MessageBuffers::kBufferBytes).data() == bytes);
}

TEST_CASE("a message longer than a buffer does not use the pool") {
  MessageBuffers buffers;
  zmq::message_t message = buffers.make(MessageBuffers::kBufferBytes + 1);
  CHECK(message.size() == MessageBuffers::kBufferBytes + 1);
  std::fill_n(message.data<char>(), message.size(), 'x');
  message.rebuild();
  CHECK(buffers.spare() == 0);
}

TEST_CASE("the number of free buffers is bounded") {
  MessageBuffers buffers;
  std::vector<zmq::message_t> messages;
  for (std::size_t i = 0; i < MessageBuffers::kMaxPooled + 10; ++i) messages.push_back(buffers.make(1));
  messages.clear();
  CHECK(buffers.spare() == MessageBuffers::kMaxPooled);
}

TEST_CASE("a message may be destroyed on another thread, and after the pool") {
  std::optional<MessageBuffers> buffers(std::in_place);
  std::thread([message = buffers->make(10)]() mutable { message.rebuild(); }).join();
  CHECK(buffers->spare() == 1);
  zmq::message_t last = buffers->make(10);
  buffers.reset();
  std::fill_n(last.data<char>(), last.size(), 'x');
  CHECK(last.to_string_view() == "xxxxxxxxxx");
}

TEST_CASE("buffers of messages that several threads destroy at once all return, each once") {
  MessageBuffers buffers;
  for (int round = 0; round < 50; ++round) {
    std::vector<std::vector<zmq::message_t>> parts(4);
    for (auto& part : parts) {
      for (int i = 0; i < 32; ++i) part.push_back(buffers.make(10));
    }
    CHECK(buffers.spare() == 0);
    std::vector<std::thread> threads;
    for (auto& part : parts) threads.emplace_back([&part] { part.clear(); });
    for (std::thread& thread : threads) thread.join();
    CHECK(buffers.spare() == 128);
  }
}
