// A circuit breaker: it stops requests to a service that fails repeatedly. Closed: requests may begin. Open: the
// service rests, and no request may begin. Half-open: one request tests whether the service works again. Pure: the
// steady time is a parameter. Used by the worker's thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "protocol/clock.hpp"

namespace herd::node::places {

class Breaker {
 public:
  enum class State : std::uint8_t { Closed, Open, HalfOpen };

  // The number of consecutive failures before the first rest: more than a few lost packets cause, and few enough for
  // the clients that wait.
  static constexpr int kFailures = 5;
  // Each rest after a failed test is twice as long as the one before. After a short fault the service is used again
  // within a second; during a long one it gets two requests per minute, which is no load.
  static constexpr std::chrono::seconds kFirstRest{1};
  static constexpr std::chrono::seconds kLongestRest{30};

  // Identifies the time between two changes of state.
  using Period = std::uint64_t;

  // Returns the current period if a request may begin now, else nullopt. The request must end with a call of
  // succeeded(), or of failed() with this period.
  [[nodiscard]] std::optional<Period> admit(protocol::Nanoseconds now);

  // Closes the breaker: a success of any period proves that the service works.
  void succeeded();

  // Counts a failure. A failure of an earlier period is ignored.
  void failed(Period period, protocol::Nanoseconds now);

  [[nodiscard]] State state() const { return state_; }
  // In state Open: when the next request may begin, in steady time.
  [[nodiscard]] protocol::Nanoseconds rests_until() const { return rests_until_; }

 private:
  void change(State state);
  void open(protocol::Nanoseconds now);

  State state_ = State::Closed;
  Period period_ = 0;
  int failures_ = 0;
  protocol::Nanoseconds rest_ = kFirstRest;  // length of the next rest
  protocol::Nanoseconds rests_until_{};
};

}  // namespace herd::node::places
