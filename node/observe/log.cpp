#include "node/observe/log.hpp"

#include <fmt/format.h>
#include <spdlog/sinks/sink.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <ctime>
#include <memory>
#include <system_error>
#include <utility>
#include <vector>

#include "node/base/log_levels.hpp"
#include "node/observe/log_line.hpp"
#include "node/observe/log_output.hpp"
#include "protocol/limits.hpp"
#include "protocol/unreachable.hpp"

namespace herd::node {
namespace {

using protocol::fail;
using protocol::Result;
using spdlog::level::level_enum;
using namespace std::chrono;

// spdlog's levels with the names in kLogLevels, in its order.
constexpr std::array<level_enum, kLogLevels.size()> kLevels{level_enum::trace, level_enum::debug, level_enum::info,
                                                            level_enum::warn, level_enum::err};
constexpr std::size_t kFatalBytes = 1'000;
constexpr std::size_t kFatalLineBytes = 7 * (kFatalBytes + protocol::kMaxNameBytes) + 100;  // log_line.hpp
constexpr std::size_t kMostOutputs = 2;                                                     // standard error and a file
constexpr timespec kDrainPoll{0, 1'000'000};                                                // 1 ms

Result<level_enum> parse_level(std::string_view text) {
  const auto* const name = std::find(kLogLevels.begin(), kLogLevels.end(), text);
  if (name != kLogLevels.end()) return kLevels.at(static_cast<std::size_t>(name - kLogLevels.begin()));
  return fail(fmt::format("log level '{}' is unknown: use one of {}", text, fmt::join(kLogLevels, ", ")));
}

std::string_view name_of(level_enum level) {
  const auto* const found = std::find(kLevels.begin(), kLevels.end(), level);
  return found == kLevels.end() ? kLogLevels.back() : kLogLevels.at(static_cast<std::size_t>(found - kLevels.begin()));
}

void append_line(fmt::appender out, LogFormat format, const LogLine& line) {
  switch (format) {
    case LogFormat::Text:
      return append_text_line(out, line);
    case LogFormat::Json:
      return append_json_line(out, line);
  }
  protocol::unreachable();
}

// The sink of spdlog's logger. It has no lock and no buffer: each call formats its line on its own stack.
class RingSink : public spdlog::sinks::sink {
 public:
  RingSink(std::string node, LogFormat format) : node_(std::move(node)), format_(format) {}

  void add(LogTarget target) {
    outputs_.push_back(std::make_unique<LogOutput>(
        std::move(target), [node = node_, format = format_](std::uint64_t lines, std::string_view reason) {
          fmt::memory_buffer text;
          const auto event = fmt::format("event=log_dropped lines={} reason=\"{}\"", lines, reason);
          append_line(fmt::appender(text), format, {system_clock::now(), name_of(level_enum::warn), node, event});
          return fmt::to_string(text);
        }));
  }

  void log(const spdlog::details::log_msg& message) override {
    fmt::memory_buffer text;
    append_line(fmt::appender(text), format_,
                {message.time, name_of(message.level), node_, {message.payload.data(), message.payload.size()}});
    push({text.data(), text.size()});
  }
  void flush() override {}
  void set_pattern(const std::string& /*pattern*/) override {}
  void set_formatter(std::unique_ptr<spdlog::formatter> /*formatter*/) override {}

  void push_fatal(std::string_view event) noexcept {
    fmt::basic_memory_buffer<char, kFatalLineBytes> text;  // never grows
    try {
      const std::string_view node = std::string_view(node_).substr(0, protocol::kMaxNameBytes);
      append_line(fmt::appender(text), format_,
                  {system_clock::now(), name_of(level_enum::err), node, event.substr(0, kFatalBytes)});
      push({text.data(), text.size()});
    } catch (...) {  // fmt does not throw here, but the compiler cannot prove it
      lost();
    }
  }

