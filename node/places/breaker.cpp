#include "node/places/breaker.hpp"

#include <algorithm>

#include "protocol/unreachable.hpp"

namespace herd::node::places {

std::optional<Breaker::Period> Breaker::admit(protocol::Nanoseconds now) {
  switch (state_) {
    case State::Closed:
      return period_;
    case State::HalfOpen:
      return std::nullopt;
    case State::Open:
      if (now < rests_until_) return std::nullopt;
      change(State::HalfOpen);
      return period_;
  }
  protocol::unreachable();
}

void Breaker::succeeded() {
  failures_ = 0;
  if (state_ == State::Closed) return;
  rest_ = kFirstRest;
  change(State::Closed);
}

void Breaker::failed(Period period, protocol::Nanoseconds now) {
  if (period != period_) return;
  if (state_ == State::HalfOpen || ++failures_ >= kFailures) open(now);
}

void Breaker::open(protocol::Nanoseconds now) {
  failures_ = 0;
  rests_until_ = now + rest_;
  rest_ = std::min<protocol::Nanoseconds>(2 * rest_, kLongestRest);
  change(State::Open);
}

void Breaker::change(State state) {
  state_ = state;
  ++period_;
}

}  // namespace herd::node::places
