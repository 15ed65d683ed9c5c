// A client's session with its socket. receive() and send() do what is possible without blocking and return; the front
// end waits until the socket is ready again. Used on the loop's thread only; owns the socket and the session.
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

  // Closes the connection if one of its timeouts has passed: idle_timeout, ack_timeout, or kMaxDiscardTime after a
  // half-close by the node.
  void close_if_overdue();

  // Closes the socket at once. `reason` is for the log.
  void close(std::string_view reason);

  // What to wait for on the socket. If both are false, the session waits for a lookup or an acknowledgement, or the
  // connection is closed.
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
