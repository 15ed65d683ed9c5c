#include "node/app/reload_log.hpp"

#include <spdlog/spdlog.h>

#include <sstream>

namespace herd::node {

void log_mistakes(const std::string& lines) {
  std::istringstream mistakes(lines);
  for (std::string mistake; std::getline(mistakes, mistake);) spdlog::warn("event=reload_mistake at={}", mistake);
}

void log_key_warnings(const std::vector<std::string>& warnings) {
  for (const std::string& warning : warnings) spdlog::warn("event=key_at_risk reason=\"{}\"", warning);
}

}  // namespace herd::node
