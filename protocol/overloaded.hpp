// Overloaded: functions for the alternatives of a std::variant, one for each. std::visit() then calls the right one,
// and the compiler reports an alternative without a function. Any thread.
//
//   std::visit(Overloaded{[&](const Ping& ping) { ... }, [&](const Pong& pong) { ... }}, message);
#pragma once

namespace herd::protocol {

template <typename... Cases>
struct Overloaded : Cases... {
  using Cases::operator()...;
};
template <typename... Cases>
Overloaded(Cases...) -> Overloaded<Cases...>;

}  // namespace herd::protocol
