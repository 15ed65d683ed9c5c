// The server's side of one TLS connection over a connected, non-blocking socket of another owner. Calls do as much as
// is possible without blocking; try_again(error) (node/base/socket.hpp) is true if a call can succeed later.
//
// After an unsuccessful call, wait until the socket is readable, or if waits_to_send(), writable. OpenSSL reads ahead:
// while has_input(), call receive() again without waiting for the socket. SIGPIPE must be ignored. One thread at a
// time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <system_error>

#include "node/tls/tls_context.hpp"

struct ssl_st;  // OpenSSL's SSL

namespace herd::node {

class TlsStream {
 public:
  // Keeps its own reference to the context's OpenSSL object. Does not own the descriptor, which must stay open as long
  // as this object. Throws std::bad_alloc.
  TlsStream(const TlsContext& context, int descriptor);
  TlsStream(const TlsStream&) = delete;  // OpenSSL calls it back
  TlsStream& operator=(const TlsStream&) = delete;

  // Continues the handshake. Returns true when it is complete. An error that try_again() does not accept ends it.
  [[nodiscard]] bool handshake(std::error_code& error);

  // Returns the number of bytes received, at most those of kMaxRecordsInOneGo records. 0 without an error means that
  // the other side has half-closed (close_notify). The end of the TCP connection without it is an error,
  // and so are more than kMaxTlsMessages messages of the handshake protocol.
  [[nodiscard]] std::size_t receive(std::span<char> buffer, std::error_code& error);

  // Whether receive() may return something without new bytes from the socket.
  [[nodiscard]] bool has_input() const { return has_input_; }

  // Returns the number of bytes taken of `bytes`, which must not be empty. If the socket accepts none now, it may take
  // up to one record of them (16 KiB) nevertheless, and sends them at the next flush().
  [[nodiscard]] std::size_t send(std::string_view bytes, std::error_code& error);

  // Sends what an earlier send() took. Call it when the socket is writable and holds_output().
  void flush(std::error_code& error);
  [[nodiscard]] bool holds_output() const { return !held_.empty() || end_ == End::Waits; }
  // Memory that the bytes of that record take: here, and encrypted in OpenSSL.
  [[nodiscard]] std::size_t held_bytes() const { return 2 * held_.size(); }

  // Half-closes: sends close_notify, at the next flush() if the socket does not accept it now. Call it only after
  // everything was sent.
  void end_sending(std::error_code& error);

  // Whether the last handshake() or receive() waits until the socket is writable.
  [[nodiscard]] bool waits_to_send() const { return waits_to_send_; }

 private:
  struct Free {
    void operator()(ssl_st* ssl) const;
  };

  enum class End : std::uint8_t { NotYet, Waits, Sent };  // of close_notify

  static void count_message(int is_sent, int version, int type, const void* bytes, std::size_t size, ssl_st* ssl,
                            void* stream);
  [[nodiscard]] std::error_code error_of(int result);

  std::unique_ptr<ssl_st, Free> ssl_;
  std::string held_;          // bytes of a record that the socket has not accepted completely
  std::size_t messages_ = 0;  // of the handshake protocol, received after the handshake
  std::error_code last_;      // an error that receive() found after bytes, which it returns at the next call
  End end_ = End::NotYet;
  bool has_ended_ = false;  // the other side has half-closed
  bool has_input_ = false;
  bool waits_to_send_ = false;
};

}  // namespace herd::node
