// What the places worker tells of its providers, kept for status and metrics, and told to the monitor's viewers where
// one of them has changed its state. Loop thread.
#pragma once

#include "node/observe/monitor.hpp"
#include "node/places/figures.hpp"
#include "node/places/messages.hpp"
#include "protocol/clock.hpp"

namespace herd::node {

class PlacesReport {
 public:
  // `monitor` may be null.
  void receive(places::FiguresMessage figures, Monitor* monitor, protocol::Nanoseconds wall);

  // The latest, in the order of the configuration; empty until the worker has its providers.
  [[nodiscard]] const places::FiguresMessage& figures() const { return figures_; }

 private:
  places::FiguresMessage figures_;
};

}  // namespace herd::node
