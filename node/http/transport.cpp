#include "node/http/transport.hpp"

#include <linux/sockios.h>
#include <sys/ioctl.h>

#include <asio/buffer.hpp>
#include <asio/error.hpp>
#include <utility>

#include "node/base/socket.hpp"
#include "node/http/limits.hpp"

namespace herd::node::http {
namespace {

using asio::ip::tcp;

constexpr char kHandshakeRecord = 0x16;

// The same error in std::system_category(): try_again() does not know the errors of the category of Asio.
std::error_code of_system(const std::error_code& error) {
  return {error.value(), std::system_category()};
}

}  // namespace

Transport::First Transport::look_at_first_byte() {
  char first = 0;
  std::error_code error;
  const std::size_t count = socket_.receive(asio::buffer(&first, 1), asio::socket_base::message_peek, error);
  if (error) return try_again(of_system(error)) ? First::Waits : First::Ended;
  if (count == 0) return First::Ended;
  return first == kHandshakeRecord ? First::Tls : First::PlainText;
}

void Transport::begin_tls(const TlsContext& context) {
  tls_ = std::make_unique<TlsStream>(context, socket_.native_handle());
}

std::size_t Transport::receive(std::span<char> buffer, std::error_code& error) {
  if (tls_) return tls_->receive(buffer, error);
  const std::size_t count = socket_.read_some(asio::buffer(buffer.data(), buffer.size()), error);
  error = error == asio::error::eof ? std::error_code() : of_system(error);
  return count;
}

std::size_t Transport::send(std::string_view bytes, std::error_code& error) {
  if (holds_output()) {
    tls_->flush(error);
    if (error) return 0;
  }
  if (bytes.empty()) return 0;
  if (tls_) return tls_->send(bytes.substr(0, kMaxTlsWriteBytes), error);
  const std::size_t count = socket_.send(asio::buffer(bytes), 0, error);
  error = of_system(error);
  return count;
}

void Transport::end_tls(std::error_code& error) {
  if (tls_) tls_->end_sending(error);
}

void Transport::half_close(std::error_code& error) {
  tls_.reset();
  socket_.shutdown(tcp::socket::shutdown_send, error);
}

void Transport::close(bool resets) {
  tls_.reset();
  std::error_code ignored;
  if (resets) socket_.set_option(asio::socket_base::linger(true, 0), ignored);
  socket_.close(ignored);
}

bool Transport::has_unsent_bytes() {
  int count = 0;
  return ioctl(socket_.native_handle(), SIOCOUTQ, &count) == 0 && count > 0;
}

}  // namespace herd::node::http
