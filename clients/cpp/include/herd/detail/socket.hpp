// A TCP connection that is never waited for longer than its deadline. POSIX only. One thread owns it.
#pragma once

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "herd/types.hpp"

namespace herd::detail {

inline Error network_error(const std::string& step, int code) {
  return {ErrorKind::Network, step + ": " + std::generic_category().message(code)};
}

class Socket final : public Stream {
 public:
  // Tries the addresses of the host one after another; each one gets its share of the time. The name server is waited
  // for without a bound of this library (getaddrinfo).
  static std::unique_ptr<Stream> connect(const std::string& host, const std::string& port, Deadline deadline) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    const int status = ::getaddrinfo(host.c_str(), port.c_str(), &hints, &found);
    if (status != 0) throw Error(ErrorKind::Network, "no address of " + host + ": " + ::gai_strerror(status));
    const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> addresses(found, &::freeaddrinfo);
    int left = 0;
    for (const addrinfo* each = found; each != nullptr; each = each->ai_next) ++left;
    for (const addrinfo* each = found;; each = each->ai_next, --left) {
      const auto now = SteadyClock::now();
      try {
        return std::unique_ptr<Stream>(new Socket(*each, now + (deadline - now) / left));
      } catch (const Error&) {
        if (each->ai_next == nullptr) throw;
      }
    }
  }

  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  ~Socket() override { ::close(descriptor_); }

  void write(std::string_view bytes, Deadline deadline) override {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent >= 0) {
        bytes.remove_prefix(static_cast<std::size_t>(sent));
      } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
        if (!wait(POLLOUT, deadline)) throw Error(ErrorKind::Timeout, "the node takes no bytes");
      } else if (errno != EINTR) {
        throw network_error("send", errno);
      }
    }
  }

  std::optional<std::size_t> read(char* to, std::size_t size, Deadline deadline) override {
    while (true) {
      const ssize_t received = ::recv(descriptor_, to, size, 0);
      if (received >= 0) return static_cast<std::size_t>(received);
      if (errno == EAGAIN || errno == EWOULDBLOCK) {
        if (!wait(POLLIN, deadline)) return std::nullopt;
      } else if (errno != EINTR) {
        throw network_error("receive", errno);
      }
    }
  }

 private:
  Socket(const addrinfo& address, Deadline deadline)
      : descriptor_(::socket(address.ai_family, address.ai_socktype, address.ai_protocol)) {
    if (descriptor_ < 0) throw network_error("socket", errno);
    try {
      begin(address, deadline);
    } catch (...) {
      ::close(descriptor_);
      throw;
    }
  }

  void begin(const addrinfo& address, Deadline deadline) {
    const int on = 1;
    ::fcntl(descriptor_, F_SETFD, FD_CLOEXEC);
    ::fcntl(descriptor_, F_SETFL, ::fcntl(descriptor_, F_GETFL) | O_NONBLOCK);
    ::setsockopt(descriptor_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    ::setsockopt(descriptor_, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    if (::connect(descriptor_, address.ai_addr, address.ai_addrlen) == 0) return;
    if (errno != EINPROGRESS && errno != EINTR) throw network_error("connect", errno);
    if (!wait(POLLOUT, deadline)) throw Error(ErrorKind::Timeout, "the node does not accept the connection in time");
    int code = 0;
    socklen_t size = sizeof code;
    ::getsockopt(descriptor_, SOL_SOCKET, SO_ERROR, &code, &size);
    if (code != 0) throw network_error("connect", code);
  }

  // Returns false after the deadline. The first look is made also after it.
  [[nodiscard]] bool wait(short events, Deadline deadline) const {
    while (true) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - SteadyClock::now()).count();
      pollfd poll{descriptor_, events, 0};
      const int ready = ::poll(&poll, 1, static_cast<int>(std::clamp<std::int64_t>(left, 0, 3'600'000)));
      if (ready > 0) return true;
      if (ready < 0 && errno != EINTR) throw network_error("poll", errno);
      if (SteadyClock::now() >= deadline) return false;
    }
  }

  int descriptor_;
};

}  // namespace herd::detail
