// The connections to the monitor: accepts them, reads what they subscribe to, and sends them what was published. Each
// call does a bounded amount of work, and whatever a viewer does, it ends no other one's service: see
// node/observe/monitor_limits.hpp. Never waits. Owns the sockets. Loop thread only.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "node/base/address.hpp"
#include "node/observe/monitor_limits.hpp"
#include "node/base/rate_limit.hpp"
#include "node/base/socket.hpp"
#include "node/base/socket_poll.hpp"
#include "node/observe/subscriptions.hpp"
#include "node/observe/viewer.hpp"
#include "protocol/clock.hpp"
#include "protocol/result.hpp"

namespace herd::node {

class Viewers {
 public:
  struct Limits {
    std::size_t viewers = kMaxViewers;
    std::size_t queue = kViewerQueue;  // messages that wait for one viewer, at least 1
    std::size_t queue_bytes = kViewerQueueBytes;
    std::size_t all_bytes = kAllQueuedBytes;  // of distinct messages that wait for any
  };
  struct Counters {
    std::uint64_t accepted = 0;
    std::uint64_t refused = 0;    // there were too many
    std::uint64_t cut = 0;        // by the node: a stranger, one that took nothing, one that sent too much
    std::uint64_t overflows = 0;  // times that a viewer's queue ran full
  };

  // At most kMostTopics topics.
  Viewers(std::vector<std::string> topics, Limits limits);

  // Binds and listens; a literal address. The Error is the system's words.
  [[nodiscard]] protocol::Result<void> listen(const Address& address);

  // Readable when serve() has something to do.
  [[nodiscard]] int descriptor() const { return poll_.descriptor(); }

  // Once an iteration: accepts, reads and sends what can be done at once. Returns the topics that viewers subscribed to
  // anew.
  TopicSet serve(protocol::Nanoseconds now);

  // Only the sending of it, after more was published.
  void send(protocol::Nanoseconds now);

  // Something is left that can be done at once: call serve() again without waiting.
  [[nodiscard]] bool has_more() const { return !to_send_.empty(); }

  // When serve() must be called even if nothing comes, in steady time; max() for never.
  [[nodiscard]] protocol::Nanoseconds next_deadline() const;

  // A message waits for all viewers that the topic is of interest for.
  void publish(std::size_t topic, std::string bytes);

  // Viewers that have subscribed to the topic.
  [[nodiscard]] std::size_t subscribed(std::size_t topic) const { return subscribed_[topic]; }
  [[nodiscard]] std::size_t connected() const { return viewers_.size(); }
  [[nodiscard]] const Counters& counters() const { return counters_; }

 private:
  // Addresses that count as one when connections are shared out: an IPv4 address, or the network of an IPv6 one (/64).
  using Network = std::array<std::uint8_t, 16>;
  struct Entry {
    Entry(Socket socket, std::string from, Network its_network, const Viewer::Parts& parts, protocol::Nanoseconds now)
        : viewer(std::move(socket), std::move(from), parts, now), network(its_network) {}

    Viewer viewer;
    Network network;
    SocketPoll::Interest watched;
    TopicSet counted = 0;  // in subscribed_
    bool to_send = false;  // is in to_send_
  };

  void accept(protocol::Nanoseconds now);
  void begin(Socket socket, const std::string& from, const Network& network, protocol::Nanoseconds now);
  [[nodiscard]] bool make_room(const Network& newcomer);
  // The open one that suits and is first in that order; null: none suits.
  [[nodiscard]] Entry* first(const std::function<bool(const Entry&)>& suits,
                             const std::function<protocol::Nanoseconds(const Entry&)>& order) const;
  void stop_accepting(protocol::Nanoseconds now);
  void sweep(protocol::Nanoseconds now);
  void relieve();
  void count(Entry& entry);
  void watch(Entry& entry);
  void want_to_send(Entry& entry);
  void cut(Entry& entry, std::string_view reason);
  void warn(const Viewer& viewer, protocol::Nanoseconds now);
  void forget_closed(protocol::Nanoseconds now);

  std::vector<std::string> topics_;
  Limits limits_;
  Counters counters_;
  RateLimit warnings_;

  Socket listener_{-1};
  bool listens_ = false;                  // the poll watches the listener
  protocol::Nanoseconds accept_again_{};  // where it does not
  SocketPoll poll_;
  std::size_t queued_bytes_ = 0;  // of all Published that exist; outlives the viewers
  std::vector<std::unique_ptr<Entry>> viewers_;
  std::map<Network, std::size_t> networks_;  // connections of each
  std::vector<Entry*> to_send_;              // first the one that waits longest
  std::array<std::size_t, kMostTopics> subscribed_{};
  std::size_t handshakes_ = 0;  // under way when last swept
  protocol::Nanoseconds sweep_at_{};
  bool has_closed_ = false;
};

}  // namespace herd::node
