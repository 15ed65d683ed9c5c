#include "node/http/connection.hpp"

#include <algorithm>
#include <exception>
#include <span>
#include <system_error>
#include <utility>

#include "node/base/socket.hpp"
#include "protocol/unreachable.hpp"

namespace herd::node::http {
namespace {

constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

}  // namespace

Connection::Connection(asio::ip::tcp::socket socket, asio::ip::address group, Shared& shared)
    : transport_(std::move(socket)), group_(std::move(group)), shared_(shared), parser_(shared.limits.request) {}

void Connection::begin() {
  if (shared_.tls) {
    enter(State::Opening, shared_.limits.handshake_time);
    return open();
  }
  enter(State::Reading, shared_.limits.request_time);
  read_request();
}

void Connection::enter(State state, Clock::duration time) {
  state_ = state;
  waits_since_ = Clock::now();
  deadline_ = waits_since_ + time;
}

// ---- TLS -----------------------------------------------------------------------------------------------------------

void Connection::open() {
  if (!transport_.has_tls() && !shared_.tls) {  // a reload has switched TLS off since the connection was accepted
    enter(State::Reading, shared_.limits.request_time);
    return read_request();
  }
  if (!transport_.has_tls()) {
    switch (transport_.look_at_first_byte()) {
      case Transport::First::Waits:
        return wait_to_read();
      case Transport::First::Ended:
        return close();
      case Transport::First::PlainText:
        return refuse({400, "this port speaks TLS: use https:// instead of http://"});
      case Transport::First::Tls:
        break;
    }
  }
  waits_for_turn_ = true;
  shared_.open_soon();
}

void Connection::take_turn() {
  waits_for_turn_ = false;
  if (!transport_.has_tls() && !shared_.tls) return open();
  if (!transport_.has_tls()) transport_.begin_tls(*shared_.tls);
  std::error_code error;
  if (transport_.handshake(error)) {
    ++shared_.figures.tls_handshakes;
    enter(State::Reading, shared_.limits.request_time);
    return read_request();
  }
  if (try_again(error)) return wait_to_read();
  ++shared_.figures.tls_handshakes_failed;
  half_close();  // not close(): unread bytes would make the kernel send a reset, which can destroy the TLS alert
}

// ---- reading -------------------------------------------------------------------------------------------------------

void Connection::wait_to_read() {
  if (std::exchange(waits_to_read_, true)) return;
  transport_.wait_to_read([self = shared_from_this()](const std::error_code& error) {
    self->waits_to_read_ = false;
    if (!error) self->on_readable();
  });
}

void Connection::on_readable() {
  switch (state_) {
    case State::Opening:
      return open();
    case State::Reading:
      return read_request();
    case State::Streaming:
    case State::Discarding:
      return discard();
    case State::Answering:
    case State::Writing:
    case State::Closed:
      return;  // the next state that reads waits again
  }
  protocol::unreachable();
}

// Reads into the shared buffer and returns the number of bytes. 0: there were none, or the connection is closed because
// the client has closed its side or the read failed.
std::size_t Connection::receive(std::size_t most) {
  std::error_code error;
  const std::size_t count = transport_.receive(std::span(shared_.read_buffer).first(most), error);
  if (error ? !try_again(error) : count == 0) close();
  return error ? 0 : count;
}

void Connection::read_request() {
  const std::size_t count = receive(kReadBytes);
  if (count > 0) take({shared_.read_buffer.data(), count});
  if (state_ == State::Reading && pipelined_.empty()) wait_to_read();
}

void Connection::take(std::string_view bytes) {
  if (request_ > 0 && !parser_.has_begun()) enter(State::Reading, shared_.limits.request_time);
  while (!bytes.empty() && state_ == State::Reading) {
    bytes.remove_prefix(parser_.take(bytes));
    switch (parser_.state()) {
      case RequestParser::State::RequestLine:
      case RequestParser::State::Headers:
        break;
      case RequestParser::State::Body:
        check_head();
        break;
      case RequestParser::State::Complete:
        pipelined_ = bytes;
        dispatch();
        return;
      case RequestParser::State::Refused:
        refuse(parser_.refusal());
        return;
    }
  }
}

// Refuses a request without a page before its body is read. Sends 100 Continue to a client that waits for it.
void Connection::check_head() {
  if (std::exchange(is_head_checked_, true)) return;
  auto found = shared_.router.find(parser_.request(), group_);
  if (found.refusal) {
    closes_ = true;
    ++shared_.figures.requests_refused;
    respond(std::move(*found.refusal));
  } else if (!reserve_body()) {
    closes_ = true;
    ++shared_.figures.requests_refused;
    auto response = text_response(503, "too many large bodies are under way: try again later");
    response.headers.push_back({"Retry-After", "1"});
    respond(std::move(response));
  } else if (parser_.request().expects_continue) {
    const Sent sent = send_some(kContinue);
    // 0 bytes sent: the client continues after a timeout
    if (sent.has_failed || (sent.bytes > 0 && sent.bytes < kContinue.size())) close();
  }
}

void Connection::dispatch() {
  const Request& request = parser_.request();
  ++request_;
  ++shared_.figures.requests;
  closes_ = !request.keep_alive;
  auto found = shared_.router.find(request, group_);
  if (found.refusal) {
    ++shared_.figures.requests_refused;
    // After an unknown method, such as CONNECT, the next bytes may not be HTTP.
    if (found.refusal->status != 404) closes_ = true;
    respond(std::move(*found.refusal));
    return;
  }
  enter(State::Answering, shared_.limits.answer_time);
  try {
    (*found.page)(request, Responder(weak_from_this(), request_));
  } catch (const std::exception&) {
    answer(request_, text_response(500, "the page failed"));
  }
}

void Connection::refuse(const Refusal& refusal) {
  closes_ = true;
  ++shared_.figures.requests_refused;
  respond(text_response(refusal.status, refusal.reason));
}

// ---- answering -----------------------------------------------------------------------------------------------------

void Connection::answer(std::uint64_t request, Response response) {
  if (state_ == State::Answering && request == request_) respond(std::move(response));
}

void Connection::respond(Response response) {
  if (response.body.size() > shared_.limits.response_bytes) {
    response = text_response(500, "the response is larger than the server may send");
  }
  output_ = head_of(response, {!closes_, std::chrono::system_clock::now()});
  if (parser_.request().method != "HEAD") output_ += response.body;
  sent_ = 0;
  enter(State::Writing, shared_.limits.response_time);
  response_deadline_ = deadline_;
  write();
}

// `bytes` may be empty: then it sends what TLS holds.
Connection::Sent Connection::send_some(std::string_view bytes) {
  std::error_code error;
  const std::size_t count = transport_.send(bytes, error);
  if (!error) return {count, false, false};
  return {0, try_again(error), !try_again(error)};
}

void Connection::wait_to_write() {
  if (std::exchange(waits_to_write_, true)) return;
  transport_.wait_to_write([self = shared_from_this()](const std::error_code& error) {
    self->waits_to_write_ = false;
    if (error) return;
    if (self->state_ == State::Writing) self->write();
    if (self->state_ == State::Streaming) self->serve_stream();
  });
}

void Connection::write() {
  while (sent_ < output_.size() || transport_.holds_output()) {
    const Sent sent = send_some(std::string_view(output_).substr(sent_));
    if (sent.has_failed) return close();
    if (sent.is_blocked) {
      wait_to_write();
      return hold(output_.size() + transport_.held_bytes());
    }
    sent_ += sent.bytes;
    waits_since_ = Clock::now();
  }
  hold(0);
  std::string().swap(output_);  // an assignment would keep the memory
  sent_ = 0;
  if (closes_) return finish();
  next_request();
}

// Sets the number of bytes that wait in memory for the client. Above the bound of all connections it evicts the longest
// waiting ones, possibly this one.
void Connection::hold(std::size_t bytes) {
  shared_.held_bytes += bytes - std::exchange(held_bytes_, bytes);
  while (bytes > 0 && shared_.held_bytes > shared_.limits.held_bytes && shared_.end_longest_writer()) {
  }
}

// A small body needs no reservation.
bool Connection::reserve_body() {
  const std::uint64_t length = parser_.request().content_length.value_or(0);
  if (length <= kMaxBodyBytes) return true;
  if (shared_.body_bytes + length > shared_.limits.bodies_in_all) return false;
  body_bytes_ = length;
  shared_.body_bytes += length;
  return true;
}

void Connection::release_body() {
  shared_.body_bytes -= std::exchange(body_bytes_, 0);
}

void Connection::next_request() {
  release_body();
  parser_ = RequestParser(shared_.limits.request);
  is_head_checked_ = false;
  enter(State::Reading, shared_.limits.idle_time);
  if (pipelined_.empty()) return wait_to_read();
  // Posted, not called: other connections are served in between, and a long pipeline does not recurse.
  transport_.post([self = shared_from_this()] {
    if (self->state_ != State::Reading) return;
    const std::string bytes = std::exchange(self->pipelined_, {});
    self->take(bytes);
    if (self->state_ == State::Reading && self->pipelined_.empty()) self->wait_to_read();
  });
}

// ---- ending --------------------------------------------------------------------------------------------------------

// Called when the last response is in the kernel's send buffer.
void Connection::finish() {
  std::error_code error;
  transport_.end_tls(error);
  if (transport_.holds_output()) return wait_to_write();  // write() sends it, and comes back
  if (error) return close();
  half_close();
}

void Connection::half_close() {
  std::error_code error;
  transport_.half_close(error);
  if (error) return close();
  pipelined_ = {};
  release_body();
  parser_ = RequestParser(shared_.limits.request);
  enter(State::Discarding, shared_.limits.discard_time);
  wait_to_read();
}

void Connection::discard() {
  const std::size_t count = receive(shared_.read_buffer.size());
  if (state_ == State::Closed) return;
  discarded_ += count;
  if (discarded_ > shared_.limits.discarded_bytes) return close();
  wait_to_read();
}

void Connection::check_deadline(Clock::time_point now) {
  if (now < deadline_) return;
  // On a slow network the response is still in transit.
  if (state_ == State::Discarding && now < response_deadline_ && transport_.has_unsent_bytes()) return;
  switch (state_) {
    case State::Opening:
      if (transport_.has_tls()) ++shared_.figures.overdue;
      return close();
    case State::Reading:
      if (!parser_.has_begun()) return close();  // an idle connection; RFC 9112, 9.5
      ++shared_.figures.overdue;
      return refuse({408, "the request was not complete in time"});
    case State::Answering:
      closes_ = true;
      return respond(text_response(503, "the page has not answered in time"));
    case State::Writing:
    case State::Streaming:
      ++shared_.figures.overdue;
      return abort();
    case State::Discarding:
      return transport_.has_unsent_bytes() ? abort() : close();
    case State::Closed:
      return;
  }
  protocol::unreachable();
}

bool Connection::can_be_evicted() const {
  return state_ == State::Opening || state_ == State::Reading || state_ == State::Writing ||
         state_ == State::Discarding;
}

void Connection::evict() {
  ++shared_.figures.turned_away;
  if (state_ == State::Opening) return close();
  if (state_ != State::Reading) return abort();
  if (!parser_.has_begun()) return close();
  const auto response = text_response(503, "too many connections: this one waited longest for its request");
  static_cast<void>(send_some(head_of(response, {false, std::chrono::system_clock::now()}) + response.body));
  std::error_code ignored;
  transport_.half_close(ignored);
  close();
}

void Connection::abort() {
  close(true);
}

void Connection::close() {
  close(false);
}

void Connection::close(bool resets) {
  if (state_ == State::Closed) return;
  const auto self = shared_from_this();
  state_ = State::Closed;
  hold(0);
  release_body();
  end_stream();
  transport_.close(resets);
  shared_.closed(*this);
}

}  // namespace herd::node::http
