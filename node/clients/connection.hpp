// A session on its socket: receive() and send() do what can be done now and return; waiting until more can be done is
// the front end's part. Used on the loop's thread only; owns the socket.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "node/clients/session.hpp"
#include "node/base/socket.hpp"
#include "protocol/clock.hpp"

namespace herd::node {

class Connection {
 public:
  // `parts` must outlive the connection.
  Connection(Socket socket, const Session::Parts& parts, std::string from);

  // Takes what one read gives. `buffer` is only borrowed.
  void receive(std::span<char> buffer);

  // Sends what the socket takes. Ends the connection when all is said.
  void send();

  // The node stops: what was heard is still answered, then the connection ends by itself.
  void finish();

  // Closes what has been idle, or has waited or discarded input, for too long.
  void close_if_overdue();

  // `reason` is for the log.
  void close(std::string_view reason);

  // What to wait for next. Neither: a lookup's answer, or nothing more at all if it is not open.
  [[nodiscard]] bool wants_to_receive() const { return is_open() && (is_discarding_ || session_.wants_bytes()); }
  [[nodiscard]] bool wants_to_send() const { return is_open() && !session_.output().empty(); }
  [[nodiscard]] bool is_open() const { return socket_.is_open(); }

  [[nodiscard]] Session& session() { return session_; }
  [[nodiscard]] const Socket& socket() const { return socket_; }

 private:
  void end_if_all_is_said();
  void half_close();
  void discard(std::size_t count);

  const Session::Parts& parts_;
  Socket socket_;
  Session session_;
  bool is_discarding_ = false;  // half-closed by the node: what comes is thrown away
  std::size_t discarded_bytes_ = 0;
  protocol::Nanoseconds discards_since_{};
};

}  // namespace herd::node
