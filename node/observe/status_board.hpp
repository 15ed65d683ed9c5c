// Passes the node's status from the loop thread to the HTTP thread. Neither waits for the other: a reader asks for a
// status, the loop publishes one, and the reader is called with it, or with null if the loop does not publish in time.
#pragma once

#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>
#include <chrono>
#include <deque>
#include <functional>
#include <memory>

#include "node/observe/status.hpp"

namespace herd::node {

class StatusBoard : public std::enable_shared_from_this<StatusBoard> {
 public:
  using Clock = std::chrono::steady_clock;
  // Receives the status; null if the loop has not published one in time.
  using Reader = std::function<void(const std::shared_ptr<const Status>&)>;

  // A status up to this age is reused. So any number of readers costs the loop at most 20 statuses per second.
  static constexpr std::chrono::milliseconds kFresh{50};
  // A loop that publishes nothing for this time after a request counts as stuck.
  static constexpr std::chrono::milliseconds kPatience{1'000};

  // Create it with std::make_shared. `readers` is run by the readers' thread. `ask_loop` is called on that thread; it
  // must not block and must make the loop call publish() soon, for example by asio::post. It is not called again before
  // publish(), however long the loop takes.
  StatusBoard(std::shared_ptr<asio::io_context> readers, std::function<void()> ask_loop);

  // Publishes a status and answers the waiting readers. Does not block. Any thread, in practice the loop's. `status`
  // must not change afterwards; its taken.steady is a time of std::chrono::steady_clock.
  void publish(std::shared_ptr<const Status> status);

  // Calls `reader` with a status that is at most kFresh older than this call: at once if there is one, otherwise when
  // the loop publishes it. Calls it with null after kPatience. Readers' thread only; `reader` runs on it.
  void read(Reader reader);

  // The number of readers that wait. Readers' thread only.
  [[nodiscard]] std::size_t waiting() const { return waiting_.size(); }

 private:
  struct Waiting {
    Clock::time_point called;
    Reader reader;
  };

  [[nodiscard]] bool is_fresh_for(Clock::time_point called) const;
  void take(std::shared_ptr<const Status> status);
  void ask();
  void wait_for_patience();
  void give_up();

  std::shared_ptr<asio::io_context> readers_;
  std::function<void()> ask_loop_;
  std::shared_ptr<const Status> latest_;
  bool is_asked_ = false;
  std::deque<Waiting> waiting_;  // ordered by `called`
  asio::steady_timer patience_;  // for the first waiting reader; runs while there is one
};

}  // namespace herd::node
