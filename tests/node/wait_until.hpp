// Waits for a condition instead of for a fixed time, for tests.
#pragma once

#include <chrono>
#include <thread>

namespace herd::node {

// True as soon as `condition` holds, false if it does not within ten seconds (a loaded machine is slow, not wrong).
template <typename Condition>
bool wait_until(Condition condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

}  // namespace herd::node
