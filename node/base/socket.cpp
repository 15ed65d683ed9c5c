#include "node/base/socket.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace herd::node {
namespace {

// Converts the result of recv() or send(): a number of bytes, or -1 with errno.
std::size_t moved(ssize_t count, std::error_code& error) {
  if (count >= 0) return static_cast<std::size_t>(count);
  error.assign(errno, std::system_category());
  return 0;
}

}  // namespace

Socket::Socket(Socket&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}

Socket& Socket::operator=(Socket&& other) noexcept {
  close();
  descriptor_ = std::exchange(other.descriptor_, -1);
  return *this;
}

void Socket::set_options(std::error_code& error) {
  const int on = 1;
  if (setsockopt(descriptor_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0 ||
      setsockopt(descriptor_, SOL_SOCKET, SO_OOBINLINE, &on, sizeof on) != 0) {
    error.assign(errno, std::system_category());
  }
}

std::size_t Socket::receive(std::span<char> buffer, std::error_code& error) {
  return moved(::recv(descriptor_, buffer.data(), buffer.size(), 0), error);
}

std::size_t Socket::peek(std::span<char> buffer, std::error_code& error) const {
  return moved(::recv(descriptor_, buffer.data(), buffer.size(), MSG_PEEK), error);
}

std::size_t Socket::send(std::string_view bytes, std::error_code& error) {
  return moved(::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL), error);
}

std::size_t Socket::send(std::span<const iovec> pieces, std::error_code& error) {
  msghdr message{};
  message.msg_iov = const_cast<iovec*>(pieces.data());  // sendmsg() does not write to it
  message.msg_iovlen = pieces.size();
  return moved(::sendmsg(descriptor_, &message, MSG_NOSIGNAL), error);
}

void Socket::end_sending(std::error_code& error) {
  if (shutdown(descriptor_, SHUT_WR) != 0) error.assign(errno, std::system_category());
}

void Socket::forget_unsent() {
  const linger at_once{1, 0};
  (void)setsockopt(descriptor_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

bool Socket::has_bytes() const {
  int count = 0;
  return ioctl(descriptor_, FIONREAD, &count) == 0 && count > 0;
}

bool Socket::has_ended() const {
  pollfd state{descriptor_, POLLRDHUP, 0};
  return ::poll(&state, 1, 0) > 0;
}

void Socket::close() {
  if (const int descriptor = std::exchange(descriptor_, -1); descriptor >= 0) ::close(descriptor);
}

bool try_again(const std::error_code& error) {
  return error == std::errc::operation_would_block || error == std::errc::resource_unavailable_try_again ||
         error == std::errc::interrupted;
}

}  // namespace herd::node
