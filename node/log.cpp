#include "node/log.hpp"

#include <fmt/format.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <array>
#include <memory>
#include <utility>
#include <vector>

namespace herd::node {
namespace {

using protocol::fail;
using protocol::Result;
using spdlog::level::level_enum;

// spdlog knows more names ("critical", "off", "warn"); these are the ones that the configuration promises.
constexpr std::array<std::pair<std::string_view, level_enum>, 5> kLevels{{{"trace", level_enum::trace},
                                                                          {"debug", level_enum::debug},
                                                                          {"info", level_enum::info},
                                                                          {"warning", level_enum::warn},
                                                                          {"error", level_enum::err}}};

Result<level_enum> parse_level(std::string_view text) {
  for (const auto& [name, level] : kLevels) {
    if (name == text) return level;
  }
  return fail(fmt::format("log level '{}' is unknown; use trace, debug, info, warning or error", text));
}

// spdlog would create missing directories by itself; a mistyped path should be refused instead of being built.
Result<spdlog::sink_ptr> open_file(const std::filesystem::path& file) {
  std::error_code unreadable;
  const auto directory = std::filesystem::absolute(file, unreadable).parent_path();
  if (!std::filesystem::is_directory(directory, unreadable)) {
    return fail(fmt::format("log file {} cannot be opened: {} is not a directory", file.string(), directory.string()));
  }
  try {
    return std::make_shared<spdlog::sinks::basic_file_sink_mt>(file.string());
  } catch (const spdlog::spdlog_ex& problem) {
    return fail(fmt::format("log file {} cannot be opened: {}", file.string(), problem.what()));
  }
}

}  // namespace

Result<void> start_log(const std::string& node, const LogConfig& config) {
  const auto level = parse_level(config.level);
  if (!level) return tl::unexpected(level.error());
  std::vector<spdlog::sink_ptr> sinks{std::make_shared<spdlog::sinks::stderr_sink_mt>()};
  if (!config.file.empty()) {
    auto file = open_file(config.file);
    if (!file) return tl::unexpected(file.error());
    sinks.push_back(std::move(*file));
  }
  auto logger = std::make_shared<spdlog::logger>(node, sinks.begin(), sinks.end());
  logger->set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %l %n %v", spdlog::pattern_time_type::utc);
  logger->set_level(*level);
  // If the node dies, the line that says why must already stand in the file.
  logger->flush_on(level_enum::trace);
  spdlog::set_default_logger(std::move(logger));
  return {};
}

Result<void> set_log_level(std::string_view level) {
  const auto parsed = parse_level(level);
  if (!parsed) return tl::unexpected(parsed.error());
  spdlog::set_level(*parsed);
  return {};
}

}  // namespace herd::node
