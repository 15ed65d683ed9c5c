#include "node/tls/tls_stream.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <cerrno>
#include <new>
#include <utility>

#include "node/base/limits.hpp"
#include "node/tls/tls_errors.hpp"

namespace herd::node {

void TlsStream::Free::operator()(ssl_st* ssl) const {
  SSL_free(ssl);
}

TlsStream::TlsStream(const TlsContext& context, int descriptor) : ssl_(SSL_new(context.get())) {
  if (!ssl_ || SSL_set_fd(ssl_.get(), descriptor) != 1) throw std::bad_alloc();
  SSL_set_accept_state(ssl_.get());
}

bool TlsStream::handshake(std::error_code& error) {
  ERR_clear_error();
  const int result = SSL_do_handshake(ssl_.get());
  if (result == 1) {
    waits_to_send_ = false;
    has_input_ = SSL_has_pending(ssl_.get()) == 1;
    SSL_set_msg_callback(ssl_.get(), count_message);
    SSL_set_msg_callback_arg(ssl_.get(), this);
    return true;
  }
  error = error_of(result);
  if (has_ended_) error = std::make_error_code(std::errc::connection_aborted);  // close_notify instead of the next step
  return false;
}

// OpenSSL calls it for each message that it sends or receives.
void TlsStream::count_message(int is_sent, int /*version*/, int type, const void* /*bytes*/, std::size_t /*size*/,
                              ssl_st* /*ssl*/, void* stream) {
  if (is_sent == 0 && type == SSL3_RT_HANDSHAKE) ++static_cast<TlsStream*>(stream)->messages_;
}

std::size_t TlsStream::receive(std::span<char> buffer, std::error_code& error) {
  has_input_ = false;
  error = std::exchange(last_, {});
  if (error || has_ended_) return 0;
  std::size_t size = 0;
  for (std::size_t records = 0; records < kMaxRecordsInOneGo && size < buffer.size(); ++records) {
    std::size_t count = 0;
    const std::size_t messages = messages_;
    ERR_clear_error();
    const int result = SSL_read_ex(ssl_.get(), buffer.data() + size, buffer.size() - size, &count);
    if (messages_ > kMaxTlsMessages) {
      error = std::make_error_code(std::errc::protocol_error);
      return 0;
    }
    if (result != 1) {
      const std::error_code found = error_of(result);
      const bool waits = found == std::errc::operation_would_block;
      has_input_ = waits && messages_ != messages && SSL_has_pending(ssl_.get()) == 1;
      if (has_input_) continue;  // after a KeyUpdate
      if (size == 0) {
        error = found;
      } else if (!waits) {
        last_ = found;
        has_input_ = true;
      }
      return size;
    }
    waits_to_send_ = false;
    size += count;
    // Without bytes in OpenSSL's buffer another read would be a system call: the owner waits for the socket instead.
    has_input_ = SSL_has_pending(ssl_.get()) == 1;
    if (!has_input_) break;
  }
  return size;
}

std::size_t TlsStream::send(std::string_view bytes, std::error_code& error) {
  if (holds_output()) {
    flush(error);
    if (error) return 0;
  }
  std::size_t count = 0;
  ERR_clear_error();
  const int result = SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &count);
  if (result == 1) return count;
  const bool is_waiting = SSL_get_error(ssl_.get(), result) == SSL_ERROR_WANT_WRITE;
  if (!is_waiting) {
    error = error_of(result);
    return 0;
  }
  // OpenSSL has encrypted the first record and must be given the same bytes again. The caller's output may change by
  // then, so this object keeps them.
  held_.assign(bytes.substr(0, SSL3_RT_MAX_PLAIN_LENGTH));
  return held_.size();
}

void TlsStream::flush(std::error_code& error) {
  while (!held_.empty() && !error) {
    std::size_t count = 0;
    ERR_clear_error();
    const int result = SSL_write_ex(ssl_.get(), held_.data(), held_.size(), &count);
    if (result == 1) {
      held_.erase(0, count);
    } else if (SSL_get_error(ssl_.get(), result) == SSL_ERROR_WANT_WRITE) {
      error = std::make_error_code(std::errc::operation_would_block);
    } else {
      error = error_of(result);
    }
  }
  if (!held_.empty()) return;
  std::string().swap(held_);
  if (end_ == End::Waits) end_sending(error);
}

void TlsStream::end_sending(std::error_code& error) {
  if (end_ == End::Sent) return;
  ERR_clear_error();
  const int result = SSL_shutdown(ssl_.get());
  end_ = result >= 0 ? End::Sent : End::Waits;
  if (result >= 0) return;
  const bool waits = SSL_get_error(ssl_.get(), result) == SSL_ERROR_WANT_WRITE;
  error = waits ? std::make_error_code(std::errc::operation_would_block) : error_of(result);
}

// The error of a call that returned `result`, and what the connection waits for.
std::error_code TlsStream::error_of(int result) {
  const int system_error = errno;
  waits_to_send_ = false;
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_WRITE:
      waits_to_send_ = true;
      return std::make_error_code(std::errc::operation_would_block);
    case SSL_ERROR_WANT_READ:
      return std::make_error_code(std::errc::operation_would_block);
    case SSL_ERROR_ZERO_RETURN:
      has_ended_ = true;
      return {};
    case SSL_ERROR_SYSCALL:
      ERR_clear_error();
      return {system_error == 0 ? ECONNRESET : system_error, std::system_category()};
    default:
      return take_tls_error();
  }
}

}  // namespace herd::node
