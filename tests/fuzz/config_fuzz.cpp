// A configuration of any bytes: it is refused with a line for each mistake, or its values are valid and can be printed.
#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "node/config/config.hpp"
#include "node/config/config_diff.hpp"
#include "protocol/assert.hpp"
#include "protocol/limits.hpp"
#include "protocol/name.hpp"
#include "tests/fuzz/memory_file.hpp"

using namespace herd::node;

namespace {

// The first mistake has the number of its line.
void check_refusal(const std::string& message, const std::string& path) {
  const std::string beginning = path + ":";
  herd::fuzz::check_mistakes(message, beginning);
  std::size_t at = 0;
  const auto read = std::from_chars(message.data() + beginning.size(), message.data() + message.size(), at);
  HERD_ASSERT(read.ec == std::errc{} && at >= 1);
}

void check_node(const Config& config, const NodeConfig& node) {
  HERD_ASSERT(herd::protocol::is_name(node.name) && config.find(node.name) == &node);
  HERD_ASSERT(!node.bus.empty() && !node.bus_public.empty() && node.peers.size() >= config.updates.replicas);
  for (const std::string& peer : node.peers) {
    const NodeConfig* other = config.find(peer);
    HERD_ASSERT(other != nullptr && other != &node);
    HERD_ASSERT(std::count(other->peers.begin(), other->peers.end(), node.name) == 1);  // both nodes list the link
  }
  const ConfigChanges none = diff({config, config}, node.name);
  HERD_ASSERT(none.live.empty() && none.restart.empty() && !settings(config, node.name).empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const herd::fuzz::MemoryFile file;
  setenv("HERD_STATE_DIR", "/nowhere", 1);
  file.write(data, size);
  const auto config = load_config(file.path());
  if (!config) {
    check_refusal(config.error().message, file.path());
    return 0;
  }
  HERD_ASSERT(!config->nodes.empty() && config->nodes.size() <= herd::protocol::kMaxNodes);
  HERD_ASSERT(herd::protocol::is_name(config->herd_name) && !config->state_dir.empty());
  HERD_ASSERT(config->clients.max_line_bytes >= herd::protocol::kTooLongEchoBytes && config->clients.max_clients >= 1);
  for (const NodeConfig& node : config->nodes) check_node(*config, node);
  return 0;
}
