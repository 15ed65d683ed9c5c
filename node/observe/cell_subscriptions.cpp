#include "node/observe/cell_subscriptions.hpp"

#include <algorithm>

#include "node/observe/monitor_limits.hpp"

namespace herd::node {

std::string cell_topic(Geohash cell, std::string_view node) {
  return std::string(kCellTopics).append(to_text(cell)).append(".").append(node);
}

std::optional<CellSubscriptions::Area> CellSubscriptions::read(std::string_view prefix) const {
  if (!prefix.starts_with(kCellTopics)) return std::nullopt;
  const std::string_view rest = prefix.substr(kCellTopics.size());
  const auto cells = parse_geohash(rest.substr(0, kGeohashCharacters));
  if (!cells) return std::nullopt;
  if (rest.size() > kGeohashCharacters) {
    const std::string_view end = rest.substr(kGeohashCharacters);
    if (end.front() != '.' || !node_.starts_with(end.substr(1))) return std::nullopt;
  }
  return Area{*cells, prefix.size()};
}

bool CellSubscriptions::add(std::string_view prefix) {
  const auto area = read(prefix);
  if (!area || std::find(areas_.begin(), areas_.end(), *area) != areas_.end()) return true;
  if (areas_.size() >= kMaxViewerAreas) return false;
  areas_.push_back(*area);
  return true;
}

void CellSubscriptions::remove(std::string_view prefix) {
  if (const auto area = read(prefix)) std::erase(areas_, *area);
}

bool CellSubscriptions::covers(Geohash cell) const {
  return std::any_of(areas_.begin(), areas_.end(), [&](const Area& area) { return area.cells.contains(cell); });
}

}  // namespace herd::node
