// A connected TCP socket that never blocks. What the system refuses is an error_code; try_again(error) tells whether
// that was only for now. Owns the descriptor. Loop thread only.
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <span>
#include <string_view>
#include <system_error>

namespace herd::node {

class Socket {
 public:
  // Takes over a descriptor that was opened with SOCK_NONBLOCK.
  explicit Socket(int descriptor) : descriptor_(descriptor) {}
  Socket(Socket&& other) noexcept;
  Socket& operator=(Socket&& other) noexcept;
  ~Socket() { close(); }

  // Replies leave at once; a telnet client's urgent byte stays in its place, or the byte behind its IAC would be lost.
  void set_options(std::error_code& error);

  // How many bytes came; 0 without an error: the peer has ended its side.
  [[nodiscard]] std::size_t receive(std::span<char> buffer, std::error_code& error);

  // How many of the bytes were taken.
  [[nodiscard]] std::size_t send(std::string_view bytes, std::error_code& error);

  // The same of several pieces in one call.
  [[nodiscard]] std::size_t send(std::span<const iovec> pieces, std::error_code& error);

  // Says the end to the peer; what it still sends can be received.
  void end_sending(std::error_code& error);

  // close() will break the connection instead of keeping in the kernel what the peer has not taken.
  void forget_unsent();

  // There are bytes that receive() would give.
  [[nodiscard]] bool has_bytes() const;

  void close();
  [[nodiscard]] bool is_open() const { return descriptor_ >= 0; }
  [[nodiscard]] int descriptor() const { return descriptor_; }  // -1: closed

 private:
  int descriptor_;
};

// Nothing was there, or there was no room, just now.
[[nodiscard]] bool try_again(const std::error_code& error);

}  // namespace herd::node
