// The part of node/http/connection.hpp that sends responses of unbounded length.
#include <chrono>
#include <string_view>
#include <utility>

#include "node/http/connection.hpp"

namespace herd::node::http {
namespace {

constexpr int kPiecesInOneGo = 16;

}  // namespace

void Connection::stream(std::uint64_t request, Stream stream) {
  if (state_ != State::Answering || request != request_) return;
  closes_ = true;
  if (shared_.figures.streams >= shared_.limits.streams) {
    return respond(retry_later(503, "too many viewers: try again later"));
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
  enter(State::Streaming, {});
  deadline_ = Clock::time_point::max();
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
    enter(State::Writing, shared_.limits.stall_time);
    response_deadline_ = deadline_;
    write();
    return false;
  }
  piece_ = std::move(piece);
  return piece_ != nullptr;
}

void Connection::serve_stream() {
  is_queued_ = false;
  if (state_ != State::Streaming) return;
  for (int pieces = 0; pieces < kPiecesInOneGo; ++pieces) {
    const bool has_bytes = load_piece();
    if (state_ != State::Streaming || (!has_bytes && !transport_.holds_output())) return;
    const std::string_view bytes = output_.empty() && has_bytes ? std::string_view(*piece_) : std::string_view(output_);
    const Sent sent = send_some(bytes.substr(sent_));
    if (sent.has_failed) return close();
    if (sent.is_blocked) {
      if (deadline_ == Clock::time_point::max()) deadline_ = Clock::now() + shared_.limits.stall_time;
      return wait_to_write();
    }
    deadline_ = Clock::time_point::max();
    sent_ += sent.bytes;
    if (sent_ < bytes.size()) continue;
    sent_ = 0;
    if (output_.empty()) {
      piece_.reset();
    } else {
      std::string().swap(output_);  // an assignment would keep the memory
    }
  }
  if (!std::exchange(is_queued_, true)) shared_.serve_soon(shared_from_this());
}

}  // namespace herd::node::http
