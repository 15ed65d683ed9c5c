// A client's connection: its socket and its session, both owned by it. receive() and send() do as much as is possible
// without blocking, and return; the front end waits until the socket is ready again. Owned by the front end, used on
// the loop's thread only.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "node/base/socket.hpp"
#include "node/clients/session.hpp"
#include "protocol/clock.hpp"

namespace herd::node {

class Connection {
 public:
  // `parts` must outlive the connection. `from`: the client's address, for the log.
  Connection(Socket socket, const Session::Parts& parts, std::string from);

  // Reads once from the socket, and gives the bytes to the session. Uses `buffer` only during the call.
  void receive(std::span<char> buffer);

  // Sends as much output as the socket accepts. When the session has ended, closes or half-closes the connection.
  void send();

  // The node stops: commands already received are still answered, then the connection closes.
  void finish();

  // Closes the connection if one of its timeouts has passed: idle_timeout, ack_timeout, or kMaxDiscardTime since the
  // node half-closed it. Call it about once per second.
  void close_if_overdue();

  // Closes the socket at once. `reason` is for the log.
  void close(std::string_view reason);

  // Whether to wait until the socket is readable, and until it is writable. If both are false, the session waits for a
  // lookup or an acknowledgement, or the connection is closed.
  [[nodiscard]] bool wants_to_receive() const { return is_open() && (is_discarding_ || session_.wants_bytes()); }
  [[nodiscard]] bool wants_to_send() const { return is_open() && !session_.output().empty(); }
  [[nodiscard]] bool is_open() const { return socket_.is_open(); }

  [[nodiscard]] Session& session() { return session_; }
  [[nodiscard]] const Socket& socket() const { return socket_; }

 private:
  void end_if_finished();
  void half_close();
  void discard(std::size_t count);

  const Session::Parts& parts_;
  Socket socket_;
  Session session_;
  bool is_discarding_ = false;  // the node has half-closed: further input is discarded
  std::size_t discarded_bytes_ = 0;
  protocol::Nanoseconds discards_since_{};
};

}  // namespace herd::node
