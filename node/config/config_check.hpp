// The relations between the values of a configuration that were each read well: names, addresses and links of the
// nodes. Internal to load_config.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "node/config/config.hpp"
#include "node/config/config_reader.hpp"

namespace herd::node {

inline constexpr std::string_view kNameForm = "write 1 to 63 letters, digits, _ or -";
inline constexpr std::array<std::string_view, 5> kLogLevels{"trace", "debug", "info", "warning", "error"};

// One [[node]] as it stands in the file: what is still text, and where everything stands.
struct NodeSource {
  std::size_t line = 0;
  std::optional<std::string> clients;
  std::optional<std::string> http;
  std::vector<Placed> peers;
  std::map<std::string_view, std::size_t> lines;  // of each key that was read well: what is absent or wrong was said
};

[[nodiscard]] bool is_valid_name(std::string_view name);

// Parses the addresses of config.nodes[i] from sources[i], completes its links, and adds a mistake for all that does
// not fit together. The two lists are of the same length.
void check_nodes(const std::vector<NodeSource>& sources, Config& config, Mistakes& mistakes);

// No node may wait for more peers than it has. `line`: where `replicas` stands.
void check_replicas(std::size_t line, const Config& config, Mistakes& mistakes);

}  // namespace herd::node
