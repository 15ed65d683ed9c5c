#include "node/observe/crash_log.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdlib>
#include <exception>
#include <string_view>
#include <utility>

#include "node/observe/log.hpp"
#include "node/observe/log_output.hpp"
#include "protocol/assert.hpp"

namespace herd::node {
namespace {

constexpr std::array<int, 5> kCrashes{SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV};
constexpr std::size_t kTextBytes = 512;

// Formats into memory on the caller's stack, because the heap may be corrupt. Cuts off text that is too long.
template <typename... Values>
std::string_view make_text(std::array<char, kTextBytes>& memory, fmt::format_string<Values...> format,
                           Values&&... values) {
  const auto made = fmt::format_to_n(memory.data(), memory.size(), format, std::forward<Values>(values)...);
  return {memory.data(), std::min(made.size, memory.size())};
}

void report_assertion(const protocol::FailedAssertion& failed) noexcept {
  std::array<char, kTextBytes> memory{};
  log_fatal(make_text(memory, "event=assertion_failed at={}:{} condition=\"{}\"", failed.file, failed.line,
                      failed.condition));
}

// abort() raises SIGABRT: handle_crash() then logs the signal and waits for the log.
[[noreturn]] void report_exception() noexcept {
  std::array<char, kTextBytes> memory{};
  const auto report = [&memory](std::string_view reason) {
    log_fatal(make_text(memory, "event=exception_not_caught reason=\"{}\"", reason));
  };
  try {
    if (const auto current = std::current_exception()) std::rethrow_exception(current);
    report("none: std::terminate was called");
  } catch (const std::exception& problem) {
    report(problem.what());
  } catch (...) {
    report("unknown");
  }
  std::abort();
}

void handle_crash(int signal) noexcept {
  std::array<char, kTextBytes> memory{};
  log_fatal(make_text(memory, "event=crashed signal={}", signal));
  drain_log(kLogEndPatience);
  // SA_RESETHAND has restored the default action. The kernel delivers the signal when this handler has returned.
  raise(signal);
}

}  // namespace

void log_crashes() {
  protocol::set_assertion_reporter(report_assertion);
  std::set_terminate(report_exception);
  for (const int signal : kCrashes) {
    struct sigaction action {};
    if (sigaction(signal, nullptr, &action) != 0 || action.sa_handler != SIG_DFL) continue;
    action = {};
    action.sa_handler = handle_crash;
    action.sa_flags = static_cast<int>(SA_RESETHAND);
    sigemptyset(&action.sa_mask);
    sigaction(signal, &action, nullptr);
  }
}

}  // namespace herd::node
