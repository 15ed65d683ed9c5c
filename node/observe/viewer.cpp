#include "node/observe/viewer.hpp"

#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <system_error>
#include <utility>

#include "protocol/unreachable.hpp"

namespace herd::node {
namespace {

// The node's name, with which each of its topics ends.
std::string_view node_of(std::span<const std::string> topics) {
  return topics.empty() ? std::string_view() : std::string_view(topics.front()).substr(topics.front().rfind('.') + 1);
}

iovec piece(std::string_view bytes) {
  return {const_cast<char*>(bytes.data()), bytes.size()};  // the call only reads, but its interface has no const
}

}  // namespace

Viewer::Viewer(Socket socket, std::string from, const Parts& parts, protocol::Nanoseconds now)
    : socket_(std::move(socket)),
      from_(std::move(from)),
      most_messages_(parts.queue),
      most_bytes_(parts.queue_bytes),
      since_(now),
      taken_at_(now),
      access_(parts.access),
      curve_(access_ == nullptr ? std::nullopt : std::make_optional<zmtp::CurveSession>(access_->keys.own)),
      decoder_(session()),
      subscriptions_(parts.topics),
      cells_(node_of(parts.topics)),
      input_at_(now),
      replies_(zmtp::greeting(session())) {}

void Viewer::receive(std::span<char> buffer, protocol::Nanoseconds now) {
  std::error_code error;
  const std::size_t count = socket_.receive(buffer, error);
  if (error) {
    if (try_again(error)) return;
    left_ = true;
    return close("the connection broke");
  }
  if (count == 0) {
    left_ = true;
    return close("it has closed");
  }
  if (!refused_) decoder_.feed({buffer.data(), count});
  while (const auto event = decoder_.next()) handle(*event);
  if (!decoder_.broken().empty()) return close(decoder_.broken());
  if (has_too_many_areas_) return close("subscribes to more areas than a viewer may");
  pay_for(count, now);
}

void Viewer::handle(const zmtp::Decoder::Event& event) {
  using Kind = zmtp::Decoder::Kind;
  switch (event.kind) {
    case Kind::Greeting:
      if (!curve_) replies_ += zmtp::ready();
      return;
    case Kind::Hello:
      replies_ += zmtp::welcome(*curve_);
      return;
    case Kind::Initiate:
      return judge();
    case Kind::Ready:
      if (curve_) replies_ += zmtp::ready(&*curve_);
      return;
    case Kind::Subscribe:
      fresh_ = static_cast<TopicSet>(fresh_ | subscriptions_.add(event.text));
      has_too_many_areas_ = !cells_.add(event.text) || has_too_many_areas_;
      return;
    case Kind::Cancel:
      fresh_ = static_cast<TopicSet>(fresh_ & ~subscriptions_.remove(event.text));
      cells_.remove(event.text);
      return;
    case Kind::Ping:
      return answer_ping(event.text);
  }
  protocol::unreachable();
}

void Viewer::judge() {
  refused_ = !access_->keys.names.contains(curve_->viewer_key());
  if (!refused_) return decoder_.admit();
  if (curve_->viewer_key() == access_->stranger) replies_ += zmtp::refusal();
}

// With CURVE, messages wait among the replies.
void Viewer::answer_ping(std::string_view context) {
  const std::size_t size = zmtp::kPongBytes + context.size() + (curve_ ? zmtp::CurveSession::kMessageBytes : 0);
  const std::size_t most = kMaxViewerReplyBytes + (curve_ ? kSealedAhead : 0);
  if (replies_.size() + size <= most) replies_ += zmtp::pong(context, session());
}

// A leaky bucket: received bytes fill it, and it drains at kViewerInputBytesPerSecond.
void Viewer::pay_for(std::size_t bytes, protocol::Nanoseconds now) {
  constexpr auto kEmptyAfter = std::chrono::seconds(kViewerInputBurst / kViewerInputBytesPerSecond);
  const auto passed = std::clamp<protocol::Nanoseconds>(now - input_at_, protocol::Nanoseconds::zero(), kEmptyAfter);
  const auto drained = static_cast<std::size_t>(std::chrono::duration<double>(passed).count() *
                                                static_cast<double>(kViewerInputBytesPerSecond));
  // If the time was too short to drain one byte, it still counts for the next call.
  if (drained > 0) input_at_ = now;
  input_used_ = (input_used_ > drained ? input_used_ - drained : 0) + bytes;
  if (input_used_ > kViewerInputBurst) close("sends more subscriptions than a viewer needs");
}

bool Viewer::queue(const PublishedPtr& message) {
  const bool half_empty = queue_.size() <= most_messages_ / 2 && queue_bytes_ <= most_bytes_ / 2;
  if (loses_ && !half_empty) return true;
  const std::size_t size = message->bytes().size();
  const bool fits = queue_.empty() || (queue_.size() < most_messages_ && queue_bytes_ + size <= most_bytes_);
  loses_ = !fits;
  if (!fits) return false;
  queue_.push_back(message);
  queue_bytes_ += size;
  return true;
}

// A message is encrypted for each viewer, and only shortly before it is sent: the queue shares its plain text.
void Viewer::seal_ahead() {
  while (curve_ && !queue_.empty() && replies_.size() < kSealedAhead) {
    const std::string_view message = queue_.front()->bytes();
    replies_ += zmtp::sealed(message, *curve_);
    queue_bytes_ -= message.size();
    queue_.pop_front();
  }
}

// Replies are sent before messages, but never in the middle of one.
std::size_t Viewer::send(protocol::Nanoseconds now) {
  if (!wants_to_send()) return 0;
  seal_ahead();
  std::array<iovec, kMessagesASend> pieces;
  std::size_t count = 0;
  const bool replies = front_sent_ == 0 && !replies_.empty();
  if (replies) pieces[count++] = piece(replies_);
  for (std::size_t i = 0; !replies && i < queue_.size() && count < pieces.size(); ++i) {
    pieces[count++] = piece(queue_[i]->bytes().substr(i == 0 ? front_sent_ : 0));
    if (!replies_.empty()) break;  // replies follow this message, which is sent in part
  }
  std::error_code error;
  const std::size_t bytes = socket_.send(std::span<const iovec>(pieces).first(count), error);
  blocked_ = error && try_again(error);
  if (error && !blocked_) {
    left_ = true;
    close("the connection broke");
    return 0;
  }
  if (bytes > 0) taken_at_ = now;
  if (replies) {
    replies_.erase(0, bytes);
  } else {
    sent(bytes);
  }
  return bytes;
}

void Viewer::sent(std::size_t bytes) {
  while (bytes > 0) {
    const std::size_t size = queue_.front()->bytes().size();
    const std::size_t rest = size - front_sent_;
    if (bytes < rest) {
      front_sent_ += bytes;
      return;
    }
    bytes -= rest;
    front_sent_ = 0;
    queue_bytes_ -= size;
    queue_.pop_front();
  }
}

void Viewer::close(std::string_view reason) {
  if (!is_open()) return;
  closed_because_ = reason;
  if (!left_) socket_.forget_unsent();
  socket_.close();
  queue_.clear();
  queue_bytes_ = front_sent_ = 0;
  replies_.clear();
}

}  // namespace herd::node
