#include "tests/bench/load/tls_wire.hpp"

#include <openssl/err.h>

#include <cerrno>
#include <csignal>
#include <stdexcept>
#include <string>

namespace herd::bench {
namespace {

SSL_CTX* context() {
  static SSL_CTX* const shared = [] {
    std::signal(SIGPIPE, SIG_IGN);  // OpenSSL writes without MSG_NOSIGNAL
    SSL_CTX* const made = SSL_CTX_new(TLS_client_method());
    if (made == nullptr) throw std::runtime_error("OpenSSL has no memory");
    SSL_CTX_set_mode(made, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_read_ahead(made, 1);
    return made;
  }();
  return shared;
}

}  // namespace

TlsWire::TlsWire(int descriptor) {
  ssl_.reset(SSL_new(context()));
  if (!ssl_ || SSL_set_fd(ssl_.get(), descriptor) != 1) throw std::runtime_error("OpenSSL has no memory");
  if (SSL_connect(ssl_.get()) == 1) return;
  const char* reason = ERR_reason_error_string(ERR_get_error());
  throw std::runtime_error(std::string("the TLS handshake failed: ") + (reason == nullptr ? "closed" : reason));
}

ssize_t TlsWire::failed(int result) const {
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
      errno = EAGAIN;
      return -1;
    case SSL_ERROR_ZERO_RETURN:
      return 0;
    default:
      errno = ECONNRESET;
      return -1;
  }
}

ssize_t TlsWire::send(const char* bytes, std::size_t size) {
  std::size_t sent = 0;
  ERR_clear_error();
  const int result = SSL_write_ex(ssl_.get(), bytes, size, &sent);
  return result == 1 ? static_cast<ssize_t>(sent) : failed(result);
}

ssize_t TlsWire::receive(char* bytes, std::size_t size) {
  std::size_t got = 0;
  ERR_clear_error();
  const int result = SSL_read_ex(ssl_.get(), bytes, size, &got);
  return result == 1 ? static_cast<ssize_t>(got) : failed(result);
}

}  // namespace herd::bench
