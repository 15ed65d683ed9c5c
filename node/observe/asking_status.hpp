// What clients ask and watch at a node, for /status.json and /metrics. Counts are since the start of the node. The
// names are literals. Plain values; any thread may read those that no thread changes.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace herd::node {

struct AskingStatus {
  struct Queries {
    std::string_view command;  // "near"
    std::string_view result;   // "answered"
    std::uint64_t count = 0;
  };
  struct Events {
    std::string_view event;  // "ENTER"
    std::uint64_t count = 0;
  };

  std::vector<Queries> queries;   // each command with each result; those of one command follow each other
  std::vector<Events> events;     // written to watchers, of each kind
  std::uint64_t waiting = 0;      // queries under way
  std::uint64_t indexed = 0;      // clients in the area index; 0 while nothing asks
  std::uint64_t index_bytes = 0;  // memory of the area index
  std::uint64_t watches = 0;      // that run
  std::uint64_t members = 0;      // of all watches, each counted for each watch
};

}  // namespace herd::node
