// A connected, non-blocking TCP socket. Functions report a failed system call as an error_code; try_again(error) is
// true if the call can succeed later. Owns the descriptor. Loop thread only.
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <span>
#include <string_view>
#include <system_error>

namespace herd::node {

class Socket {
 public:
  // Takes ownership of a descriptor that was opened with SOCK_NONBLOCK.
  explicit Socket(int descriptor) : descriptor_(descriptor) {}
  Socket(Socket&& other) noexcept;
  Socket& operator=(Socket&& other) noexcept;
  ~Socket() { close(); }

  // Sets TCP_NODELAY, so that replies leave at once, and SO_OOBINLINE: a telnet client sends the byte after IAC as
  // urgent data, which would be lost otherwise.
  void set_options(std::error_code& error);

  // Returns the number of bytes received. 0 without an error means that the other side has half-closed.
  [[nodiscard]] std::size_t receive(std::span<char> buffer, std::error_code& error);

  // The same, but the bytes stay in the kernel: the next receive() returns them too.
  [[nodiscard]] std::size_t peek(std::span<char> buffer, std::error_code& error) const;

  // Returns the number of bytes that the kernel accepted.
  [[nodiscard]] std::size_t send(std::string_view bytes, std::error_code& error);

  // The same for several pieces in one system call.
  [[nodiscard]] std::size_t send(std::span<const iovec> pieces, std::error_code& error);

  // Half-closes: sends the end of the output. Bytes can still be received.
  void end_sending(std::error_code& error);

  // Makes close() reset the connection, so that the kernel does not keep output that the other side does not read.
  void forget_unsent();

  // Whether receive() would return bytes.
  [[nodiscard]] bool has_bytes() const;

  // Whether the other side has sent its end, or is gone. Bytes before the end may be unread.
  [[nodiscard]] bool has_ended() const;

  void close();
  [[nodiscard]] bool is_open() const { return descriptor_ >= 0; }
  [[nodiscard]] int descriptor() const { return descriptor_; }  // -1: closed

 private:
  int descriptor_;
};

// Whether a call failed only because there were no bytes, or no space, at that moment.
[[nodiscard]] bool try_again(const std::error_code& error);

}  // namespace herd::node
