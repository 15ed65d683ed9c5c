#include "node/clients/client_warnings.hpp"

#include <spdlog/spdlog.h>

namespace herd::node {

bool ClientWarnings::allows(ClientWarning kind, const protocol::Now& now) {
  return kinds_[static_cast<std::size_t>(kind)].limit.allows(now.steady);
}

void ClientWarnings::report_suppressed(const protocol::Now& now) {
  for (Kind& kind : kinds_) {
    if (const std::uint64_t count = kind.limit.take_suppressed(now.steady); count > 0) {
      spdlog::warn("event=warnings_suppressed kind={} count={}", kind.name, count);
    }
  }
}

}  // namespace herd::node
