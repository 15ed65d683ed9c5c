#include "node/log.hpp"

#include <fcntl.h>
#include <spdlog/sinks/null_sink.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/catch.hpp"

namespace herd::node {
namespace {

namespace fs = std::filesystem;

// A directory of its own for each test, gone at its end; and a log that no other test inherits.
struct LogFixture {
  fs::path directory = fs::temp_directory_path() / ("herd_log_" + std::to_string(getpid()));
  LogFixture() { fs::create_directories(directory); }
  ~LogFixture() {
    spdlog::set_default_logger(std::make_shared<spdlog::logger>("", std::make_shared<spdlog::sinks::null_sink_mt>()));
    fs::remove_all(directory);
  }
  static std::string read(const fs::path& file) {
    std::ostringstream text;
    text << std::ifstream(file).rdbuf();
    return text.str();
  }
};

// `text` with every digit as 0, so that times can be compared.
std::string without_digits(std::string text) {
  for (auto& byte : text) {
    if (byte >= '0' && byte <= '9') byte = '0';
  }
  return text;
}

// Standard error goes to a file as long as this lives.
class StandardErrorTo {
 public:
  explicit StandardErrorTo(const fs::path& file) : saved_(dup(STDERR_FILENO)) {
    const int opened = open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    dup2(opened, STDERR_FILENO);
    close(opened);
  }
  ~StandardErrorTo() {
    dup2(saved_, STDERR_FILENO);
    close(saved_);
  }

 private:
  int saved_;
};

TEST_CASE_METHOD(LogFixture, "a log line has the time in UTC, the level, the node and the event") {
  const auto file = directory / "Hill.log";
  const auto errors = directory / "stderr";
  {
    const StandardErrorTo redirected(errors);
    REQUIRE(start_log("Hill", {.level = "info", .file = file}));
    spdlog::info("event=link_lost peer={} lag={}", "Smith", 12);
    spdlog::warn("event=slow");
    spdlog::error("event=stop");
  }
  const std::string wanted =
      "0000-00-00T00:00:00.000Z info Hill event=link_lost peer=Smith lag=00\n"
      "0000-00-00T00:00:00.000Z warning Hill event=slow\n"
      "0000-00-00T00:00:00.000Z error Hill event=stop\n";
  CHECK(without_digits(read(file)) == wanted);
  CHECK(read(errors) == read(file));
}

TEST_CASE_METHOD(LogFixture, "the log file is appended to, so that a restart keeps what went before") {
  const auto file = directory / "Hill.log";
  std::ofstream(file) << "before\n";
  const StandardErrorTo redirected(directory / "stderr");
  REQUIRE(start_log("Hill", {.level = "info", .file = file}));
  spdlog::info("event=after");
  CHECK(read(file).starts_with("before\n"));
  CHECK(read(file).find("event=after") != std::string::npos);
}

TEST_CASE_METHOD(LogFixture, "each level lets itself and what is graver through, and can be changed while running") {
  const auto file = directory / "Hill.log";
  const StandardErrorTo redirected(directory / "stderr");
  REQUIRE(start_log("Hill", {.level = "error", .file = file}));
  const std::vector<std::string> names{"trace", "debug", "info", "warning", "error"};
  for (std::size_t chosen = 0; chosen < names.size(); ++chosen) {
    REQUIRE(set_log_level(names[chosen]));
    std::ofstream(file, std::ios::trunc).flush();
    spdlog::trace("event=trace");
    spdlog::debug("event=debug");
    spdlog::info("event=info");
    spdlog::warn("event=warning");
    spdlog::error("event=error");
    const auto text = read(file);
    for (std::size_t index = 0; index < names.size(); ++index) {
      INFO("level " << names[chosen] << ", line " << names[index]);
      CHECK((text.find("event=" + names[index]) != std::string::npos) == (index >= chosen));
    }
  }
}

TEST_CASE_METHOD(LogFixture, "a level that nobody promised is refused, and the former one stays") {
  const StandardErrorTo redirected(directory / "stderr");
  REQUIRE(start_log("Hill", {.level = "warning", .file = {}}));
  for (const auto* wrong : {"", "warn", "critical", "off", "INFO", "info "}) {
    const auto set = set_log_level(wrong);
    REQUIRE_FALSE(set);
    CHECK(set.error().message.find("use trace, debug, info, warning or error") != std::string::npos);
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

}  // namespace
}  // namespace herd::node
