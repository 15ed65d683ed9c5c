#include "node/observe/status_board.hpp"

#include <asio/post.hpp>
#include <system_error>
#include <utility>

namespace herd::node {

StatusBoard::StatusBoard(std::shared_ptr<asio::io_context> readers, std::function<void()> ask_loop)
    : readers_(std::move(readers)), ask_loop_(std::move(ask_loop)), patience_(*readers_) {}

void StatusBoard::publish(std::shared_ptr<const Status> status) {
  asio::post(*readers_, [board = weak_from_this(), status = std::move(status)]() mutable {
    if (const auto self = board.lock()) self->take(std::move(status));
  });
}

void StatusBoard::read(Reader reader) {
  const auto called = Clock::now();
  if (is_fresh_for(called)) return reader(latest_);
  waiting_.push_back({called, std::move(reader)});
  if (waiting_.size() == 1) wait_for_patience();
  ask();
}

bool StatusBoard::is_fresh_for(Clock::time_point called) const {
  return latest_ && latest_->taken.steady >= (called - kFresh).time_since_epoch();
}

// A reader that called long after `status` was taken needs a newer one: then the loop is asked again.
void StatusBoard::take(std::shared_ptr<const Status> status) {
  is_asked_ = false;
  latest_ = std::move(status);
  while (!waiting_.empty() && is_fresh_for(waiting_.front().called)) {
    const Waiting first = std::move(waiting_.front());
    waiting_.pop_front();
    first.reader(latest_);
  }
  if (waiting_.empty()) {
    patience_.cancel();
  } else {
    ask();
  }
}

void StatusBoard::ask() {
  if (!std::exchange(is_asked_, true)) ask_loop_();
}

void StatusBoard::wait_for_patience() {
  patience_.expires_at(waiting_.front().called + kPatience);
  patience_.async_wait([board = weak_from_this()](const std::error_code& cancelled) {
    if (cancelled) return;
    if (const auto self = board.lock()) self->give_up();
  });
}

void StatusBoard::give_up() {
  const auto now = Clock::now();
  while (!waiting_.empty() && now >= waiting_.front().called + kPatience) {
    const Waiting first = std::move(waiting_.front());
    waiting_.pop_front();
    first.reader(nullptr);
  }
  if (!waiting_.empty()) wait_for_patience();
}

}  // namespace herd::node
