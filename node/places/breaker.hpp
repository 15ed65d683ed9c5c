// Rests a service that fails again and again, so that neither it nor the clients pay for asking in vain: closed, it may
// be asked; open, it rests; half-open, one request tries whether it is back. Pure: time comes in, on the steady clock.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "protocol/clock.hpp"

namespace herd::node::places {

class Breaker {
 public:
  enum class State : std::uint8_t { Closed, Open, HalfOpen };

  // Failures in a row before the first rest: a few lost packets are none, and five clients' waiting is enough.
  static constexpr int kFailures = 5;
  // Each rest after a failed try is twice as long as the one before. A short fault is over after a second; a long one
  // is asked about twice a minute, which nobody notices on either side.
  static constexpr std::chrono::seconds kFirstRest{1};
  static constexpr std::chrono::seconds kLongestRest{30};

  // Names the period in which a request began.
  using Period = std::uint64_t;

  // Whether a request may begin now; then it must end in succeeded or failed with this period.
  [[nodiscard]] std::optional<Period> admit(protocol::Nanoseconds now);

  // From whatever period: the service is there.
  void succeeded();

  // Failures of requests that began before the last change of state are old news, and change nothing.
  void failed(Period period, protocol::Nanoseconds now);

  [[nodiscard]] State state() const { return state_; }
  // While open: when the next try may be.
  [[nodiscard]] protocol::Nanoseconds rests_until() const { return rests_until_; }

 private:
  void change(State state);
  void open(protocol::Nanoseconds now);

  State state_ = State::Closed;
  Period period_ = 0;
  int failures_ = 0;
  protocol::Nanoseconds rest_ = kFirstRest;  // how long the next one will be
  protocol::Nanoseconds rests_until_{};
};

}  // namespace herd::node::places
