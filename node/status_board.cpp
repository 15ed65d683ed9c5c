#include "node/status_board.hpp"

#include <thread>

namespace herd::node {
namespace {

using std::chrono::steady_clock;

bool taken_since(const std::shared_ptr<const Status>& status, steady_clock::time_point oldest) {
  return status && status->taken.steady >= oldest.time_since_epoch();
}

// What load() should be. That of libstdc++ 12 ends in a relaxed store, so that its read may race with the next
// publish (ThreadSanitizer shows it); a failing exchange reads the same and ends in order.
std::shared_ptr<const Status> read(std::atomic<std::shared_ptr<const Status>>& latest) {
  std::shared_ptr<const Status> found;
  latest.compare_exchange_strong(found, nullptr);
  return found;
}

}  // namespace

void StatusBoard::publish(std::shared_ptr<const Status> status) {
  // In this order: a reader that comes between the two asks once too often. In the other order it could see the former
  // status, find that somebody had asked already, and then wait for an answer that had just been given.
  asked_ = false;
  latest_ = std::move(status);
}

std::shared_ptr<const Status> StatusBoard::fresh() {
  const auto called = steady_clock::now();
  while (!closed_) {
    auto status = read(latest_);
    if (taken_since(status, called - kFresh)) return status;
    if (steady_clock::now() - called > kPatience) return nullptr;
    if (!asked_.exchange(true)) ask_loop_();
    // std::atomic::wait knows no deadline. A loop that is well answers within a millisecond or two.
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return nullptr;
}

}  // namespace herd::node
