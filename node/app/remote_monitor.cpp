#include "node/app/remote_monitor.hpp"

#include <spdlog/spdlog.h>

#include <utility>

#include "node/app/reload_log.hpp"

namespace herd::node {

using protocol::Nanoseconds;
using protocol::Result;

Result<std::unique_ptr<Monitor>> start_monitor(zmq::context_t& context, const NodeConfig& self,
                                               const Viewers::Limits& limits, std::optional<ViewerKeys> keys) {
  const bool is_remote = keys.has_value();
  auto monitor = Monitor::bind(self.monitor, self.name, limits, std::move(keys));
  if (!monitor || !is_remote) return monitor;
  if (const auto proven = (*monitor)->prove(context, self.monitor); !proven) return tl::unexpected(proven.error());
  return monitor;
}

Result<void> reload_viewers(Monitor& monitor, const Config& config, std::optional<bus::KeyPair> own,
                            Nanoseconds steady) {
  auto fresh = load_viewers(config);
  if (!fresh) {
    spdlog::warn(
        "event=viewers_refused reason=\"viewers.toml has mistakes: the node continues with the former viewers\"");
    log_mistakes(fresh.error().message);
    return tl::unexpected(fresh.error());
  }
  log_key_warnings(fresh->warnings);
  const std::size_t count = fresh->names.size();
  monitor.set_keys({own ? *own : monitor.viewers().keys().own, std::move(fresh->names)}, steady);
  spdlog::info("event=viewers_reloaded keys={}", count);
  return {};
}

}  // namespace herd::node
