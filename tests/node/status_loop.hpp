// A thread that publishes a status when a board requests one, as a node's loop does, for tests. `stuck` suspends it.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <thread>

#include "node/observe/status_board.hpp"
#include "tests/node/status_example.hpp"

namespace herd::node {

inline std::shared_ptr<Status> status_taken_now() {
  auto status = std::make_shared<Status>(example_status());
  status->taken.steady = std::chrono::steady_clock::now().time_since_epoch();
  return status;
}

class StatusLoop {
 public:
  using Publish = std::function<void(std::shared_ptr<const Status>)>;

  // The function by which a board requests a status; the status goes to `publish` of start().
  [[nodiscard]] std::function<void()> ask() {
    return [this] { ++asked; };
  }

  // Call it before the first request. `publish` must stay callable until stop() or the end of this object.
  void start(Publish publish) {
    publish_ = std::move(publish);
    thread_ = std::jthread([this](const std::stop_token& end) { run(end); });
  }
  void stop() { thread_ = {}; }

  std::atomic<int> asked = 0;
  std::atomic<int> published = 0;
  std::atomic<bool> stuck = false;
  std::atomic<bool> ready = true;
  std::atomic<bool> disk_full = false;
  std::atomic<bool> replies_wait = true;

 private:
  void run(const std::stop_token& end) {
    while (!end.stop_requested()) {
      if (asked > published && !stuck) {
        auto status = status_taken_now();
        status->ready = ready;
        if (disk_full) status->journal.trouble = "No space left on device";
        status->journal.replies_wait = replies_wait;
        ++published;
        publish_(std::move(status));
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }

  Publish publish_;
  std::jthread thread_;
};

}  // namespace herd::node
