#include "node/base/service_manager.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

namespace herd::node {
namespace {

using protocol::Nanoseconds;

// systemd uses seconds to minutes. Below this bound the loop would do little else than send keep-alive messages.
constexpr std::uint64_t kLeastWatchdogUs = 1'000;
constexpr std::uint64_t kMostWatchdogUs = 86'400'000'000;  // a day

std::string of_environment(const char* name) {
  const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): no thread changes the environment
  return value == nullptr ? std::string() : std::string(value);
}

std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

ServiceManager::ServiceManager() : ServiceManager(of_environment) {}

ServiceManager::ServiceManager(const Variable& variable) {
  const std::string socket = variable("NOTIFY_SOCKET");
  if (socket.empty()) return;
  open(socket);
  if (is_present()) read_watchdog(variable("WATCHDOG_USEC"), variable("WATCHDOG_PID"));
}

ServiceManager::~ServiceManager() {
  if (descriptor_ >= 0) close(descriptor_);
}

void ServiceManager::open(const std::string& socket) {
  const bool is_abstract = socket.starts_with('@');
  if ((!is_abstract && !socket.starts_with('/')) || socket.size() >= sizeof(sockaddr_un::sun_path)) {
    spdlog::warn(
        "event=notify_ignored reason=\"NOTIFY_SOCKET is neither a path nor an abstract name of at most {} "
        "bytes\"",
        sizeof(sockaddr_un::sun_path) - 1);
    return;
  }
  descriptor_ = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (descriptor_ < 0) {
    spdlog::warn("event=notify_ignored reason=\"{}\"", std::generic_category().message(errno));
    return;
  }
  address_ = socket;
  if (is_abstract) address_[0] = '\0';
}

void ServiceManager::read_watchdog(const std::string& microseconds, const std::string& process) {
  if (microseconds.empty()) return;
  if (!process.empty() && number(process) != static_cast<std::uint64_t>(getpid())) return;
  const auto longest = number(microseconds);
  if (!longest || *longest < kLeastWatchdogUs || *longest > kMostWatchdogUs) {
    spdlog::warn("event=notify_ignored reason=\"WATCHDOG_USEC is not a number from {} to {}\"", kLeastWatchdogUs,
                 kMostWatchdogUs);
    return;
  }
  period_ = std::chrono::microseconds(*longest / 2);
}

void ServiceManager::ready(Nanoseconds now) {
  if (state_ != State::Starting) return;
  state_ = State::Ready;
  send_state("READY=1", now);
}

void ServiceManager::reloading(Nanoseconds now) {
  if (state_ != State::Ready) return;
  // The clock is CLOCK_MONOTONIC, as systemd wants it.
  send_state(
      fmt::format("RELOADING=1\nMONOTONIC_USEC={}", std::chrono::duration_cast<std::chrono::microseconds>(now).count()),
      now);
}

void ServiceManager::reloaded(Nanoseconds now) {
  if (state_ == State::Ready) send_state("READY=1", now);
}

void ServiceManager::stopping(Nanoseconds now) {
  if (state_ == State::Stopping) return;
  state_ = State::Stopping;
  send_state("STOPPING=1", now);
}

void ServiceManager::work(Nanoseconds now) {
  if (!is_present()) return;
  if (!unsent_.empty() && now >= retry_at_) send_state(std::exchange(unsent_, {}), now);
  if (period_ == Nanoseconds{0} || now < alive_at_) return;
  // Not sent again before the next period: a socket that is full contains keep-alive messages already.
  (void)send("WATCHDOG=1");
  alive_at_ = now + period_;
}

Nanoseconds ServiceManager::next_deadline() const {
  Nanoseconds deadline = Nanoseconds::max();
  if (!is_present()) return deadline;
  if (!unsent_.empty()) deadline = retry_at_;
  if (period_ > Nanoseconds{0}) deadline = std::min(deadline, alive_at_);
  return deadline;
}

void ServiceManager::send_state(std::string text, Nanoseconds now) {
  unsent_.clear();
  if (!is_present() || send(text)) return;
  unsent_ = std::move(text);
  retry_at_ = now + kRetryPeriod;
}

bool ServiceManager::send(const std::string& text) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, address_.data(), address_.size());
  // A path may end with a NUL, an abstract name has exactly its bytes.
  const std::size_t size = offsetof(sockaddr_un, sun_path) + address_.size() + (address_[0] == '\0' ? 0 : 1);
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): the interface of the system
  const auto* to = reinterpret_cast<const sockaddr*>(&address);
  const ssize_t sent =
      sendto(descriptor_, text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL, to, static_cast<socklen_t>(size));
  if (sent >= 0) {
    has_failed_ = false;
    return true;
  }
  if (!std::exchange(has_failed_, true)) {
    spdlog::warn("event=notify_failed reason=\"{}\"", std::generic_category().message(errno));
  }
  return false;
}

}  // namespace herd::node
