// A buffer pool for ZeroMQ messages that one thread fills and other threads destroy. Destroyed messages return their
// buffers to the pool. With malloc, the threads would contend for its lock at every message above 1 kB. Used by the
// thread that fills; only the messages may be destroyed on other threads.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <memory>
#include <zmq.hpp>

namespace herd::node::places {

class MessageBuffers {
 public:
  static constexpr std::size_t kBufferBytes = 6'144;  // 20 places have about 4 kB; larger messages do not use the pool
  static constexpr std::size_t kMaxPooled = 512;      // most free buffers, 3 MB; further ones are freed

  MessageBuffers() : home_(std::make_shared<Home>()) {}
  MessageBuffers(const MessageBuffers&) = delete;
  MessageBuffers& operator=(const MessageBuffers&) = delete;
  ~MessageBuffers();

  // Returns a message of `size` bytes with undefined content. It may be destroyed on any thread, also after this
  // object.
  [[nodiscard]] zmq::message_t make(std::size_t size);

  // The number of free buffers in the pool.
  [[nodiscard]] std::size_t spare() const { return home_->spare; }

 private:
  struct Home;
  struct Buffer {
    std::shared_ptr<Home> home;    // while the buffer belongs to a message
    std::unique_ptr<Buffer> next;  // while the buffer is free
    std::array<char, kBufferBytes> bytes;
  };
  // A lock-free stack of free buffers. Any thread pushes one; the filling thread takes the whole stack at once, so
  // there is no ABA problem.
  struct Home {
    std::atomic<Buffer*> returned = nullptr;
    std::atomic<std::size_t> spare = 0;

    Home() = default;
    Home(const Home&) = delete;
    Home& operator=(const Home&) = delete;
    ~Home() { drop(take_all()); }

    void put(std::unique_ptr<Buffer> buffer);
    [[nodiscard]] std::unique_ptr<Buffer> take_all() { return std::unique_ptr<Buffer>(returned.exchange(nullptr)); }
  };

  // Frees a list of buffers in a loop: nested destructors could overflow the stack.
  static void drop(std::unique_ptr<Buffer> first);
  static void give_back(void* bytes, void* buffer);

  std::shared_ptr<Home> home_;
  std::unique_ptr<Buffer> taken_;  // free buffers that the filling thread has taken from the stack
};

}  // namespace herd::node::places
