// Which of many sockets are ready: epoll, level-triggered, so that to go on waiting for a socket costs nothing. Waits
// never block; the poll's own descriptor is readable while a socket is ready. Owns the epoll instance, not the sockets;
// one that is closed is no longer watched. Loop thread only.
#pragma once

#include <sys/epoll.h>

#include <array>
#include <cstddef>
#include <span>

namespace herd::node {

class SocketPoll {
 public:
  static constexpr std::size_t kMostAtOnce = 64;

  // Throws std::system_error where the system gives it no descriptor.
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

  // From now on `wanted` instead of `watched`, which is what was asked for last; at first nothing. A socket that
  // nothing is wanted of is not watched at all, not even for its end. `owner` comes back with what is ready. False: the
  // system has no room for it.
  [[nodiscard]] bool watch(int descriptor, void* owner, Interest watched, Interest wanted);

  struct Ready {
    void* owner = nullptr;
    bool to_receive = false;  // or it has ended, or is broken
  };

  // Those that are ready now, at most kMostAtOnce, those that have waited longest first. Good until the next call.
  [[nodiscard]] std::span<const Ready> take_ready();

  [[nodiscard]] int descriptor() const { return descriptor_; }

 private:
  int descriptor_;
  std::array<epoll_event, kMostAtOnce> events_;
  std::array<Ready, kMostAtOnce> ready_;
};

}  // namespace herd::node
