// Reports the state of the node to systemd, the service manager that started it, by the protocol of sd_notify(3),
// without a library. Each message is a datagram to the unix socket that NOTIFY_SOCKET names. Without NOTIFY_SOCKET
// nothing is sent. There are two kinds of messages: states (ready, reloading, stopping), and keep-alive messages for
// the watchdog of systemd, which restarts a process that sends none for too long. Never blocks: a state that the socket
// does not take is sent again later. A failure is logged, and returned by no function. Loop thread only; owns the
// socket.
#pragma once

#include <functional>
#include <string>

#include "protocol/clock.hpp"

namespace herd::node {

class ServiceManager {
 public:
  // A state that the socket did not take is sent again after this time: 100 ms.
  static constexpr protocol::Nanoseconds kRetryPeriod{100'000'000};

  // Returns the value of a variable of the environment; empty if it is not set.
  using Variable = std::function<std::string(const char* name)>;

  // Reads the environment of this process.
  ServiceManager();
  // Reads three variables. NOTIFY_SOCKET: an absolute path, or @ and an abstract name; at most 107 bytes.
  // WATCHDOG_USEC: the longest time between two keep-alive messages, in microseconds, 1,000 to 86,400,000,000 (a day);
  // not set: no watchdog. WATCHDOG_PID: the process that the watchdog is for; not set: this one. An invalid value is
  // ignored, with a warning in the log if it is one of the first two.
  explicit ServiceManager(const Variable& variable);
  ~ServiceManager();
  ServiceManager(const ServiceManager&) = delete;
  ServiceManager& operator=(const ServiceManager&) = delete;

  // Whether NOTIFY_SOCKET names a socket. If not, all functions below have no effect outside of this object.
  [[nodiscard]] bool is_present() const { return descriptor_ >= 0; }
  // True until ready() or stopping() is called.
  [[nodiscard]] bool is_starting() const { return state_ == State::Starting; }

  // In all functions `now` is steady time (CLOCK_MONOTONIC).

  // The node is ready: it serves clients. Only the first call has an effect, and none after stopping().
  void ready(protocol::Nanoseconds now);
  // A reload begins, and ends. No effect before ready() and after stopping().
  void reloading(protocol::Nanoseconds now);
  void reloaded(protocol::Nanoseconds now);
  // A clean stop has begun. Only the first call has an effect.
  void stopping(protocol::Nanoseconds now);

  // Sends the messages that are due: a keep-alive message after half of WATCHDOG_USEC, and a state that the socket did
  // not take. Call it once in each loop iteration.
  void work(protocol::Nanoseconds now);
  // When work() must be called next, in steady time; Nanoseconds::max(): no call is needed.
  [[nodiscard]] protocol::Nanoseconds next_deadline() const;

 private:
  enum class State { Starting, Ready, Stopping };

  void open(const std::string& socket);
  void read_watchdog(const std::string& microseconds, const std::string& process);
  void send_state(std::string text, protocol::Nanoseconds now);
  [[nodiscard]] bool send(const std::string& text);

  int descriptor_ = -1;  // -1: there is no service manager
  std::string address_;  // the bytes of sun_path
  State state_ = State::Starting;
  std::string unsent_;                // the newest state, if the socket did not take it; empty: it did
  protocol::Nanoseconds retry_at_{};  // when unsent_ is sent again
  protocol::Nanoseconds period_{};    // between two keep-alive messages; 0: no watchdog
  protocol::Nanoseconds alive_at_{};  // when the next keep-alive message is due
  bool has_failed_ = false;           // a failure was logged
};

}  // namespace herd::node
