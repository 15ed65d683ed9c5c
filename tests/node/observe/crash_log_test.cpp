#include "node/observe/crash_log.hpp"

#include <spdlog/spdlog.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>
#include <stdexcept>

#include "node/observe/log.hpp"
#include "protocol/assert.hpp"
#include "tests/catch.hpp"
#include "tests/node/scratch_dir.hpp"
#include "tests/node/standard_error_to.hpp"

namespace herd::node {
namespace {

using namespace std::chrono_literals;

// Runs `fatal` in a child process. Its log goes to a file, and to a standard error that is
// full and never read. Returns the text of the file; checks that SIGABRT ended the process.
template <typename Fatal>
std::string log_of_crash(const Fatal& fatal, LogFormat format = LogFormat::Text) {
  const ScratchDir scratch;
  const auto file = scratch.path() / "log";
  std::array<int, 2> ends{};
  REQUIRE(pipe2(ends.data(), O_CLOEXEC) == 0);
  const pid_t child = fork();
  if (child == 0) {
    const rlimit none{};
    setrlimit(RLIMIT_CORE, &none);
    std::signal(SIGABRT, SIG_DFL);  // the test program has a handler of its own
    const StandardErrorTo redirected(fcntl(ends[1], F_DUPFD_CLOEXEC, 3));
    if (!start_log("Hill", {.level = "info", .file = file, .format = format})) _exit(2);
    log_crashes();
    for (int i = 0; i < 200; ++i) spdlog::info("event=before text={}", std::string(1'000, 'x'));
    fatal();
    _exit(0);
  }
  close(ends[1]);
  const auto begin = std::chrono::steady_clock::now();
  int status = 0;
  waitpid(child, &status, 0);
  close(ends[0]);
  CHECK(std::chrono::steady_clock::now() - begin < 10s);
  CHECK(WIFSIGNALED(status));
  CHECK(WTERMSIG(status) == SIGABRT);
  std::ostringstream text;
  text << std::ifstream(file).rdbuf();
  return text.str();
}

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t times = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++times;
  return times;
}

TEST_CASE("an abort is logged after all lines before it, although standard error is full") {
  const std::string log = log_of_crash([] { std::abort(); });
  CHECK(count(log, "event=before") == 200);
  CHECK(log.ends_with(" error Hill event=crashed signal=6\n"));
}

TEST_CASE("a crash is logged as JSON where the log is JSON") {
  const std::string log = log_of_crash(
      [] {
        log_fatal("event=assertion_failed condition=\"a < b\"");
        std::abort();
      },
      LogFormat::Json);
  CHECK(count(log, R"(,"node":"Hill","event":"before","text":"xxx)") == 200);
  CHECK(count(log, R"(,"level":"error","node":"Hill","event":"assertion_failed","condition":"a < b"})") == 1);
  CHECK(log.ends_with(R"(,"level":"error","node":"Hill","event":"crashed","signal":"6"})"
                      "\n"));
}

TEST_CASE("an uncaught exception is logged with its reason") {
  const std::function<void()> fails = [] { throw std::runtime_error("no room on the moon"); };
  const std::string log = log_of_crash([&fails]() noexcept { fails(); });
  CHECK(log.find(" error Hill event=exception_not_caught reason=\"no room on the moon\"\n") != std::string::npos);
  CHECK(log.ends_with(" event=crashed signal=6\n"));
}

TEST_CASE("a failed assertion is logged with its location and condition") {
  const std::string log = log_of_crash([] { HERD_ASSERT(1 + 1 == 3); });
  CHECK(count(log, "event=before") == 200);
  CHECK(log.find(" error Hill event=assertion_failed at=") != std::string::npos);
  CHECK(log.find(" condition=\"1 + 1 == 3\"\n") != std::string::npos);
  CHECK(log.ends_with(" event=crashed signal=6\n"));
}

TEST_CASE("a call of std::terminate without an exception is logged") {
  const std::string log = log_of_crash([] { std::terminate(); });
  CHECK(log.find("event=exception_not_caught reason=\"none: std::terminate was called\"\n") != std::string::npos);
}

}  // namespace
}  // namespace herd::node
