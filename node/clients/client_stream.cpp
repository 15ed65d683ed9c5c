#include "node/clients/client_stream.hpp"

#include <array>
#include <utility>

#include "protocol/assert.hpp"

namespace herd::node {
namespace {

constexpr char kHandshakeRecord = 0x16;
constexpr char kMajorVersion = 3;

bool is_http(std::string_view bytes) {
  return bytes.starts_with("GET ") || bytes.starts_with("HEAD ") || bytes.starts_with("POST ");
}

}  // namespace

bool is_tls(std::string_view bytes) {
  return bytes.size() >= 2 && bytes[0] == kHandshakeRecord && bytes[1] == kMajorVersion;
}

void ClientStream::expect_tls(Handshakes& handshakes, ClientAddresses::Entry& address, ReplyMemory& memory) {
  tls_ = std::make_unique<Tls>(handshakes, address, memory);
}

// Returns Open if a handshake may begin.
ClientStream::Opening ClientStream::look_at_first_byte(std::error_code& error) const {
  std::array<char, 5> bytes{};
  const std::size_t count = socket_.peek(bytes, error);
  if (error) return try_again(error) ? Opening::Waits : Opening::Ended;
  if (count == 0) return Opening::Ended;
  if (bytes[0] == kHandshakeRecord) return Opening::Open;
  return is_http({bytes.data(), count}) ? Opening::Http : Opening::PlainText;
}

// Takes a place among the handshakes under way. Returns Open if there is one, or if the port no longer speaks TLS.
ClientStream::Opening ClientStream::begin_handshake(protocol::Nanoseconds now, std::error_code& error) {
  const Opening first = look_at_first_byte(error);
  if (first != Opening::Open) return first;
  if (!tls_->handshakes.admit(tls_->address)) return Opening::TooMany;
  tls_->slot.emplace(tls_->handshakes, tls_->address, socket_.descriptor());
  tls_->since = now;
  return Opening::Open;
}

ClientStream::Opening ClientStream::open(protocol::Nanoseconds now, std::error_code& error) {
  HERD_ASSERT(is_opening());
  if (!tls_->stream && !tls_->handshakes.is_on()) {  // a reload has switched TLS off since the connection was accepted
    tls_.reset();
    return Opening::Open;
  }
  if (!tls_->slot) {
    const Opening begun = begin_handshake(now, error);
    if (begun != Opening::Open) return begun;
  }
  if (tls_->slot->is_displaced()) return Opening::TooMany;
  if (!tls_->stream && socket_.has_ended()) {  // it would not read the answer
    error = std::make_error_code(std::errc::connection_aborted);
    return Opening::Failed;
  }
  tls_->waits_for_step = !tls_->handshakes.take_step();
  if (tls_->waits_for_step) return Opening::Waits;
  if (!tls_->stream) tls_->stream.emplace(*tls_->handshakes.context(), socket_.descriptor());
  if (!tls_->stream->handshake(error)) return try_again(error) ? Opening::Waits : Opening::Failed;
  tls_->slot.reset();
  return Opening::Open;
}

std::optional<protocol::Nanoseconds> ClientStream::handshake_since() const {
  if (tls_ == nullptr || !tls_->slot) return std::nullopt;
  return tls_->since;
}

std::size_t ClientStream::receive(std::span<char> buffer, std::error_code& error) {
  return tls_ == nullptr ? socket_.receive(buffer, error) : tls_->stream->receive(buffer, error);
}

std::size_t ClientStream::send(std::string_view bytes, std::error_code& error) {
  if (tls_ == nullptr) return socket_.send(bytes, error);
  const std::size_t taken = tls_->stream->send(bytes, error);
  tls_->count();
  return taken;
}

void ClientStream::flush(std::error_code& error) {
  if (!holds_output()) return;
  tls_->stream->flush(error);
  tls_->count();
}

void ClientStream::end_tls(std::error_code& error) {
  if (tls_ != nullptr) tls_->stream->end_sending(error);
}

void ClientStream::half_close(std::error_code& error) {
  tls_.reset();
  socket_.end_sending(error);
}

void ClientStream::close() {
  tls_.reset();
  socket_.close();
}

std::size_t ClientStream::send_plain(std::string_view bytes, std::error_code& error) {
  return socket_.send(bytes, error);
}

}  // namespace herd::node