  // Counts a line that could not be formatted, because memory has run out.
  void lost() noexcept { lost_.fetch_add(1, std::memory_order_relaxed); }

  void reopen() noexcept {
    for (const auto& output : outputs_) output->reopen();
  }

  [[nodiscard]] std::uint64_t dropped() const noexcept {
    std::uint64_t sum = lost_.load(std::memory_order_relaxed);
    for (const auto& output : outputs_) sum += output->dropped();
    return sum;
  }

  bool drain(milliseconds patience) const noexcept {
    std::array<std::uint64_t, kMostOutputs> wanted{};
    for (std::size_t i = 0; i < outputs_.size(); ++i) wanted[i] = outputs_[i]->pushed();
    const auto settled = [&] {
      for (std::size_t i = 0; i < outputs_.size(); ++i) {
        if (!outputs_[i]->is_settled(wanted[i])) return false;
      }
      return true;
    };
    const auto deadline = steady_clock::now() + patience;
    while (!settled()) {
      if (steady_clock::now() >= deadline) return false;
      nanosleep(&kDrainPoll, nullptr);
    }
    return true;
  }

  void finish() {
    const auto deadline = steady_clock::now() + kLogEndPatience;
    for (const auto& output : outputs_) {
      output->finish(std::max(milliseconds{0}, ceil<milliseconds>(deadline - steady_clock::now())));
    }
  }

 private:
  void push(std::string_view line) noexcept {
    for (const auto& output : outputs_) output->push(line);
  }

  std::string node_;
  LogFormat format_;
  std::vector<std::unique_ptr<LogOutput>> outputs_;
  std::atomic<std::uint64_t> lost_ = 0;
};

std::shared_ptr<RingSink> owned_sink;          // used by the main thread only
std::atomic<RingSink*> sink_in_use = nullptr;  // the same object, for all threads

Result<std::shared_ptr<RingSink>> open_sink(const std::string& node, const LogConfig& config) {
  auto sink = std::make_shared<RingSink>(node, config.format);
  auto standard_error = LogTarget::standard_error();
  if (!standard_error) return tl::unexpected(standard_error.error());
  try {
    sink->add(std::move(*standard_error));
    if (!config.file.empty()) {
      auto file = LogTarget::file(config.file);
      if (!file) return tl::unexpected(file.error());
      sink->add(std::move(*file));
    }
  } catch (const std::system_error& problem) {
    return fail(fmt::format("the log cannot be started: {}", problem.what()));
  }
  return sink;
}

}  // namespace

Result<void> start_log(const std::string& node, const LogConfig& config) {
  const auto level = parse_level(config.level);
  if (!level) return tl::unexpected(level.error());
  auto sink = open_sink(node, config);
  if (!sink) return tl::unexpected(sink.error());
  auto logger = std::make_shared<spdlog::logger>(node, *sink);
  logger->set_level(*level);
  // spdlog's default handler would take a lock and write to standard error.
  logger->set_error_handler([used = sink->get()](const std::string&) { used->lost(); });
  spdlog::set_default_logger(std::move(logger));
  sink_in_use = sink->get();
  owned_sink = std::move(*sink);
  return {};
}

Result<void> set_log_level(std::string_view level) {
  const auto parsed = parse_level(level);
  if (!parsed) return tl::unexpected(parsed.error());
  spdlog::set_level(*parsed);
  return {};
}

void reopen_log() noexcept {
  if (RingSink* sink = sink_in_use) sink->reopen();
}

std::uint64_t log_dropped() {
  const RingSink* sink = sink_in_use;
  return sink == nullptr ? 0 : sink->dropped();
}

bool drain_log(milliseconds patience) noexcept {
  const RingSink* sink = sink_in_use;
  return sink == nullptr || sink->drain(patience);
}

void log_fatal(std::string_view text) noexcept {
  if (RingSink* sink = sink_in_use) sink->push_fatal(text);
}

void finish_log() {
  if (owned_sink) owned_sink->finish();
}

}  // namespace herd::node
