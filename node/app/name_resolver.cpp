#include "node/app/name_resolver.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <system_error>
#include <utility>

namespace herd::node {

// An eventfd that the lookups' threads signal. The flag saves a system call in each loop iteration.
class NameResolver::Ended {
 public:
  Ended() : descriptor_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (descriptor_ < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
  }
  ~Ended() { close(descriptor_); }
  Ended(const Ended&) = delete;
  Ended& operator=(const Ended&) = delete;

  [[nodiscard]] int descriptor() const { return descriptor_; }
  // The flag is set last: when take() sees it, the descriptor is readable, and take() resets it.
  void signal() {
    const std::uint64_t one = 1;
    (void)!write(descriptor_, &one, sizeof one);
    any_.store(true, std::memory_order_release);
  }
  // Whether signal() was called since the last call.
  [[nodiscard]] bool take() {
    if (!any_.load(std::memory_order_relaxed) || !any_.exchange(false, std::memory_order_acq_rel)) return false;
    std::uint64_t count = 0;
    (void)!read(descriptor_, &count, sizeof count);
    return true;
  }

 private:
  const int descriptor_;
  std::atomic<bool> any_ = false;
};

NameResolver::NameResolver(HostLookup::Function function)
    : function_(std::move(function)), ended_(std::make_shared<Ended>()) {}

NameResolver::~NameResolver() = default;

int NameResolver::descriptor() const {
  return ended_->descriptor();
}

void NameResolver::ask(const std::string& host) {
  const auto is_same = [&](const auto& lookup) { return lookup->host() == host; };
  if (std::any_of(lookups_.begin(), lookups_.end(), is_same)) return;
  try {
    lookups_.push_back(std::make_unique<HostLookup>(host, function_, [ended = ended_] { ended->signal(); }));
  } catch (const std::system_error& problem) {
    refused_.push_back({host, {}, std::string("no thread for the lookup: ") + problem.what()});
    ended_->signal();
  }
}

std::optional<bus::HostAnswer> NameResolver::take_answer() {
  if (ended_->take()) may_have_answer_ = true;
  if (!may_have_answer_) return std::nullopt;
  if (!refused_.empty()) {
    bus::HostAnswer answer = std::move(refused_.back());
    refused_.pop_back();
    return answer;
  }
  const auto next =
      std::find_if(lookups_.begin(), lookups_.end(), [](const auto& lookup) { return lookup->is_done(); });
  if (next != lookups_.end()) {
    HostAddresses found = (*next)->take();
    bus::HostAnswer answer{(*next)->host(), std::move(found.addresses), std::move(found.trouble)};
    lookups_.erase(next);
    return answer;
  }
  may_have_answer_ = false;
  return std::nullopt;
}

}  // namespace herd::node
