// Finds the ready ones among many sockets with a level-triggered epoll, so that a socket with unread bytes stays ready
// without a further call. Never blocks; descriptor() is readable while a socket is ready. Owns the epoll instance, not
// the sockets. A socket that is closed is no longer watched. Loop thread only.
#pragma once

#include <sys/epoll.h>

#include <array>
#include <cstddef>
#include <span>

namespace herd::node {

class SocketPoll {
 public:
  static constexpr std::size_t kMostAtOnce = 64;

  // Throws std::system_error if no descriptor is available.
  SocketPoll();
  ~SocketPoll();
  SocketPoll(const SocketPoll&) = delete;
  SocketPoll& operator=(const SocketPoll&) = delete;

  struct Interest {
    bool to_receive = false;
    bool to_send = false;
    bool operator==(const Interest&) const = default;
    [[nodiscard]] bool none() const { return !to_receive && !to_send; }
  };

  // Watches for `wanted` from now on. `watched` is the `wanted` of the last call for this socket, at first none. A
  // socket with wanted.none() is not watched at all, also not for its end. `owner` is returned in Ready. Returns false
  // if the kernel refuses, for example for lack of memory.
  [[nodiscard]] bool watch(int descriptor, void* owner, Interest watched, Interest wanted);

  struct Ready {
    void* owner = nullptr;
    bool to_receive = false;  // there are bytes, or the end of the input, or an error
  };

  // Returns the ready sockets, at most kMostAtOnce, longest ready first. The span is valid until the next call.
  [[nodiscard]] std::span<const Ready> take_ready();

  [[nodiscard]] int descriptor() const { return descriptor_; }

 private:
  int descriptor_;
  std::array<epoll_event, kMostAtOnce> events_;
  std::array<Ready, kMostAtOnce> ready_;
};

}  // namespace herd::node
