#include "protocol/assert.hpp"

#include <atomic>
#include <cstdio>
#include <cstdlib>

namespace herd::protocol {
namespace {

void report_on_standard_error(const FailedAssertion& failed) noexcept {
  std::fprintf(stderr, "%s:%d: assertion failed: %s\n", failed.file, failed.line, failed.condition);
}

std::atomic<AssertionReporter> reporter_in_use{report_on_standard_error};

}  // namespace

void set_assertion_reporter(AssertionReporter reporter) noexcept {
  reporter_in_use = reporter;
}

void assertion_failed(const FailedAssertion& failed) noexcept {
  reporter_in_use.load()(failed);
  std::abort();
}

}  // namespace herd::protocol
