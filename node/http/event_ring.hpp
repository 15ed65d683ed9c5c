// Sends events to many viewers: one bounded ring that all viewers share, and a read position per viewer. Events that a
// viewer has not read cost no memory of their own. The stream of a viewer ends when the ring has dropped its next
// event. HTTP thread only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "node/http/response.hpp"

namespace herd::node::http {

struct EventRingLimits {
  std::size_t events = 256;                      // a few seconds of a busy node
  std::size_t bytes = std::size_t{1024} * 1024;  // of all events in the ring
};

class EventRing : public std::enable_shared_from_this<EventRing> {
 public:
  // Create it with std::make_shared: its viewers share ownership.
  explicit EventRing(const EventRingLimits& limits) : limits_(limits) {}

  // Appends one event and wakes the waiting viewers. `event` is the text on the wire ("data: ...\n\n") and must not be
  // empty. Drops the oldest events until the new one fits the limits; a single event is accepted at any size.
  void publish(std::string event);

  // Creates a viewer that receives all events published from now on.
  [[nodiscard]] std::unique_ptr<StreamSource> view();

  [[nodiscard]] std::size_t viewers() const { return viewers_.size(); }

  // How many streams have ended because their viewer was too slow.
  [[nodiscard]] std::uint64_t overtaken() const { return overtaken_; }

 private:
  class Viewer;

  EventRingLimits limits_;
  std::deque<StreamSource::Piece> events_;
  std::uint64_t first_ = 0;  // number of the oldest event in the ring
  std::size_t bytes_ = 0;
  std::vector<Viewer*> viewers_;
  std::uint64_t overtaken_ = 0;
};

}  // namespace herd::node::http
