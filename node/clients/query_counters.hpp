// Counters of queries since the start of the node, by command and result; they only rise. Written on the loop's thread,
// which copies them into the status.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace herd::node {

enum class QueryCommand : std::uint8_t { Whereis, Near, Within, Count, Map };
enum class QueryResult : std::uint8_t {
  Answered,
  Refused,    // an unknown centre or client, or a cursor of another query
  Abandoned,  // its connection was closed before the answer was complete
};

inline constexpr std::array<std::string_view, 5> kQueryCommands{"whereis", "near", "within", "count", "map"};
inline constexpr std::array<std::string_view, 3> kQueryResults{"answered", "refused", "abandoned"};

class QueryCounters {
 public:
  void count(QueryCommand command, QueryResult result) { ++counts_[index_of(command)][index_of(result)]; }
  [[nodiscard]] std::uint64_t of(std::size_t command, std::size_t result) const { return counts_[command][result]; }

 private:
  template <typename Enum>
  [[nodiscard]] static std::size_t index_of(Enum value) {
    return static_cast<std::size_t>(value);
  }

  std::array<std::array<std::uint64_t, kQueryResults.size()>, kQueryCommands.size()> counts_{};
};

}  // namespace herd::node
