#include "protocol/assert.hpp"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstring>

#include "protocol/unreachable.hpp"
#include "tests/catch.hpp"

namespace herd::protocol {
namespace {

void break_an_assertion() {
  HERD_ASSERT(2 + 2 == 5);
}

// The wait status of a process in which an assertion fails.
int status_of_failure(AssertionReporter reporter, void (*fail)() = break_an_assertion) {
  const pid_t child = fork();
  if (child == 0) {
    const rlimit none{};
    setrlimit(RLIMIT_CORE, &none);
    std::signal(SIGABRT, SIG_DFL);  // the test framework handles it
    set_assertion_reporter(reporter);
    fail();
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return status;
}

TEST_CASE("an assertion that holds is evaluated once and does nothing") {
  int evaluated = 0;
  HERD_ASSERT(++evaluated == 1);  // NOLINT(bugprone-assert-side-effect): it counts
  CHECK(evaluated == 1);
}

TEST_CASE("a failed assertion is reported with its file, line and condition") {
  const int status = status_of_failure([](const FailedAssertion& failed) noexcept {
    const bool is_right = std::strstr(failed.file, "assert_test.cpp") != nullptr && failed.line > 0 &&
                          std::strcmp(failed.condition, "2 + 2 == 5") == 0;
    _exit(is_right ? 7 : 8);
  });
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 7);
}

TEST_CASE("to reach the end of a switch over an enum fails an assertion there") {
  const int status = status_of_failure(
      [](const FailedAssertion& failed) noexcept {
        const bool is_right = std::strstr(failed.file, "assert_test.cpp") != nullptr && failed.line > 0 &&
                              std::strcmp(failed.condition, "the value is outside its enum") == 0;
        _exit(is_right ? 7 : 8);
      },
      [] { unreachable(); });
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 7);
}

TEST_CASE("a process is aborted after its reporter returns") {
  const int status = status_of_failure([](const FailedAssertion&) noexcept {});
  CHECK(WIFSIGNALED(status));
  CHECK(WTERMSIG(status) == SIGABRT);
}

}  // namespace
}  // namespace herd::protocol
