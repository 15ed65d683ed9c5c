// One connection to the monitor: its subscriptions, and the messages that wait for it. All memory that it can occupy is
// bounded (node/observe/monitor_limits.hpp). Nothing here blocks. Owns the socket; owned by Viewers. Loop thread only.
#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "node/base/socket.hpp"
#include "node/config/viewer_keys.hpp"
#include "node/observe/cell_subscriptions.hpp"
#include "node/observe/curve.hpp"
#include "node/observe/monitor_limits.hpp"
#include "node/observe/subscriptions.hpp"
#include "node/observe/zmtp.hpp"
#include "protocol/clock.hpp"

namespace herd::node {

// A message in wire form, encoded once and shared by the queues of all its viewers. `total` counts the bytes of all
// existing messages, and must outlive them.
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

// Who may connect to an encrypted monitor.
struct ViewerAccess {
  ViewerKeys keys;
  std::string stranger;  // the key of the proof that is under way (Monitor::prove()); else empty
};

class Viewer {
 public:
  struct Parts {
    std::span<const std::string> topics;   // must outlive the viewer
    const ViewerAccess* access = nullptr;  // must outlive the viewer; null: without CURVE, every viewer may connect
    std::size_t queue = kViewerQueue;      // most messages in the queue, at least 1
    std::size_t queue_bytes = kViewerQueueBytes;
  };
  // `from` is the viewer's address, for the log. `now` is steady time, here and below.
  Viewer(Socket socket, std::string from, const Parts& parts, protocol::Nanoseconds now);

  // Reads once, into `buffer` (borrowed for the call), and processes the bytes. Closes the viewer if they are invalid,
  // if it sends too much, or if the connection has ended.
  void receive(std::span<char> buffer, protocol::Nanoseconds now);

  // Appends a message to the queue. Returns false if the queue has just become full: this message is lost, and so are
  // all further ones until half of the queue is sent. Returns true for these further losses: each gap is reported once.
  [[nodiscard]] bool queue(const PublishedPtr& message);

  // Sends at most kMessagesASend messages and returns the number of bytes that the socket accepted. Afterwards
  // wants_to_send() returns whether something is left, and is_blocked() whether the socket accepts no more at present.
  std::size_t send(protocol::Nanoseconds now);
  [[nodiscard]] bool wants_to_send() const { return is_open() && (!replies_.empty() || !queue_.empty()); }
  [[nodiscard]] bool is_blocked() const { return blocked_; }
  void unblock() { blocked_ = false; }  // call it when the poll reports the socket as writable

  // Closes the socket and discards the waiting messages. `reason` must be a literal.
  void close(std::string_view reason);
  [[nodiscard]] bool is_open() const { return socket_.is_open(); }
  [[nodiscard]] std::string_view closed_because() const { return closed_because_; }
  [[nodiscard]] bool has_left() const { return left_; }  // the viewer, not the node, ended the connection

  // The topics that the viewer has subscribed to; none if it is closed.
  [[nodiscard]] TopicSet covered() const { return is_open() ? subscriptions_.covered() : TopicSet{0}; }
  // The areas that the viewer has subscribed to, in its topics of cells; none if it is closed.
  [[nodiscard]] std::size_t areas() const { return is_open() ? cells_.size() : 0; }
  [[nodiscard]] bool covers(Geohash cell) const { return is_open() && cells_.covers(cell); }
  // The topics newly subscribed to since the last call.
  [[nodiscard]] TopicSet take_fresh() { return std::exchange(fresh_, TopicSet{0}); }

  // The public key that an encrypted viewer has proven; empty before, and without CURVE.
  [[nodiscard]] std::string_view key() const { return curve_ ? std::string_view(curve_->viewer_key()) : ""; }
  // Whether that key may not connect. The viewer then gets no answer, and is disconnected when the time for its
  // handshake is over: libzmq would dial again at once otherwise.
  [[nodiscard]] bool is_refused() const { return refused_; }

  [[nodiscard]] bool is_greeted() const { return decoder_.is_ready(); }  // the handshake is complete
  [[nodiscard]] protocol::Nanoseconds since() const { return since_; }   // when it connected
  // When its socket last accepted a byte.
  [[nodiscard]] protocol::Nanoseconds taken_at() const { return taken_at_; }
  [[nodiscard]] std::size_t waiting() const { return queue_.size(); }
  [[nodiscard]] const std::string& from() const { return from_; }
  [[nodiscard]] int descriptor() const { return socket_.descriptor(); }

 private:
  void handle(const zmtp::Decoder::Event& event);
  [[nodiscard]] zmtp::CurveSession* session() { return curve_ ? &*curve_ : nullptr; }
  void judge();
  void answer_ping(std::string_view context);
  void seal_ahead();
  void pay_for(std::size_t bytes, protocol::Nanoseconds now);
  void sent(std::size_t bytes);

  Socket socket_;
  std::string from_;
  std::size_t most_messages_;
  std::size_t most_bytes_;
  protocol::Nanoseconds since_;
  protocol::Nanoseconds taken_at_;

  const ViewerAccess* access_;
  std::optional<zmtp::CurveSession> curve_;
  bool refused_ = false;
  zmtp::Decoder decoder_;
  Subscriptions subscriptions_;
  CellSubscriptions cells_;
  bool has_too_many_areas_ = false;
  TopicSet fresh_ = 0;
  std::size_t input_used_ = 0;  // of kViewerInputBurst
  protocol::Nanoseconds input_at_;

  std::string replies_;  // unsent bytes of the handshake and of PONGs; with CURVE also of messages, encrypted
  std::deque<PublishedPtr> queue_;
  std::size_t queue_bytes_ = 0;
  std::size_t front_sent_ = 0;  // bytes sent of the first message
  bool loses_ = false;          // the queue became full and is not yet half empty
  bool blocked_ = false;
  bool left_ = false;
  std::string_view closed_because_;
};

}  // namespace herd::node
