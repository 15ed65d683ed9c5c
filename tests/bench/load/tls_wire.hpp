// TLS over a connected socket of another owner, for the load generator. It does not check the server's certificate.
// Used by the generator's only thread.
#pragma once

#include <openssl/ssl.h>
#include <sys/types.h>

#include <cstddef>
#include <memory>

namespace herd::bench {

class TlsWire {
 public:
  // Makes the handshake; the socket must be blocking. Throws std::runtime_error if that fails.
  explicit TlsWire(int descriptor);

  // As send() and recv() of the system, with errno EAGAIN if the socket is not ready. A send() that was not complete
  // must be repeated with the same bytes.
  ssize_t send(const char* bytes, std::size_t size);
  ssize_t receive(char* bytes, std::size_t size);

  // Whether receive() may return bytes although the socket is not readable.
  [[nodiscard]] bool has_pending() const { return SSL_has_pending(ssl_.get()) == 1; }

 private:
  [[nodiscard]] ssize_t failed(int result) const;

  std::unique_ptr<SSL, decltype(&SSL_free)> ssl_{nullptr, SSL_free};
};

}  // namespace herd::bench
