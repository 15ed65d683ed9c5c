// Reports the state of the process to the service manager that started it, systemd, which restarts a node that does not
// report in time. Each report is a datagram to the unix socket that NOTIFY_SOCKET names: the protocol of sd_notify(3),
// which needs no library. Without NOTIFY_SOCKET nothing is sent. Never blocks: a report that the socket does not take
// is sent again later. Loop thread only; owns the socket.
#pragma once

#include <functional>
#include <string>

#include "protocol/clock.hpp"

namespace herd::node {

class ServiceManager {
 public:
  // A state that the socket did not take is sent again after this time.
  static constexpr protocol::Nanoseconds kRetryPeriod{100'000'000};

  // Returns the value of a variable of the environment; empty if it is not set.
  using Variable = std::function<std::string(const char* name)>;

  // Of the environment of this process.
  ServiceManager();
  // NOTIFY_SOCKET: a path, or @ and an abstract name; at most 107 bytes. WATCHDOG_USEC: the longest time between two
  // signs of life, in microseconds; WATCHDOG_PID: the process that it is for. A value that is invalid is logged and
  // ignored.
  explicit ServiceManager(const Variable& variable);
  ~ServiceManager();
  ServiceManager(const ServiceManager&) = delete;
  ServiceManager& operator=(const ServiceManager&) = delete;

  [[nodiscard]] bool is_present() const { return descriptor_ >= 0; }
  // Whether neither ready() nor stopping() was called.
  [[nodiscard]] bool is_starting() const { return state_ == State::Starting; }

  // The node serves clients. Has an effect only the first time.
  void ready(protocol::Nanoseconds now);
  // A reload begins and ends; no effect before ready() and after stopping().
  void reloading(protocol::Nanoseconds now);
  void reloaded(protocol::Nanoseconds now);
  // A clean stop has begun.
  void stopping(protocol::Nanoseconds now);

  // Sends what is due: a sign of life after half of the time that the watchdog allows, and a state that the socket did
  // not take. Call it once in each loop iteration.
  void work(protocol::Nanoseconds now);
  // When work() must be called next, in steady time; the maximum: not at all.
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
  std::string unsent_;  // the newest state, if the socket did not take it
  protocol::Nanoseconds retry_at_{};
  protocol::Nanoseconds period_{};    // between two signs of life; 0: no watchdog
  protocol::Nanoseconds alive_at_{};  // when the next sign of life is due
  bool has_failed_ = false;           // a failure was logged
};

}  // namespace herd::node
