// What a listener does when accept(2) fails. Most failures last, for example because no descriptor is free: the
// connection stays in the kernel's queue and the listener stays readable, so an immediate retry would spin. Used on the
// thread of its io_context only.
#pragma once

#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>
#include <functional>
#include <system_error>

namespace herd::node {

// Whether accept(2) failed because of one client, which closed its connection before it was accepted: the next accept
// may succeed at once.
[[nodiscard]] bool is_of_one_client(const std::error_code& error);

class AcceptBackoff {
 public:
  explicit AcceptBackoff(asio::io_context& io) : timer_(io) {}

  // Accepting failed, and not because of one client: calls `again` after kAcceptBackoff, unless cancel() comes before.
  // Returns true for the first failure since the last success: only that one is worth a line in the log.
  bool failed(std::function<void()> again);
  void succeeded() { fails_ = false; }
  void cancel() { timer_.cancel(); }

 private:
  asio::steady_timer timer_;
  bool fails_ = false;
};

}  // namespace herd::node
