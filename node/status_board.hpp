// Where the loop hangs out the node's latest status for other threads to read. Nobody makes the loop wait: a reader to
// whom the latest status is too old asks for a new one and looks again until it hangs there, or gives up.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>

#include "node/status.hpp"

namespace herd::node {

class StatusBoard {
 public:
  // A status younger than this is as good as a new one: many readers at once cost the loop twenty statuses a second.
  static constexpr std::chrono::milliseconds kFresh{50};
  // A loop that has published nothing for so long after it was asked counts as stuck.
  static constexpr std::chrono::milliseconds kPatience{1'000};

  // `ask_loop` is called on a reader's thread and must bring the loop to call publish soon, for example by asio::post.
  // It is not called again before publish was, however long the loop takes.
  explicit StatusBoard(std::function<void()> ask_loop) : ask_loop_(std::move(ask_loop)) {}

  // Loop thread only. `status` is not changed any more; its taken.steady is a time of std::chrono::steady_clock.
  void publish(std::shared_ptr<const Status> status);

  // Any thread but the loop's, which would wait for itself. A status that was at most kFresh old when this was called;
  // null if the loop has published none within kPatience, or if the board was closed.
  [[nodiscard]] std::shared_ptr<const Status> fresh();

  // Any thread. From now on the loop is not asked, and whoever waits in fresh() comes back with null at once.
  void close() { closed_ = true; }

 private:
  std::function<void()> ask_loop_;
  std::atomic<std::shared_ptr<const Status>> latest_;
  std::atomic<bool> asked_ = false;
  std::atomic<bool> closed_ = false;
};

}  // namespace herd::node
