// The bytes of one client's connection: over TCP in plain text, or over TLS. After expect_tls() a stream begins with
// is_opening(): call open() until it returns something else than Waits. It looks at the first byte before it makes
// the TLS objects, so a connection that sends nothing costs no more than in plain text. Calls do as much as is possible
// without blocking. Owns the socket. Loop thread only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <system_error>
#include <utility>

#include "node/base/socket.hpp"
#include "node/clients/client_addresses.hpp"
#include "node/clients/handshakes.hpp"
#include "node/clients/reply_memory.hpp"
#include "node/tls/tls_stream.hpp"
#include "protocol/clock.hpp"

namespace herd::node {

class ClientStream {
 public:
  explicit ClientStream(Socket socket) : socket_(std::move(socket)) {}

  // The stream begins with a TLS handshake. Call it before any other function. All must outlive the stream; what it
  // holds of the output is counted in `memory`.
  void expect_tls(Handshakes& handshakes, ClientAddresses::Entry& address, ReplyMemory& memory);

  enum class Opening : std::uint8_t {
    Open,       // the handshake is complete: receive() and send() may be called
    Waits,      // for bytes, for space, or for a step (waits_for_step())
    Ended,      // the client closed before its first byte
    PlainText,  // the first byte is not one of TLS
    Http,       // the same: a request that begins with GET, HEAD or POST
    TooMany,    // the limits of handshakes do not allow another one
    Failed,     // the handshake
  };
  // `now` is steady time. `error` is the reason of Failed, and perhaps of Ended.
  [[nodiscard]] Opening open(protocol::Nanoseconds now, std::error_code& error);
  [[nodiscard]] bool is_opening() const { return tls_ != nullptr && (!tls_->stream || tls_->slot); }
  // The handshake can continue, but the steps of this loop iteration are used up: call open() in the next one.
  [[nodiscard]] bool waits_for_step() const { return tls_ != nullptr && tls_->waits_for_step; }
  // When the handshake under way began, in steady time; nullopt if none is under way.
  [[nodiscard]] std::optional<protocol::Nanoseconds> handshake_since() const;

  // As Socket::receive(), but the end of the input is close_notify of TLS.
  [[nodiscard]] std::size_t receive(std::span<char> buffer, std::error_code& error);
  // Whether receive() may return something although the socket is not readable.
  [[nodiscard]] bool has_input() const { return tls_ != nullptr && tls_->stream && tls_->stream->has_input(); }
  // Whether bytes of the client have arrived that receive() has not returned.
  [[nodiscard]] bool has_bytes() const { return has_input() || socket_.has_bytes(); }

  // As Socket::send(). With TLS it may take bytes that the socket does not accept yet: wait until the socket is
  // writable while holds_output(), and call flush().
  [[nodiscard]] std::size_t send(std::string_view bytes, std::error_code& error);
  void flush(std::error_code& error);
  [[nodiscard]] bool holds_output() const { return tls_ != nullptr && tls_->stream && tls_->stream->holds_output(); }

  [[nodiscard]] bool has_tls() const { return tls_ != nullptr; }

  // Whether open() or receive() waits until the socket is writable, and not until it is readable.
  [[nodiscard]] bool input_waits_to_send() const {
    return tls_ != nullptr && tls_->stream && tls_->stream->waits_to_send();
  }

  // Ends the output of TLS with close_notify; does nothing in plain text. Not complete while holds_output().
  void end_tls(std::error_code& error);

  // Sends the end of the output of TCP, and drops the state of TLS. From now on receive() returns the bytes of TCP,
  // encrypted or not, only to be discarded.
  void half_close(std::error_code& error);

  void close();
  [[nodiscard]] bool is_open() const { return socket_.is_open(); }
  [[nodiscard]] int descriptor() const { return socket_.descriptor(); }

  // Sends bytes in plain text, whatever the port speaks. Only before open() has seen a byte of TLS.
  [[nodiscard]] std::size_t send_plain(std::string_view bytes, std::error_code& error);

 private:
  struct Tls {
    Tls(Handshakes& all, ClientAddresses::Entry& of, ReplyMemory& counts)
        : handshakes(all), address(of), memory(counts) {}
    ~Tls() { memory.change(counted, 0); }
    Tls(const Tls&) = delete;
    Tls& operator=(const Tls&) = delete;

    void count() { memory.change(counted, stream->held_bytes()); }

    Handshakes& handshakes;
    ClientAddresses::Entry& address;
    ReplyMemory& memory;
    std::uint32_t counted = 0;             // bytes of this stream in `memory`
    std::optional<Handshakes::Slot> slot;  // from the first byte of a handshake to its end
    std::optional<TlsStream> stream;       // from the first step of the handshake on
    bool waits_for_step = false;
    protocol::Nanoseconds since{};  // when it began
  };

  [[nodiscard]] Opening look_at_first_byte(std::error_code& error) const;
  [[nodiscard]] Opening begin_handshake(protocol::Nanoseconds now, std::error_code& error);

  Socket socket_;
  std::unique_ptr<Tls> tls_;  // nullptr: plain text
};

// Whether the bytes are the beginning of a TLS handshake: a record of the type handshake of SSL 3.0 or TLS.
[[nodiscard]] bool is_tls(std::string_view bytes);

}  // namespace herd::node
