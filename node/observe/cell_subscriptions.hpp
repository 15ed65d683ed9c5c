// The areas that one viewer has subscribed to: prefixes of the topics `herd.cell.<geohash>.<node>`. A prefix that does
// not contain `herd.cell.` covers no area, so a viewer of `herd.` does not get each location twice. A repeated
// subscription counts once, and one cancellation ends it, as in node/observe/subscriptions.hpp. Bounded by
// kMaxViewerAreas. Pure; any thread, one at a time.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "node/observe/geohash.hpp"

namespace herd::node {

inline constexpr std::string_view kCellTopics = "herd.cell.";

// The topic of a location in this cell, from this node.
[[nodiscard]] std::string cell_topic(Geohash cell, std::string_view node);

class CellSubscriptions {
 public:
  // `node`: the name of this node, which ends its topics. It must outlive this object.
  explicit CellSubscriptions(std::string_view node) : node_(node) {}

  // Adds a prefix of topics; one that covers no area is ignored. Returns false if there are kMaxViewerAreas already:
  // it is not added.
  [[nodiscard]] bool add(std::string_view prefix);
  void remove(std::string_view prefix);

  [[nodiscard]] bool covers(Geohash cell) const;
  [[nodiscard]] std::size_t size() const { return areas_.size(); }

 private:
  struct Area {
    GeohashPrefix cells;
    std::size_t length = 0;  // of the prefix: it may contain a part of the node's name
    bool operator==(const Area&) const = default;
  };
  [[nodiscard]] std::optional<Area> read(std::string_view prefix) const;

  std::string_view node_;
  std::vector<Area> areas_;
};

}  // namespace herd::node
