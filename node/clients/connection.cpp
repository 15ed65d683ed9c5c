#include "node/clients/connection.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <system_error>
#include <utility>

#include "node/base/limits.hpp"

namespace herd::node {

Connection::Connection(Socket socket, const Session::Parts& parts, std::string from)
    : parts_(parts), socket_(std::move(socket)), session_(parts, std::move(from)) {}

void Connection::receive(std::span<char> buffer) {
  std::error_code error;
  const std::size_t wanted = is_discarding_ ? buffer.size() : std::min(buffer.size(), session_.wanted_bytes());
  const std::size_t count = socket_.receive(buffer.first(wanted), error);
  if (error) {
    if (!try_again(error)) close(error.message());
  } else if (count == 0) {
    if (is_discarding_) {
      close("client has closed");
    } else {
      session_.receive_end();
    }
  } else {
    parts_.counters.bytes_in += count;
    if (is_discarding_) {
      discard(count);
    } else {
      session_.receive(buffer.first(count));
    }
  }
}

void Connection::send() {
  while (wants_to_send()) {
    std::error_code error;
    const std::size_t count = socket_.send(session_.output(), error);
    if (error) {
      if (!try_again(error)) close(error.message());
      return;
    }
    parts_.counters.bytes_out += count;
    session_.sent(count);
  }
  end_if_finished();
}

void Connection::finish() {
  session_.finish();
  const bool is_quiet = parts_.clock.now().steady - session_.last_active() >= kMaxDiscardTime && !socket_.has_bytes();
  if (is_quiet && session_.ending() == Session::Ending::HalfClose) {
    close("node stops");  // all replies have arrived long ago, so a TCP reset cannot destroy one
  }
}

void Connection::close_if_overdue() {
  if (!is_open()) {
    return;
  }
  if (is_discarding_) {
    if (parts_.clock.now().steady - discards_since_ >= kMaxDiscardTime) {
      close("client has not closed");
    }
  } else if (session_.is_unacknowledged()) {
    if (parts_.warnings.allows(ClientWarning::Unacknowledged, parts_.clock.now())) {
      spdlog::warn(
          "event=unacknowledged from={} reason=\"update not acknowledged within ack_timeout: too few replicas, the "
          "journal stalls, or another process has this node's name\"",
          session_.from());
    }
    close("not acknowledged in time");
  } else if (session_.is_overdue()) {
    close(session_.output().empty() ? "idle" : "client does not read");
  }
}

void Connection::close(std::string_view reason) {
  spdlog::debug("event=connection_closed from={} reason=\"{}\"", session_.from(), reason);
  socket_.close();
}

void Connection::end_if_finished() {
  if (!is_open() || is_discarding_) {
    return;
  }
  switch (session_.ending()) {
    case Session::Ending::NotYet:
      break;
    case Session::Ending::Close:
      close("client has half-closed");
      break;
    case Session::Ending::HalfClose:
      half_close();
      break;
  }
}

void Connection::half_close() {
  std::error_code error;
  socket_.end_sending(error);
  if (error) {
    close(error.message());
    return;
  }
  is_discarding_ = true;
  discards_since_ = parts_.clock.now().steady;
}

void Connection::discard(std::size_t count) {
  discarded_bytes_ += count;
  if (discarded_bytes_ > kMaxDiscardedBytes) {
    close("client does not stop sending");
  }
}

}  // namespace herd::node
