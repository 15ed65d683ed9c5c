// A client's connection: its stream and its session, both owned by it. receive() and send() do as much as is possible
// without blocking, and return; the front end waits until the socket is ready again. Owned by the front end, used on
// the loop's thread only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "node/base/socket.hpp"
#include "node/clients/client_addresses.hpp"
#include "node/clients/client_stream.hpp"
#include "node/clients/handshakes.hpp"
#include "node/clients/session.hpp"
#include "protocol/clock.hpp"

namespace herd::node {

class Connection {
 public:
  // `parts` must outlive the connection. `from` and `origin` as for Session.
  Connection(Socket socket, const Session::Parts& parts, std::string from, Session::Origin origin);

  // The connection begins with a TLS handshake. Call it before any other function. Both must outlive the connection.
  void expect_tls(Handshakes& handshakes, ClientAddresses::Entry& address) {
    stream_.expect_tls(handshakes, address, parts().memory);
  }

  // Continues a TLS handshake, or reads once and gives the bytes to the session. Uses `buffer` only during the call.
  void receive(std::span<char> buffer);

  // Sends as much output as the socket accepts. When the session has ended, closes or half-closes the connection.
  void send();

  // The node stops: commands already received are still answered, then the connection closes.
  void finish();

  // Closes the connection if one of its timeouts has passed: idle_timeout, ack_timeout, first_line_timeout,
  // kHandshakeTimeout, or kMaxDiscardTime since the node half-closed it. Call it about once per second.
  void close_if_overdue();

  // Closes the socket at once. `reason` is for the log.
  void close(std::string_view reason);

  // Whether to wait until the socket is readable, and until it is writable. If both are false, the session waits for a
  // lookup or an acknowledgement, the handshake waits for its next step, or the connection is closed.
  [[nodiscard]] bool wants_to_receive() const {
    return is_open() && (is_discarding_ || session_.wants_bytes()) && !stream_.input_waits_to_send() &&
           !stream_.waits_for_step();
  }
  [[nodiscard]] bool wants_to_send() const {
    return is_open() && (!session_.output().empty() || stream_.holds_output() || stream_.input_waits_to_send());
  }
  [[nodiscard]] bool is_open() const { return stream_.is_open(); }

  // Whether to call receive() in the next loop iteration without waiting for the socket: TLS has read ahead, or a
  // handshake waits for its next step.
  [[nodiscard]] bool has_input() const {
    return is_open() && (stream_.waits_for_step() || (stream_.has_input() && wants_to_receive()));
  }
  // Whether to call receive() when the socket is writable.
  [[nodiscard]] bool receives_when_writable() const {
    return is_open() && (is_discarding_ || session_.wants_bytes()) && stream_.input_waits_to_send();
  }

  [[nodiscard]] Session& session() { return session_; }
  [[nodiscard]] int descriptor() const { return stream_.descriptor(); }

 private:
  [[nodiscard]] const Session::Parts& parts() const { return parts_; }
  [[nodiscard]] bool open();
  void refuse(std::string_view answer);
  void refuse_plain_text(std::string_view answer);
  void refuse_tls();
  void handshake_failed(std::string_view reason);
  [[nodiscard]] bool is_without_line() const;
  void close_if_handshake_is_overdue();
  void end_if_finished();
  [[nodiscard]] bool end_output();
  void half_close();
  void discard(std::size_t count);

  const Session::Parts& parts_;
  ClientStream stream_;
  Session session_;
  bool has_received_ = false;
  bool is_discarding_ = false;  // the node has half-closed: further input is discarded
  std::uint32_t discarded_bytes_ = 0;
  protocol::Nanoseconds since_;  // when the connection began, or when the node half-closed it, in steady time
};

}  // namespace herd::node
