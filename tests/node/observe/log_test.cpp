#include "node/observe/log.hpp"

#include <fcntl.h>
#include <spdlog/sinks/null_sink.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>
#include <vector>

#include "node/base/log_levels.hpp"
#include "tests/catch.hpp"
#include "tests/node/standard_error_to.hpp"
#include "tests/node/wait_until.hpp"

namespace herd::node {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

// A temporary directory per test, and a log that no other test inherits.
struct LogFixture {
  fs::path directory = fs::temp_directory_path() / ("herd_log_" + std::to_string(getpid()));
  LogFixture() { fs::create_directories(directory); }
  ~LogFixture() {
    finish_log();  // its thread would create the file again while the directory is removed
    spdlog::set_default_logger(std::make_shared<spdlog::logger>("", std::make_shared<spdlog::sinks::null_sink_mt>()));
    fs::remove_all(directory);
  }
  static std::string read(const fs::path& file) {
    std::ostringstream text;
    text << std::ifstream(file).rdbuf();
    return text.str();
  }
};

// Replaces every digit of `text` by 0, so that times can be compared.
std::string without_digits(std::string text) {
  for (auto& byte : text) {
    if (byte >= '0' && byte <= '9') byte = '0';
  }
  return text;
}

TEST_CASE_METHOD(LogFixture, "a log line has the time in UTC, the level, the node and the event") {
  const auto file = directory / "Hill.log";
  const auto errors = directory / "stderr";
  {
    const StandardErrorTo redirected(errors);
    REQUIRE(start_log("Hill", {.level = "info", .file = file}));
    spdlog::info("event=link_lost peer={} lag={}", "Smith", 12);
    spdlog::warn("event=slow");
    spdlog::error("event=stop");
    REQUIRE(drain_log(10s));
  }
  const std::string wanted =
      "0000-00-00T00:00:00.000Z info Hill event=link_lost peer=Smith lag=00\n"
      "0000-00-00T00:00:00.000Z warning Hill event=slow\n"
      "0000-00-00T00:00:00.000Z error Hill event=stop\n";
  CHECK(without_digits(read(file)) == wanted);
  CHECK(read(errors) == read(file));
}

TEST_CASE_METHOD(LogFixture, "with the format JSON each line is an object with the same content") {
  const auto file = directory / "Hill.log";
  const StandardErrorTo redirected(directory / "stderr");
  REQUIRE(start_log("Hill", {.level = "info", .file = file, .format = LogFormat::Json}));
  spdlog::warn("event=link_lost peer={} reason=\"{}\"", "Smith", "no answer");
  log_fatal("without fields");
  log_fatal(std::string(5'000, '\x01'));  // the longest line that one byte can become
  REQUIRE(drain_log(10s));
  std::string cut;
  for (int i = 0; i < 1'000; ++i) cut += "\\u0000";
  const std::string head = R"({"time":"0000-00-00T00:00:00.000Z","level":)";
  CHECK(without_digits(read(file)) ==
        head +
            R"("warning","node":"Hill","event":"link_lost","peer":"Smith","reason":"no answer"})"
            "\n" +
            head +
            R"("error","node":"Hill","message":"without fields"})"
            "\n" +
            head + R"("error","node":"Hill","message":")" + cut + "\"}\n");
}

TEST_CASE_METHOD(LogFixture, "the log file is appended to, so that a restart keeps the earlier lines") {
  const auto file = directory / "Hill.log";
  std::ofstream(file) << "before\n";
  const StandardErrorTo redirected(directory / "stderr");
  REQUIRE(start_log("Hill", {.level = "info", .file = file}));
  spdlog::info("event=after");
  REQUIRE(drain_log(10s));
  CHECK(read(file).starts_with("before\n"));
  CHECK(read(file).find("event=after") != std::string::npos);
}

TEST_CASE_METHOD(LogFixture, "after reopen_log() a renamed file gets no more lines, and there is a new one at once") {
  const auto file = directory / "Hill.log";
  const StandardErrorTo redirected(directory / "stderr");
  REQUIRE(start_log("Hill", {.level = "info", .file = file}));
  for (int i = 0; i < 5; ++i) {
    spdlog::info("event=before");
    REQUIRE(drain_log(10s));
    fs::rename(file, directory / "rotated");
    reopen_log();
    if (i % 2 == 0) CHECK(wait_until([&] { return fs::exists(file); }));
    spdlog::info("event=after");
    REQUIRE(drain_log(10s));
    CHECK(read(directory / "rotated").find("event=after") == std::string::npos);
    CHECK(read(file).find("event=after") != std::string::npos);
    fs::remove(file);
    reopen_log();
  }
}

TEST_CASE_METHOD(LogFixture, "each level passes itself and more severe levels, and can be changed while running") {
  const auto file = directory / "Hill.log";
  const StandardErrorTo redirected(directory / "stderr");
  REQUIRE(start_log("Hill", {.level = "error", .file = file}));
  const std::vector<std::string> names(kLogLevels.begin(), kLogLevels.end());
  for (std::size_t chosen = 0; chosen < names.size(); ++chosen) {
    REQUIRE(set_log_level(names[chosen]));
    REQUIRE(drain_log(10s));
    std::ofstream(file, std::ios::trunc).flush();
    spdlog::trace("event=trace");
    spdlog::debug("event=debug");
    spdlog::info("event=info");
    spdlog::warn("event=warning");
    spdlog::error("event=error");
    REQUIRE(drain_log(10s));
    const auto text = read(file);
    for (std::size_t index = 0; index < names.size(); ++index) {
      INFO("level " << names[chosen] << ", line " << names[index]);
      CHECK((text.find("event=" + names[index]) != std::string::npos) == (index >= chosen));
    }
  }
}

TEST_CASE_METHOD(LogFixture, "an undocumented level is refused, and the previous one stays") {
  const StandardErrorTo redirected(directory / "stderr");
  REQUIRE(start_log("Hill", {.level = "warning", .file = {}}));
  for (const auto* wrong : {"", "warn", "critical", "off", "INFO", "info "}) {
    const auto set = set_log_level(wrong);
    REQUIRE_FALSE(set);
    CHECK(set.error().message.find("use one of trace, debug, info, warning, error") != std::string::npos);
    CHECK_FALSE(start_log("Hill", {.level = wrong, .file = {}}));
  }
  CHECK(spdlog::get_level() == spdlog::level::warn);
}

TEST_CASE_METHOD(LogFixture, "a log file that cannot be opened is an error that names the file") {
  const auto file = directory / "missing" / "Hill.log";
  const auto missing = start_log("Hill", {.level = "info", .file = file});
  REQUIRE_FALSE(missing);
  CHECK(missing.error().message.find(file.string()) != std::string::npos);
  CHECK_FALSE(fs::exists(file.parent_path()));

  const auto not_a_file = start_log("Hill", {.level = "info", .file = directory});
  REQUIRE_FALSE(not_a_file);
  CHECK(not_a_file.error().message.find(directory.string()) != std::string::npos);
}

TEST_CASE_METHOD(LogFixture, "lines of many threads never mix") {
  const auto file = directory / "Hill.log";
  const StandardErrorTo redirected(directory / "stderr");
  REQUIRE(start_log("Hill", {.level = "info", .file = file}));
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([thread] {
      for (int i = 0; i < 500; ++i) spdlog::info("event=test thread={} text={}", thread, std::string(50, 'x'));
    });
  }
  for (auto& thread : threads) thread.join();
  REQUIRE(drain_log(10s));
  std::istringstream lines(without_digits(read(file)));
  int count = 0;
  for (std::string line; std::getline(lines, line); ++count) {
    CHECK(line == "0000-00-00T00:00:00.000Z info Hill event=test thread=0 text=" + std::string(50, 'x'));
  }
  CHECK(count == 2'000);
  CHECK(log_dropped() == 0);
}

TEST_CASE_METHOD(LogFixture, "a standard error that cannot be written costs its own lines; the file has all of them") {
  const auto file = directory / "Hill.log";
  const StandardErrorTo redirected(open("/dev/full", O_WRONLY | O_CLOEXEC));
  REQUIRE(start_log("Hill", {.level = "info", .file = file}));
  for (int i = 0; i < 10; ++i) spdlog::info("event=test");
  CHECK(wait_until([] { return log_dropped() == 10; }));
  REQUIRE(drain_log(10s));
  const std::string text = without_digits(read(file));
  std::string wanted;
  for (int i = 0; i < 10; ++i) wanted += "0000-00-00T00:00:00.000Z info Hill event=test\n";
  CHECK(text == wanted);
}

TEST_CASE_METHOD(LogFixture, "a line reports the number of dropped lines") {
  const auto errors = directory / "stderr";
  std::array<int, 2> ends{};
  REQUIRE(pipe2(ends.data(), O_CLOEXEC) == 0);
  {
    const StandardErrorTo redirected(ends[1]);
    REQUIRE(start_log("Hill", {.level = "info", .file = {}}));
  }
  while (log_dropped() < 7) spdlog::info("event=test text={}", std::string(1'000, 'x'));
  CHECK_FALSE(drain_log(10ms));
  fcntl(ends[0], F_SETFL, O_NONBLOCK);
  std::string text;
  CHECK(wait_until([&] {
    std::array<char, 65536> piece{};
    const auto size = ::read(ends[0], piece.data(), piece.size());
    if (size > 0) text.append(piece.data(), static_cast<std::size_t>(size));
    return text.find(" warning Hill event=log_dropped lines=") != std::string::npos && drain_log(0ms);
  }));
  close(ends[0]);
}

TEST_CASE_METHOD(LogFixture, "the line of a crash is cut off if it is too long") {
  const auto errors = directory / "stderr";
  const StandardErrorTo redirected(errors);
  REQUIRE(start_log("Hill", {.level = "error", .file = {}}));
  log_fatal("event=crashed signal=11");
  log_fatal(std::string(1'001, 'x'));
  REQUIRE(drain_log(10s));
  CHECK(without_digits(read(errors)) ==
        "0000-00-00T00:00:00.000Z error Hill event=crashed signal=00\n"
        "0000-00-00T00:00:00.000Z error Hill " +
            std::string(1'000, 'x') + "\n");
}

}  // namespace
}  // namespace herd::node
