// One connection to the monitor: what it has subscribed to, and the messages that wait for it. Everything that it can
// make the node keep is bounded (node/observe/monitor_limits.hpp). Nothing here waits. Owns the socket. Loop thread only.
#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "node/observe/monitor_limits.hpp"
#include "node/base/socket.hpp"
#include "node/observe/subscriptions.hpp"
#include "node/observe/zmtp.hpp"
#include "protocol/clock.hpp"

namespace herd::node {

// A message as it is sent, encoded once for all viewers that it waits for. `total` is the sum of the bytes of all that
// exist, and must outlive them.
class Published {
 public:
  Published(std::string bytes, std::size_t& total) : bytes_(std::move(bytes)), total_(total) {
    total_ += bytes_.size();
  }
  ~Published() { total_ -= bytes_.size(); }
  Published(const Published&) = delete;
  Published& operator=(const Published&) = delete;

  [[nodiscard]] std::string_view bytes() const { return bytes_; }

 private:
  const std::string bytes_;
  std::size_t& total_;
};
using PublishedPtr = std::shared_ptr<const Published>;

class Viewer {
 public:
  struct Parts {
    std::span<const std::string> topics;  // must outlive the viewer
    std::size_t queue = kViewerQueue;     // messages that may wait, at least 1
    std::size_t queue_bytes = kViewerQueueBytes;
  };
  // `from` is its address for the log.
  Viewer(Socket socket, std::string from, const Parts& parts, protocol::Nanoseconds now);

  // Takes what one read gives. `buffer` is only borrowed.
  void receive(std::span<char> buffer, protocol::Nanoseconds now);

  // A message waits for it from now on. False if that is the first of those that it loses: its queue is full, and has
  // room again when half of it is read. One that was lost after that is not reported.
  [[nodiscard]] bool queue(const PublishedPtr& message);

  // Sends at most kMessagesASend messages and returns how many bytes the socket took. wants_to_send() tells whether
  // anything is left, and is_blocked() whether the socket takes no more for now.
  std::size_t send(protocol::Nanoseconds now);
  [[nodiscard]] bool wants_to_send() const { return is_open() && (!replies_.empty() || !queue_.empty()); }
  [[nodiscard]] bool is_blocked() const { return blocked_; }
  void unblock() { blocked_ = false; }  // the poll says that the socket takes bytes again

  // Closes the socket and forgets what waits.
  void close(std::string_view reason);
  [[nodiscard]] bool is_open() const { return socket_.is_open(); }
  [[nodiscard]] std::string_view closed_because() const { return closed_because_; }
  [[nodiscard]] bool has_left() const { return left_; }  // it ended the connection itself

  [[nodiscard]] TopicSet covered() const { return is_open() ? subscriptions_.covered() : TopicSet{0}; }
  // The topics that were covered anew since the last call.
  [[nodiscard]] TopicSet take_fresh() { return std::exchange(fresh_, TopicSet{0}); }

  [[nodiscard]] bool is_greeted() const { return decoder_.is_ready(); }  // the handshake is done
  [[nodiscard]] protocol::Nanoseconds since() const { return since_; }
  // When it last took a byte.
  [[nodiscard]] protocol::Nanoseconds taken_at() const { return taken_at_; }
  [[nodiscard]] std::size_t waiting() const { return queue_.size(); }
  [[nodiscard]] const std::string& from() const { return from_; }
  [[nodiscard]] int descriptor() const { return socket_.descriptor(); }

 private:
  void handle(const zmtp::Decoder::Event& event);
  void pay_for(std::size_t bytes, protocol::Nanoseconds now);
  void sent(std::size_t bytes);

  Socket socket_;
  std::string from_;
  std::size_t most_messages_;
  std::size_t most_bytes_;
  protocol::Nanoseconds since_;
  protocol::Nanoseconds taken_at_;

  zmtp::Decoder decoder_;
  Subscriptions subscriptions_;
  TopicSet fresh_ = 0;
  std::size_t input_used_ = 0;  // of kViewerInputBurst
  protocol::Nanoseconds input_at_;

  std::string replies_;  // greeting, READY and PONGs that are still to be sent
  std::deque<PublishedPtr> queue_;
  std::size_t queue_bytes_ = 0;
  std::size_t front_sent_ = 0;  // bytes of the first message
  bool loses_ = false;          // its queue ran full, and is not half empty yet
  bool blocked_ = false;
  bool left_ = false;
  std::string_view closed_because_;
};

}  // namespace herd::node
