// Checks the relations between values of a configuration that are valid by themselves: names, addresses and links of
// the nodes. Used by load_config() only.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "node/config/config.hpp"
#include "node/config/config_reader.hpp"

namespace herd::node {

// One [[node]] of the file: the values that are not parsed yet, and the lines of its keys.
struct NodeSource {
  std::size_t line = 0;
  std::optional<std::string> clients;
  std::optional<std::string> http;
  std::vector<Placed> peers;
  std::map<std::string_view, std::size_t> lines;  // of the valid keys: the others are absent, or reported already
};

// Parses the addresses of config.nodes[i] from sources[i], completes its links in both directions, and adds a mistake
// for each contradiction. Both lists must have the same length.
void check_nodes(const std::vector<NodeSource>& sources, Config& config, Mistakes& mistakes);

// Adds a mistake for each node that has fewer peers than `replicas`. `line`: the line of `replicas`.
void check_replicas(std::size_t line, const Config& config, Mistakes& mistakes);

}  // namespace herd::node
