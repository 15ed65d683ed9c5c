#include "node/clients/connection.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <system_error>
#include <utility>

#include "node/base/limits.hpp"

namespace herd::node {

namespace {

constexpr std::string_view kSpeaksTls = "This port speaks TLS: connect with TLS, for example with openssl s_client.\n";
constexpr std::string_view kSpeaksNoTls =
    "This port does not speak TLS: connect without TLS, or set tls = \"on\" under [clients] in herd.toml.\n";

}  // namespace

using Opening = ClientStream::Opening;

Connection::Connection(Socket socket, const Session::Parts& parts, std::string from, Session::Origin origin)
    : parts_(parts),
      stream_(std::move(socket)),
      session_(parts, std::move(from), origin),
      since_(parts.clock.now().steady) {}

void Connection::receive(std::span<char> buffer) {
  if (stream_.is_opening() && !open()) return;
  std::error_code error;
  const std::size_t wanted = is_discarding_ ? buffer.size() : std::min(buffer.size(), parts().memory.read_bytes());
  const std::size_t count = stream_.receive(buffer.first(wanted), error);
  if (error) {
    if (!try_again(error)) close(error.message());
  } else if (count == 0) {
    if (is_discarding_) {
      close("client has closed");
    } else {
      session_.receive_end();
    }
  } else {
    parts().counters.bytes_in += count;
    if (is_discarding_) {
      discard(count);
    } else if (!std::exchange(has_received_, true) && !stream_.has_tls() && is_tls({buffer.data(), count})) {
      refuse_tls();
    } else {
      session_.receive(buffer.first(count));
    }
  }
}

// Begins or continues a TLS handshake. Returns true when the stream is open.
bool Connection::open() {
  std::error_code error;
  switch (stream_.open(parts().clock.now().steady, error)) {
    case Opening::Open:
      if (stream_.has_tls()) ++parts().counters.tls_handshakes;
      return true;
    case Opening::Waits:
      break;
    case Opening::Ended:
      close(error ? error.message() : "client has closed");
      break;
    case Opening::PlainText:
      refuse_plain_text(kSpeaksTls);
      break;
    case Opening::Http:
      refuse_plain_text(parts().http_answer);
      break;
    case Opening::TooMany:
      ++parts().counters.tls_handshakes_refused;
      if (parts().warnings.allows(ClientWarning::HandshakeRefused, parts().clock.now())) {
        spdlog::warn("event=tls_handshake_refused from={} reason=\"too many handshakes are under way\"",
                     session_.from());
      }
      close("too many TLS handshakes are under way");
      break;
    case Opening::Failed:
      ++parts().counters.tls_handshakes_failed;
      handshake_failed(error.message());
      break;
  }
  return false;
}

void Connection::handshake_failed(std::string_view reason) {
  if (parts().warnings.allows(ClientWarning::HandshakeFailed, parts().clock.now())) {
    spdlog::warn("event=tls_handshake_failed from={} reason=\"{}\"", session_.from(), reason);
  }
  close(reason);
}

// Answers in plain text and half-closes. What has come is discarded, so that no reset destroys the answer.
void Connection::refuse(std::string_view answer) {
  std::error_code error;
  parts().counters.bytes_out += stream_.send_plain(answer, error);
  if (error) {
    close(error.message());
  } else {
    half_close();
  }
}

void Connection::refuse_plain_text(std::string_view answer) {
  ++parts().counters.tls_plain_text;
  if (parts().warnings.allows(ClientWarning::PlainText, parts().clock.now())) {
    spdlog::warn("event=plain_text_refused from={} reason=\"this port speaks TLS\"", session_.from());
  }
  refuse(answer);
}

void Connection::refuse_tls() {
  ++parts().counters.tls_not_spoken;
  if (parts().warnings.allows(ClientWarning::TlsNotSpoken, parts().clock.now())) {
    spdlog::warn("event=tls_refused from={} reason=\"this port does not speak TLS\"", session_.from());
  }
  refuse(kSpeaksNoTls);
}

void Connection::send() {
  if (!is_open() || stream_.is_opening()) return;
  std::error_code error;
  stream_.flush(error);
  while (!error && !session_.output().empty()) {
    const std::size_t count = stream_.send(session_.output(), error);
    if (error) break;
    parts().counters.bytes_out += count;
    session_.sent(count);
  }
  if (!error) {
    end_if_finished();
  } else if (!try_again(error)) {
    close(error.message());
  }
}

void Connection::finish() {
  session_.finish();
  if (stream_.is_opening()) {
    close("node stops");
    return;
  }
  const bool is_quiet = parts().clock.now().steady - session_.last_active() >= kMaxDiscardTime && !stream_.has_bytes();
  if (is_quiet && session_.ending() == Session::Ending::HalfClose && end_output()) {
    close("node stops");  // all replies have arrived long ago, so a TCP reset cannot destroy one
  }
}

void Connection::close_if_overdue() {
  if (!is_open()) {
    return;
  }
  if (is_discarding_) {
    if (parts().clock.now().steady - since_ >= kMaxDiscardTime) {
      close("client has not closed");
    }
  } else if (stream_.handshake_since()) {
    close_if_handshake_is_overdue();
  } else if (is_without_line()) {
    ++parts().counters.connections_without_line;
    close("no line within first_line_timeout");
  } else if (session_.is_unacknowledged()) {
    if (parts().warnings.allows(ClientWarning::Unacknowledged, parts().clock.now())) {
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

// Whether no whole line, or no right token where one is needed, has come within first_line_timeout.
bool Connection::is_without_line() const {
  return !session_.is_established() && parts().clock.now().steady - since_ >= parts().config.first_line_timeout;
}

// A handshake also ends at first_line_timeout, because no line can have come.
void Connection::close_if_handshake_is_overdue() {
  const bool is_overdue = parts().clock.now().steady - *stream_.handshake_since() >= kHandshakeTimeout;
  if (!is_overdue && !is_without_line()) return;
  ++parts().counters.tls_handshakes_timed_out;
  handshake_failed("the client did not complete it in time");
}

void Connection::close(std::string_view reason) {
  spdlog::debug("event=connection_closed from={} reason=\"{}\"", session_.from(), reason);
  stream_.close();
}

void Connection::end_if_finished() {
  if (!is_open() || is_discarding_) {
    return;
  }
  switch (session_.ending()) {
    case Session::Ending::NotYet:
      break;
    case Session::Ending::Close:
      if (end_output()) close("client has half-closed");
      break;
    case Session::Ending::HalfClose:
      if (end_output()) half_close();
      break;
  }
}

// Returns false while a part of the output, or the end of TLS, waits until the socket is writable.
bool Connection::end_output() {
  std::error_code error;
  if (!stream_.holds_output()) stream_.end_tls(error);
  if (error && !try_again(error)) close(error.message());
  return is_open() && !stream_.holds_output();
}

void Connection::half_close() {
  std::error_code error;
  stream_.half_close(error);
  if (error) {
    close(error.message());
    return;
  }
  is_discarding_ = true;
  since_ = parts().clock.now().steady;
}

void Connection::discard(std::size_t count) {
  discarded_bytes_ += static_cast<std::uint32_t>(count);
  if (discarded_bytes_ > kMaxDiscardedBytes) {
    close("client does not stop sending");
  }
}

}  // namespace herd::node
