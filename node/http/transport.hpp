// The bytes of one HTTP connection: over TCP in plain text, or over TLS after begin_tls(). Calls do as much as is
// possible without blocking; try_again(error) (node/base/socket.hpp) is true if a call can succeed later. Owns the
// socket. HTTP thread only.
#pragma once

#include <asio/ip/tcp.hpp>
#include <asio/post.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <system_error>
#include <utility>

#include "node/tls/tls_context.hpp"
#include "node/tls/tls_stream.hpp"

namespace herd::node::http {

class Transport {
 public:
  explicit Transport(asio::ip::tcp::socket socket) : socket_(std::move(socket)) {}

  // What the first byte of the client begins. It stays in the kernel, so a connection that sends nothing has no TLS
  // object.
  enum class First : std::uint8_t { Waits, Ended, Tls, PlainText };
  [[nodiscard]] First look_at_first_byte();

  // Makes the TLS objects, which take about 60 kB until the handshake is complete, then 15 kB. After it call
  // handshake() until it returns true or an error that ends it; then the other functions speak TLS.
  void begin_tls(const TlsContext& context);
  [[nodiscard]] bool handshake(std::error_code& error) { return tls_->handshake(error); }
  [[nodiscard]] bool has_tls() const { return tls_ != nullptr; }

  // Returns the number of bytes received. 0 without an error: the client has ended its side.
  [[nodiscard]] std::size_t receive(std::span<char> buffer, std::error_code& error);

  // Returns the number of bytes taken of `bytes`, which may be empty. With TLS it may take up to kMaxTlsWriteBytes that
  // the kernel does not accept yet: while holds_output(), call send() when the socket is writable.
  [[nodiscard]] std::size_t send(std::string_view bytes, std::error_code& error);
  [[nodiscard]] bool holds_output() const { return tls_ && tls_->holds_output(); }
  [[nodiscard]] std::size_t held_bytes() const { return tls_ ? tls_->held_bytes() : 0; }

  // Ends the output of TLS with close_notify; not complete while holds_output(). Does nothing in plain text.
  void end_tls(std::error_code& error);

  // Sends the end of the output of TCP and drops the TLS objects. From now on receive() returns the bytes of TCP,
  // encrypted or not, only to be discarded.
  void half_close(std::error_code& error);

  // Closes the socket. `resets`: with a reset; after an ordinary close the kernel would hold unread bytes for minutes.
  void close(bool resets);

  // Whether the kernel's send buffer has bytes that the client has not acknowledged.
  [[nodiscard]] bool has_unsent_bytes();

  // Call `handler(error)` later: when receive() or handshake() can continue, or when the socket is writable.
  template <typename Handler>
  void wait_to_read(Handler handler) {
    if (tls_ && tls_->has_input()) return post([handler = std::move(handler)] { handler(std::error_code()); });
    socket_.async_wait(tls_ && tls_->waits_to_send() ? asio::socket_base::wait_write : asio::socket_base::wait_read,
                       std::move(handler));
  }
  template <typename Handler>
  void wait_to_write(Handler handler) {
    socket_.async_wait(asio::socket_base::wait_write, std::move(handler));
  }
  template <typename Handler>
  void post(Handler handler) {
    asio::post(socket_.get_executor(), std::move(handler));
  }

 private:
  asio::ip::tcp::socket socket_;
  std::unique_ptr<TlsStream> tls_;  // nullptr: plain text
};

}  // namespace herd::node::http
