// What happens in a node, published as it happens: an XPUB socket for any number of viewers, such as Debian's
// `python3 -m zmq.log`. A message is exactly two frames, the topic `herd.<LEVEL>.<kind>.<node>` and a flat JSON object.
// Loop thread only, from bind to destruction. Nothing here waits: a viewer that does not read loses messages.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <zmq.hpp>

#include "node/event_text.hpp"
#include "protocol/clock.hpp"
#include "protocol/limits.hpp"
#include "protocol/result.hpp"

namespace herd::node {

enum class EventLevel : std::uint8_t { Info, Warning, Error };
enum class EventKind : std::uint8_t { Stats, Client, Peer, Places, Node };

// What viewers subscribe to: herd.INFO.stats.Hill
struct Subject {
  EventLevel level = EventLevel::Info;
  EventKind kind = EventKind::Node;
};

class Monitor {
 public:
  // Messages that wait for a viewer before it loses some: two full batches of updates, which may arrive in one turn of
  // the loop, before libzmq's thread sends any. A viewer that stopped costs half a megabyte.
  static constexpr int kQueue = 2 * protocol::kMaxBatchUpdates;
  // Subscriptions that one call reads at most, so that nobody keeps the loop by subscribing all the time.
  static constexpr int kSubscriptionsPerTurn = 256;

  struct Subscriptions {
    bool stats_wanted = false;  // somebody has newly subscribed to the stats: publish them now
    bool more = false;          // kSubscriptionsPerTurn were read: call again, the descriptor will not say so
  };

  // Binds `endpoint` (tcp://host:port); `queue` is how many messages wait for a viewer, at least 1. Fails if the
  // address is in use, is not of this machine or cannot be read.
  [[nodiscard]] static protocol::Result<std::unique_ptr<Monitor>> bind(zmq::context_t& context,
                                                                       const std::string& endpoint,
                                                                       const std::string& node, int queue = kQueue);

  // To be watched for reading. It is edge-triggered, and a publish may swallow the edge: call drain_subscriptions when
  // it becomes readable and at the end of every turn that has published.
  [[nodiscard]] int fd() const;

  // Reads who has come and gone.
  Subscriptions drain_subscriptions();

  // Does any subscription cover this subject? A look into a table: ask before an event is put together.
  [[nodiscard]] bool wanted(Subject subject) const { return topic(subject).subscriptions > 0; }

  // Sends one event to all who want it, with `fields` behind v, node, seq, timestamp and event, whose names they must
  // not use. Counts in seq for each topic by itself, so that a viewer sees how many of a topic it has lost.
  void publish(Subject subject, std::string_view event, std::span<const Field> fields, protocol::Nanoseconds wall);

  // Events sent to somebody, since the start.
  [[nodiscard]] std::uint64_t published() const { return published_; }

  // How often a viewer's queue ran full. It lost at least one message each time, and all that followed until it had
  // read half of its queue: libzmq does not tell how many. The viewer itself can tell, by the gap in seq.
  [[nodiscard]] std::uint64_t overflows() const { return overflows_; }

 private:
  struct Topic {
    std::string text;
    std::uint64_t subscriptions = 0;  // that cover it
    std::uint64_t events = 0;         // that were published
  };
  static constexpr std::size_t kLevels = 3;
  static constexpr std::size_t kKinds = 5;

  Monitor(zmq::socket_t socket, std::string node);

  static std::size_t index(Subject subject) {
    return static_cast<std::size_t>(subject.level) * kKinds + static_cast<std::size_t>(subject.kind);
  }
  const Topic& topic(Subject subject) const { return topics_[index(subject)]; }
  void note_subscription(std::string_view message, Subscriptions& news);
  bool try_to_send(const Topic& topic);

  zmq::socket_t socket_;
  std::string node_;
  std::array<Topic, kLevels * kKinds> topics_;
  std::string body_;  // kept between events for its memory
  std::uint64_t published_ = 0;
  std::uint64_t overflows_ = 0;
};

}  // namespace herd::node
