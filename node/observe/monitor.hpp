// What happens in a node, published as it happens, for any number of viewers such as Debian's `python3 -m zmq.log`: the
// node speaks to them as a publisher of ZeroMQ, on sockets of its own (node/observe/viewers.hpp; docs/decisions/0024-monitor.md
// says why). A message is exactly two frames, the topic `herd.<LEVEL>.<kind>.<node>` and a flat JSON object.
// Loop thread only, from bind to destruction. Nothing here waits: a viewer that does not read loses messages.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "node/observe/event_text.hpp"
#include "node/observe/viewers.hpp"
#include "protocol/clock.hpp"
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
  struct News {
    bool stats_wanted = false;  // a viewer has newly subscribed to the stats: publish them now
    bool more = false;          // something is left to do: call serve() again without waiting
  };

  // Binds `endpoint` (tcp://ADDRESS:PORT, a literal address). Fails if the address is in use, is not of this machine or
  // cannot be read.
  [[nodiscard]] static protocol::Result<std::unique_ptr<Monitor>> bind(const std::string& endpoint,
                                                                       const std::string& node,
                                                                       const Viewers::Limits& limits = {});

  // To be watched for reading; serve() must follow within the same iteration.
  [[nodiscard]] int fd() const { return viewers_.descriptor(); }

  // Once an iteration, after what was published in it: accepts viewers, reads their subscriptions, sends.
  News serve(protocol::Nanoseconds steady);

  // Sends what was published since serve(). True if something is left.
  bool send(protocol::Nanoseconds steady);

  // When serve() must be called even if nothing comes, in steady time; max() for never.
  [[nodiscard]] protocol::Nanoseconds next_deadline() const { return viewers_.next_deadline(); }

  // Does any subscription cover this subject? A look into a table: ask before an event is put together.
  [[nodiscard]] bool wanted(Subject subject) const { return viewers_.subscribed(index(subject)) > 0; }

  // How many events of this subject may be published in one iteration, so that many viewers do not hold the loop; at
  // least 1.
  [[nodiscard]] std::size_t events_at_once(Subject subject) const;

  // Makes one event wait for all who want it, with `fields` after v, node, seq, timestamp and event, whose names they
  // must not use. Counts in seq for each topic by itself, so that a viewer sees how many of a topic it has lost.
  void publish(Subject subject, std::string_view event, std::span<const Field> fields, protocol::Nanoseconds wall);

  // Events published for at least one viewer, since the start.
  [[nodiscard]] std::uint64_t published() const { return published_; }

  // How often a viewer's queue ran full. It lost at least one message each time, and all that followed until it had
  // read half of its queue. How many, the viewer can tell by the gap in seq.
  [[nodiscard]] std::uint64_t overflows() const { return viewers_.counters().overflows; }

  [[nodiscard]] const Viewers& viewers() const { return viewers_; }

 private:
  static constexpr std::size_t kLevels = 3;
  static constexpr std::size_t kKinds = 5;
  static_assert(kLevels * kKinds <= kMostTopics);

  Monitor(const std::string& node, const Viewers::Limits& limits);

  static std::vector<std::string> topics_of(const std::string& node);
  static std::size_t index(Subject subject) {
    return static_cast<std::size_t>(subject.level) * kKinds + static_cast<std::size_t>(subject.kind);
  }

  std::string node_;
  std::vector<std::string> topics_;
  Viewers viewers_;
  std::array<std::uint64_t, kLevels * kKinds> events_{};  // published of each topic
  std::string body_;                                      // kept between events for its memory
  std::uint64_t published_ = 0;
};

}  // namespace herd::node
