// A bus over the loopback interface with its pump, for tests that play the loop by hand.
#pragma once

#include <poll.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bus/loop/pump.hpp"
#include "bus/zmq/bus.hpp"
#include "tests/node/free_port.hpp"

namespace herd::bus {

inline protocol::Now real_time() {
  return {std::chrono::steady_clock::now().time_since_epoch(), std::chrono::system_clock::now().time_since_epoch()};
}

// The processor time of this thread. Unlike real time, it does not depend on the load of the machine.
inline protocol::Nanoseconds processor_time() {
  timespec used{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
  return std::chrono::seconds(used.tv_sec) + protocol::Nanoseconds(used.tv_nsec);
}

inline std::string free_address() {
  return "tcp://127.0.0.1:" + std::to_string(node::free_port());
}

class PumpedBus {
 public:
  // nullptr if the address cannot be used.
  [[nodiscard]] static std::unique_ptr<PumpedBus> open(zmq::context_t& context, const Bus::Addresses& addresses,
                                                       Replica& replica,
                                                       const std::optional<BusKeys>& keys = std::nullopt) {
    auto bus = Bus::open(context, addresses, replica, keys);
    return bus ? std::unique_ptr<PumpedBus>(new PumpedBus(std::move(*bus), replica)) : nullptr;
  }

  Bus& bus() { return *bus_; }
  Pump& pump() { return pump_; }

  // One iteration of the node's loop: waits until something is ready or due, but at most `longest`, and handles it.
  void run_once(std::chrono::milliseconds longest = std::chrono::milliseconds(2)) {
    const protocol::Nanoseconds until = pump_.next_deadline(real_time()) - real_time().steady;
    const auto wait = std::clamp<protocol::Nanoseconds>(until, protocol::Nanoseconds{0}, longest);
    std::vector<pollfd> polled;
    for (const int descriptor : bus_->descriptors()) polled.push_back({descriptor, POLLIN, 0});
    (void)poll(polled.data(), polled.size(), static_cast<int>((wait.count() + 999'999) / 1'000'000));
    for (std::size_t i = 0; i < polled.size(); ++i) {
      if (polled[i].revents != 0) bus_->note_readable(polled[i].fd);
    }
    for (bool more = true; more;) {
      const protocol::Nanoseconds begin = processor_time();
      more = pump_.run(real_time());
      longest_run_ = std::max(longest_run_, processor_time() - begin);
    }
  }

  // The processor time of the longest run of the pump.
  [[nodiscard]] protocol::Nanoseconds longest_run() const { return longest_run_; }

 private:
  PumpedBus(std::unique_ptr<Bus> bus, Replica& replica) : bus_(std::move(bus)), pump_(replica, *bus_) {}

  std::unique_ptr<Bus> bus_;
  Pump pump_;
  protocol::Nanoseconds longest_run_{};
};

}  // namespace herd::bus
