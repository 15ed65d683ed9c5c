#include "node/base/socket_poll.hpp"

#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace herd::node {

SocketPoll::SocketPoll() : descriptor_(epoll_create1(EPOLL_CLOEXEC)) {
  if (descriptor_ < 0) throw std::system_error(errno, std::system_category(), "epoll");
}

SocketPoll::~SocketPoll() {
  close(descriptor_);
}

bool SocketPoll::watch(int descriptor, void* owner, Interest watched, Interest wanted) {
  if (watched == wanted) return true;
  epoll_event event{};
  event.events = (wanted.to_receive ? EPOLLIN : 0U) | (wanted.to_send ? EPOLLOUT : 0U);
  event.data.ptr = owner;
  const int operation = wanted.none() ? EPOLL_CTL_DEL : watched.none() ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
  return epoll_ctl(descriptor_, operation, descriptor, &event) == 0;
}

std::span<const SocketPoll::Ready> SocketPoll::take_ready() {
  const int count = epoll_wait(descriptor_, events_.data(), static_cast<int>(events_.size()), 0);
  std::size_t size = 0;
  for (; count > 0 && size < static_cast<std::size_t>(count); ++size) {
    ready_[size] = {events_[size].data.ptr, (events_[size].events & ~static_cast<unsigned>(EPOLLOUT)) != 0};
  }
  return std::span(ready_).first(size);
}

}  // namespace herd::node
