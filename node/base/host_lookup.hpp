// Looks up host names with the resolver of the C library (getaddrinfo): /etc/hosts, DNS, and what else the host has. A
// lookup blocks for as long as a name server does not answer, so it runs on a thread of its own.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "node/base/detachable_thread.hpp"

namespace herd::node {

struct HostAddresses {
  std::vector<std::string> addresses;  // each IP address once, in the order to try them; empty: the lookup failed
  std::string trouble;                 // why it failed; empty if it did not
};

// Looks a name up on this thread, which may block for long. Leaves link-local IPv6 addresses out, because they are only
// valid with an interface.
[[nodiscard]] HostAddresses look_up_host(const std::string& host);

// One lookup. The destructor does not wait for it: a thread that hangs is left alone until the process ends. Use an
// object only on the thread that made it.
class HostLookup {
 public:
  using Function = std::function<HostAddresses(const std::string&)>;

  // Begins it. `function` and then `done` run on the lookup's thread, perhaps after the end of this object, so they
  // must own what they use.
  HostLookup(std::string host, Function function, std::function<void()> done);

  [[nodiscard]] const std::string& host() const { return host_; }
  [[nodiscard]] bool is_done() const { return result_->done.load(std::memory_order_acquire); }
  // Call it once, when is_done().
  [[nodiscard]] HostAddresses take() { return std::move(result_->addresses); }

 private:
  struct Result {
    HostAddresses addresses;  // the lookup's thread writes it before `done` is true, this thread reads it after
    std::atomic<bool> done = false;
  };

  std::string host_;
  std::shared_ptr<Result> result_;
  DetachableThread thread_;
};

// Looks up all these names at once, and waits at most `patience`. Names without an answer by then are not in the
// result; unknown names have no addresses.
[[nodiscard]] std::map<std::string, std::vector<std::string>> look_up_hosts(
    const std::vector<std::string>& hosts, std::chrono::milliseconds patience,
    const HostLookup::Function& function = look_up_host);

}  // namespace herd::node
