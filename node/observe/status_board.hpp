// Carries the node's status from the loop to the HTTP thread. Neither waits for the other: the loop hands over a status
// when it is asked for one, and a reader is called when it is there, or when the loop has let the time pass.
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
  // Null: the loop has published nothing in time.
  using Reader = std::function<void(const std::shared_ptr<const Status>&)>;

  // A status younger than this is as good as a new one: many readers at once cost the loop twenty statuses a second.
  static constexpr std::chrono::milliseconds kFresh{50};
  // A loop that has published nothing for so long after it was asked counts as stuck.
  static constexpr std::chrono::milliseconds kPatience{1'000};

  // Made by std::make_shared. `readers` is run by the readers' thread. `ask_loop` is called there and must bring the
  // loop to call publish soon, for example by asio::post. It is not called again before publish was, however long the
  // loop takes.
  StatusBoard(std::shared_ptr<asio::io_context> readers, std::function<void()> ask_loop);

  // Any thread, in practice the loop's; does not wait. `status` is not changed any more; its taken.steady is a time of
  // std::chrono::steady_clock.
  void publish(std::shared_ptr<const Status> status);

  // Readers' thread. Calls `reader` there with a status that was at most kFresh old when this was called: at once if
  // there is one, else after the loop has published it, or with null after kPatience.
  void read(Reader reader);

  // Readers' thread: how many wait.
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
  std::deque<Waiting> waiting_;  // in the order of `called`
  asio::steady_timer patience_;  // runs while any waits, for the first of them
};

}  // namespace herd::node
