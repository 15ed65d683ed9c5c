// Events that many viewers are sent: one bounded ring that all of them share, and a position for each. A viewer costs
// no memory for events that it has not taken. One that is so slow that the ring has dropped its next event is ended.
// HTTP thread only.
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
  std::size_t bytes = std::size_t{1024} * 1024;  // of all events in the ring together
};

class EventRing : public std::enable_shared_from_this<EventRing> {
 public:
  // Made by std::make_shared, because viewers keep it.
  explicit EventRing(const EventRingLimits& limits) : limits_(limits) {}

  // Adds one event, as it is sent ("data: ...\n\n"), not empty, and wakes the viewers that wait. The oldest events
  // leave until the new one fits; it stays itself, whatever its size.
  void publish(std::string event);

  // A viewer that is sent the events from now on.
  [[nodiscard]] std::unique_ptr<StreamSource> view();

  [[nodiscard]] std::size_t viewers() const { return viewers_.size(); }
  [[nodiscard]] std::uint64_t overtaken() const { return overtaken_; }  // viewers that were ended so far

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
