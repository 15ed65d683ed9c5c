// The answer of /v1/map as bytes. Integers are little-endian. docs/HTTP.md, "The map", has the same table:
//
//   header   32 bytes: "HERDMAP1", feed 8, number 8, kind 4, count 4
//   entries  of kind 0 and 1, 16 bytes each: record 4, latitude 4, longitude 4, age 2, node 1, flags 1
//            of kind 2, 12 bytes each: latitude 4, longitude 4, clients 4
//   nodes    count 1, then for each: length 1, name
//
// Pure; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "node/area/map_search.hpp"
#include "protocol/clock.hpp"
#include "protocol/point.hpp"

namespace herd::node::api {

enum class MapKind : std::uint32_t {
  All,      // all clients of the box
  Changed,  // the clients that have changed since the place in the request, wherever they are
  Cells,    // how many clients there are in each cell
};

inline constexpr std::size_t kMapHeaderBytes = 32;
inline constexpr std::size_t kMapClientBytes = 16;
inline constexpr std::size_t kMapCellBytes = 12;

struct MapClient {
  std::uint32_t record = 0;  // the client's name in this feed
  protocol::Point point;     // {} if it was reset
  protocol::Nanoseconds age{};
  std::string_view node;  // that the client reported to
  bool is_reset = false;
};

class MapBytes {
 public:
  // `expected`: about how many clients or cells there will be.
  explicit MapBytes(std::size_t expected);

  void add(const MapClient& client);
  void add(const area::CellCount& cell);

  struct Header {
    std::uint64_t feed = 0;
    std::uint64_t number = 0;  // the answer is complete up to this change
    MapKind kind = MapKind::All;
  };
  // The whole answer. Call it once.
  [[nodiscard]] std::string take(const Header& header);

 private:
  [[nodiscard]] std::uint8_t index_of(std::string_view node);

  std::string bytes_;
  std::uint32_t count_ = 0;
  std::vector<std::string> nodes_;
  std::uint8_t latest_ = 0;  // the node of the last client
};

}  // namespace herd::node::api
