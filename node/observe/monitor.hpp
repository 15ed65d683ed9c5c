// Publishes the node's events, as they happen, to any number of viewers, such as Debian's `python3 -m zmq.log`. To a
// viewer the node is a ZeroMQ publisher; the sockets are its own (node/observe/viewers.hpp), for the reasons in
// docs/decisions/0024-monitor.md. A message has exactly two frames: the topic `herd.<LEVEL>.<kind>.<node>`, or
// `herd.cell.<geohash>.<node>` for a location, and a flat JSON object. Loop thread only, from bind() to destruction.
// Nothing here blocks: a viewer that does not read loses messages.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <zmq.hpp>

#include "node/observe/event_text.hpp"
#include "node/observe/viewers.hpp"
#include "protocol/clock.hpp"
#include "protocol/result.hpp"

namespace herd::node {

enum class EventLevel : std::uint8_t { Info, Warning, Error };
enum class EventKind : std::uint8_t { Stats, Client, Peer, Places, Node };

// Level and kind of an event; with the node's name they form the topic: herd.INFO.stats.Hill
struct Subject {
  EventLevel level = EventLevel::Info;
  EventKind kind = EventKind::Node;
};

class Monitor {
 public:
  struct News {
    bool stats_wanted = false;  // a viewer has subscribed to the stats since the last call: publish them now
    bool more = false;          // work is left: call serve() again without waiting
  };

  // Binds `endpoint` (tcp://ADDRESS:PORT with a literal IP address). Returns an error if it cannot be parsed, is in
  // use, or is not an address of this machine. `keys`: only viewers with these keys may connect, by CURVE; nullopt:
  // every viewer may, in plain text.
  [[nodiscard]] static protocol::Result<std::unique_ptr<Monitor>> bind(const std::string& endpoint,
                                                                       const std::string& node,
                                                                       const Viewers::Limits& limits = {},
                                                                       std::optional<ViewerKeys> keys = std::nullopt);

  // Proves that a stranger is refused: dials `endpoint` with a random key, and waits until it is refused. This takes
  // milliseconds, at most kProofPatience (bus/zmq/stranger_probe.hpp). Only with keys; call it before anything else is
  // served.
  [[nodiscard]] protocol::Result<void> prove(zmq::context_t& context, const std::string& endpoint);

  // New keys, of a reload; only for a monitor that has some. Disconnects the viewers that have none of them. `steady`
  // is now.
  void set_keys(ViewerKeys keys, protocol::Nanoseconds steady);

  // The descriptor to wait on for reading. When it is readable, call serve() in the same loop iteration.
  [[nodiscard]] int fd() const { return viewers_.descriptor(); }

  // Accepts viewers, reads their subscriptions, and sends. Call it once per loop iteration, after all publish() calls
  // of that iteration.
  News serve(protocol::Nanoseconds steady);

  // Sends the events published since serve(). Returns whether some are left.
  bool send(protocol::Nanoseconds steady);

  // The steady time at which serve() must be called even if fd() is not readable; max(): never.
  [[nodiscard]] protocol::Nanoseconds next_deadline() const { return viewers_.next_deadline(); }

  // Whether a viewer has subscribed to this subject. A table lookup: check it before you compose an event.
  [[nodiscard]] bool wanted(Subject subject) const { return viewers_.subscribed(index(subject)) > 0; }

  // Whether a viewer has subscribed to an area.
  [[nodiscard]] bool wants_cells() const { return viewers_.areas() > 0; }

  // The most events of this subject that may be published in one loop iteration, at least 1; of client events, together
  // with those of cells. It falls with the number of subscribed viewers and areas, so that many viewers do not delay
  // the loop.
  [[nodiscard]] std::size_t events_at_once(Subject subject) const;

  // Queues one event for all viewers that have subscribed to its subject; does nothing if there are none. `fields`
  // follow v, node, seq, timestamp and event, and must not use these names. `seq` counts per topic, so that a viewer
  // can tell how many events of a topic it has lost. `wall` is the timestamp.
  void publish(Subject subject, std::string_view event, std::span<const Field> fields, protocol::Nanoseconds wall);

  // The same for a location in this cell: its topic is that of the cell, and it has no `seq`, because each viewer gets
  // another part of them.
  void publish_cell(Geohash cell, std::string_view event, std::span<const Field> fields, protocol::Nanoseconds wall);

  // The number of events published for at least one viewer since the start.
  [[nodiscard]] std::uint64_t published() const { return published_; }

  // How often the queue of a viewer became full. Each time the viewer loses events until half of its queue is sent. The
  // viewer can tell how many by the gap in seq.
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

  // Composes an event in body_. `seq`: 0: it has none.
  void compose(std::uint64_t seq, std::string_view event, std::span<const Field> fields, protocol::Nanoseconds wall);

  std::string node_;
  std::vector<std::string> topics_;
  Viewers viewers_;
  std::array<std::uint64_t, kLevels * kKinds> events_{};  // events published, by topic
  std::string body_;                                      // reused for every event, to save allocations
  std::uint64_t published_ = 0;
};

}  // namespace herd::node
