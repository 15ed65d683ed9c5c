#include "node/http/connection.hpp"

#include <linux/sockios.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <asio/buffer.hpp>
#include <asio/error.hpp>
#include <asio/post.hpp>
#include <exception>
#include <system_error>
#include <utility>

#include "protocol/unreachable.hpp"

namespace herd::node::http {
namespace {

using asio::ip::tcp;

constexpr auto kNoDeadline = Connection::Clock::duration::max();
constexpr int kPiecesInOneGo = 16;
constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

}  // namespace

Connection::Connection(tcp::socket socket, asio::ip::address group, Shared& shared)
    : socket_(std::move(socket)), group_(std::move(group)), shared_(shared), parser_(shared.limits.request) {}

void Connection::begin() {
  enter(State::Reading, shared_.limits.request_time);
  read_request();
}

void Connection::enter(State state, Clock::duration time) {
  state_ = state;
  waits_since_ = Clock::now();
  deadline_ = time == kNoDeadline ? Clock::time_point::max() : waits_since_ + time;
}

// ---- reading -------------------------------------------------------------------------------------------------------

void Connection::wait_to_read() {
  if (std::exchange(waits_to_read_, true)) return;
  socket_.async_wait(tcp::socket::wait_read, [self = shared_from_this()](const std::error_code& error) {
    self->waits_to_read_ = false;
    if (!error) self->on_readable();
  });
}

void Connection::on_readable() {
  switch (state_) {
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
  const auto buffer = asio::buffer(shared_.read_buffer.data(), std::min(most, shared_.read_buffer.size()));
  const std::size_t count = socket_.read_some(buffer, error);
  if (error && error != asio::error::would_block && error != asio::error::interrupted) close();
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
  } else if (parser_.request().expects_continue) {
    bool failed = false;
    const std::size_t sent = send_some(kContinue, failed);
    if (failed || (sent > 0 && sent < kContinue.size())) close();  // 0 bytes sent: the client continues after a timeout
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

std::size_t Connection::send_some(std::string_view bytes, bool& failed) {
  std::error_code error;
  const std::size_t count = socket_.send(asio::buffer(bytes), 0, error);
  failed = error && error != asio::error::would_block && error != asio::error::interrupted;
  return error ? 0 : count;
}

void Connection::wait_to_write() {
  if (std::exchange(waits_to_write_, true)) return;
  socket_.async_wait(tcp::socket::wait_write, [self = shared_from_this()](const std::error_code& error) {
    self->waits_to_write_ = false;
    if (error) return;
    if (self->state_ == State::Writing) self->write();
    if (self->state_ == State::Streaming) self->serve_stream();
  });
}

void Connection::write() {
  while (sent_ < output_.size()) {
    bool failed = false;
    const std::size_t count = send_some(std::string_view(output_).substr(sent_), failed);
    if (failed) return close();
    if (count == 0) {
      wait_to_write();
      return hold(output_.size());
    }
    sent_ += count;
    waits_since_ = Clock::now();
  }
  hold(0);
  output_ = {};
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

void Connection::next_request() {
  parser_ = RequestParser(shared_.limits.request);
  is_head_checked_ = false;
  enter(State::Reading, shared_.limits.idle_time);
  if (pipelined_.empty()) return wait_to_read();
  // Posted, not called: other connections are served in between, and a long pipeline does not recurse.
  asio::post(socket_.get_executor(), [self = shared_from_this()] {
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
  socket_.shutdown(tcp::socket::shutdown_send, error);
  if (error) return close();
  pipelined_ = {};
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

// Whether the kernel's send buffer has bytes that the client has not acknowledged.
bool Connection::has_unsent_bytes() {
  int count = 0;
  return ioctl(socket_.native_handle(), SIOCOUTQ, &count) == 0 && count > 0;
}

void Connection::check_deadline(Clock::time_point now) {
  if (now < deadline_) return;
  // On a slow network the response is still in transit.
  if (state_ == State::Discarding && now < response_deadline_ && has_unsent_bytes()) return;
  switch (state_) {
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
      return has_unsent_bytes() ? abort() : close();
    case State::Closed:
      return;
  }
  protocol::unreachable();
}

bool Connection::can_be_evicted() const {
  return state_ == State::Reading || state_ == State::Writing || state_ == State::Discarding;
}

void Connection::evict() {
  ++shared_.figures.turned_away;
  if (state_ != State::Reading) return abort();
  if (!parser_.has_begun()) return close();
  const auto response = text_response(503, "too many connections: this one waited longest for its request");
  bool failed = false;
  static_cast<void>(send_some(head_of(response, {false, std::chrono::system_clock::now()}) + response.body, failed));
  std::error_code ignored;
  socket_.shutdown(tcp::socket::shutdown_send, ignored);
  close();
}

// Closes with a reset. After an ordinary close the kernel would hold the unread bytes for minutes.
void Connection::abort() {
  std::error_code ignored;
  socket_.set_option(asio::socket_base::linger(true, 0), ignored);
  close();
}

void Connection::close() {
  if (state_ == State::Closed) return;
  const auto self = shared_from_this();
  state_ = State::Closed;
  hold(0);
  end_stream();
  std::error_code ignored;
  socket_.close(ignored);
  shared_.closed(*this);
}

// ---- streams -------------------------------------------------------------------------------------------------------

void Connection::stream(std::uint64_t request, Stream stream) {
  if (state_ != State::Answering || request != request_) return;
  closes_ = true;
  if (shared_.figures.streams >= shared_.limits.streams) {
    return respond(text_response(503, "too many viewers: try again later"));
  }
  begin_stream(std::move(stream));
}

void Connection::begin_stream(Stream stream) {
  output_ = head_of(stream, {false, std::chrono::system_clock::now()});
  sent_ = 0;
  if (parser_.request().method == "HEAD") {
    enter(State::Writing, shared_.limits.response_time);
    response_deadline_ = deadline_;
    return write();
  }
  parser_ = RequestParser(shared_.limits.request);
  pipelined_ = {};
  ++shared_.figures.streams;
  enter(State::Streaming, kNoDeadline);
  source_ = std::move(stream.source);
  source_->on_more([this] {
    if (!std::exchange(is_queued_, true)) shared_.serve_soon(shared_from_this());
  });
  wait_to_read();  // to detect that the client disconnects
  serve_stream();
}

void Connection::end_stream() {
  if (source_) --shared_.figures.streams;
  source_.reset();
  piece_.reset();
}

// Makes sure that output_ or piece_ has bytes to send. Returns false if there are none, or if the stream has ended.
bool Connection::load_piece() {
  if (!output_.empty() || piece_) return true;
  auto [next, piece] = source_->pull();
  if (next == StreamSource::Next::End) {
    end_stream();
    response_deadline_ = Clock::now() + shared_.limits.stall_time;
    finish();
    return false;
  }
  piece_ = std::move(piece);
  return piece_ != nullptr;
}

void Connection::serve_stream() {
  is_queued_ = false;
  if (state_ != State::Streaming) return;
  for (int pieces = 0; pieces < kPiecesInOneGo; ++pieces) {
    if (!load_piece()) return;
    const std::string_view bytes = output_.empty() ? std::string_view(*piece_) : std::string_view(output_);
    bool failed = false;
    const std::size_t count = send_some(bytes.substr(sent_), failed);
    if (failed) return close();
    if (count == 0) {
      if (deadline_ == Clock::time_point::max()) deadline_ = Clock::now() + shared_.limits.stall_time;
      return wait_to_write();
    }
    deadline_ = Clock::time_point::max();
    sent_ += count;
    if (sent_ < bytes.size()) continue;
    sent_ = 0;
    if (output_.empty()) {
      piece_.reset();
    } else {
      output_ = {};
    }
  }
  if (!std::exchange(is_queued_, true)) shared_.serve_soon(shared_from_this());
}

}  // namespace herd::node::http
