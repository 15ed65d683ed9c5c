// All connections to the monitor: accepts them, reads their subscriptions, and sends them the published messages. Each
// call does a bounded amount of work, and no viewer can stop the service of another one
// (node/observe/monitor_limits.hpp has the bounds). Never blocks. Owns the sockets. Loop thread only.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "node/base/address.hpp"
#include "node/base/rate_limit.hpp"
#include "node/base/socket.hpp"
#include "node/base/socket_poll.hpp"
#include "node/observe/monitor_limits.hpp"
#include "node/observe/subscriptions.hpp"
#include "node/observe/viewer.hpp"
#include "protocol/clock.hpp"
#include "protocol/result.hpp"

namespace herd::node {

class Viewers {
 public:
  struct Limits {
    std::size_t viewers = kMaxViewers;
    std::size_t queue = kViewerQueue;             // messages in the queue of one viewer, at least 1
    std::size_t queue_bytes = kViewerQueueBytes;  // of the messages in the queue of one viewer
    std::size_t all_bytes = kAllQueuedBytes;      // of the distinct messages in all queues
  };
  struct Counters {
    std::uint64_t accepted = 0;
    std::uint64_t refused = 0;    // because there were too many, or because of their key
    std::uint64_t cut = 0;        // closed by the node: not a subscriber, reads nothing, or sends too much
    std::uint64_t overflows = 0;  // times that the queue of a viewer became full
  };

  // `topics`: at most kMostTopics, all different. Functions below name a topic by its index.
  Viewers(std::vector<std::string> topics, Limits limits);

  // Binds and listens. The host must be a literal IP address. The error is the text of the system.
  [[nodiscard]] protocol::Result<void> listen(const Address& address);

  // From now on only viewers with these keys may connect, by CURVE; those with another key are disconnected. The first
  // call must come before listen(). Without a call, every viewer may connect in plain text.
  void set_keys(ViewerKeys keys, protocol::Nanoseconds now);

  [[nodiscard]] const ViewerKeys& keys() const { return access_->keys; }  // of the last call of set_keys()

  // The key of a stranger that gets the answer "refused", so that it need not wait for it; "": none.
  void set_stranger(std::string key) { access_->stranger = std::move(key); }

  // The descriptor to wait on: readable when serve() has work.
  [[nodiscard]] int descriptor() const { return poll_.descriptor(); }

  // Accepts, reads and sends what is possible without waiting. Call it once per loop iteration. Returns the topics that
  // a viewer has newly subscribed to. `now` is steady time, here and below.
  TopicSet serve(protocol::Nanoseconds now);

  // Sends only. Call it after more messages were published in the same iteration.
  void send(protocol::Nanoseconds now);

  // Whether serve() can do more work at once: call it again without waiting.
  [[nodiscard]] bool has_more() const { return !to_send_.empty(); }

  // The steady time at which serve() must be called even if descriptor() is not readable; max(): never.
  [[nodiscard]] protocol::Nanoseconds next_deadline() const;

  // Queues a message, encoded as on the wire, for all viewers that have subscribed to the topic.
  void publish(std::size_t topic, std::string bytes);

  // The same for a message about a location in a cell, for all viewers that have subscribed to the cell. Call covers()
  // first, which is cheaper than to compose a message.
  void publish_cell(Geohash cell, std::string bytes);
  [[nodiscard]] bool covers(Geohash cell) const;
  // The number of areas of all viewers.
  [[nodiscard]] std::size_t areas() const { return areas_; }

  // The number of viewers that have subscribed to the topic.
  [[nodiscard]] std::size_t subscribed(std::size_t topic) const { return subscribed_[topic]; }
  [[nodiscard]] std::size_t connected() const { return viewers_.size(); }
  [[nodiscard]] const Counters& counters() const { return counters_; }

 private:
  // Addresses that count as one when connections are limited: an IPv4 address, or the /64 of an IPv6 address.
  using Network = std::array<std::uint8_t, 16>;
  struct Entry {
    Entry(Socket socket, std::string from, Network its_network, const Viewer::Parts& parts, protocol::Nanoseconds now)
        : viewer(std::move(socket), std::move(from), parts, now), network(its_network) {}

    Viewer viewer;
    Network network;
    SocketPoll::Interest watched;
    TopicSet counted = 0;   // the topics for which subscribed_ counts this viewer
    std::size_t areas = 0;  // of these, how many areas_ counts
    bool to_send = false;   // whether it is in to_send_
  };

  void receive(Entry& entry, std::span<char> buffer, protocol::Nanoseconds now);
  void accept(protocol::Nanoseconds now);
  void begin(Socket socket, const std::string& from, const Network& network, protocol::Nanoseconds now);
  [[nodiscard]] bool make_room(const Network& newcomer);
  // The open connection with the least `order` among those that `suits` accepts; null if there is none.
  [[nodiscard]] Entry* first(const std::function<bool(const Entry&)>& suits,
                             const std::function<protocol::Nanoseconds(const Entry&)>& order) const;
  void stop_accepting(protocol::Nanoseconds now);
  void sweep(protocol::Nanoseconds now);
  void relieve();
  void queue(Entry& entry, const PublishedPtr& message);
  void count(Entry& entry);
  void watch(Entry& entry);
  void want_to_send(Entry& entry);
  void cut(Entry& entry, std::string_view reason);
  void warn(const Viewer& viewer, protocol::Nanoseconds now);
  void note_refused(const Viewer& viewer, protocol::Nanoseconds now);
  void forget_closed(protocol::Nanoseconds now);

  std::vector<std::string> topics_;
  Limits limits_;
  Counters counters_;
  RateLimit warnings_;
  RateLimit encrypted_accepts_;
  std::optional<ViewerAccess> access_;  // nullopt: without CURVE. Declared before the viewers, which use it

  Socket listener_{-1};
  bool listens_ = false;                  // whether poll_ watches the listener
  protocol::Nanoseconds accept_again_{};  // when to watch it again, if it does not
  SocketPoll poll_;
  std::size_t queued_bytes_ = 0;  // of all Published objects; declared before the viewers, which it must outlive
  std::vector<std::unique_ptr<Entry>> viewers_;
  std::map<Network, std::size_t> networks_;            // number of connections
  std::vector<Entry*> to_send_;                        // the longest waiting one first
  std::array<std::size_t, kMostTopics> subscribed_{};  // number of viewers, by topic
  std::size_t areas_ = 0;                              // of all viewers
  std::size_t handshakes_ = 0;                         // in progress at the last sweep, plus later connections
  protocol::Nanoseconds sweep_at_{};
  bool has_closed_ = false;
};

}  // namespace herd::node
