// Memory for messages that one thread fills and others end: it comes back here and is filled again. With malloc the two
// would wait for each other's lock, at every message of more than a kilobyte. Used on the thread that fills; only the
// messages may end elsewhere.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <memory>
#include <zmq.hpp>

namespace herd::node::places {

class MessageBuffers {
 public:
  static constexpr std::size_t kBufferBytes = 6'144;  // 20 places with their texts are some 4 kB; longer ones are rare
  static constexpr std::size_t kMaxPooled = 512;      // kept for later, 3 MB

  MessageBuffers() : home_(std::make_shared<Home>()) {}
  MessageBuffers(const MessageBuffers&) = delete;
  MessageBuffers& operator=(const MessageBuffers&) = delete;
  ~MessageBuffers();

  // A message of so many bytes, not yet written. It may end on any thread, also when this object is no more.
  [[nodiscard]] zmq::message_t make(std::size_t size);

  // How many buffers wait to be filled again.
  [[nodiscard]] std::size_t spare() const { return home_->spare; }

 private:
  struct Home;
  struct Buffer {
    std::shared_ptr<Home> home;    // while it is filled
    std::unique_ptr<Buffer> next;  // while it waits
    std::array<char, kBufferBytes> bytes;
  };
  // Where buffers wait. Any thread puts one on top; the filling one takes all that are there, which no other can
  // change under it.
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

  // One after the other: as many as wait would be too deep for destructors that call each other.
  static void drop(std::unique_ptr<Buffer> first);
  static void give_back(void* bytes, void* buffer);

  std::shared_ptr<Home> home_;
  std::unique_ptr<Buffer> taken_;  // of those that came back
};

}  // namespace herd::node::places
