#include "node/watches/interests.hpp"

#include <algorithm>

#include "protocol/assert.hpp"

namespace herd::node::watches {
namespace {

void add(std::vector<WatchId>& watches, WatchId watch) {
  watches.insert(std::lower_bound(watches.begin(), watches.end(), watch), watch);
}

void remove(std::vector<WatchId>& watches, WatchId watch) {
  const auto at = std::lower_bound(watches.begin(), watches.end(), watch);
  HERD_ASSERT(at != watches.end() && *at == watch);
  watches.erase(at);
}

template <typename Map, typename Key>
void remove(Map& map, const Key& key, WatchId watch) {
  const auto at = map.find(key);
  HERD_ASSERT(at != map.end());
  remove(at->second, watch);
  if (at->second.empty()) map.erase(at);
}

template <typename Map, typename Key>
void append(const Map& map, const Key& key, std::vector<WatchId>& found) {
  const auto at = map.find(key);
  if (at != map.end()) found.insert(found.end(), at->second.begin(), at->second.end());
}

}  // namespace

// Only the new point's cells are prefetched, because most clients stay in their cells. Each step visits all changes
// before the next step begins, so that the cache misses of one step overlap.
void Interests::prefetch(std::span<const area::Moved> moved) const {
  for (const area::Moved& each : moved) {
    if (each.after) grid_.prefetch_cells(area::spot_of(*each.after));
  }
  for (const area::Moved& each : moved) {
    if (each.after) grid_.prefetch_areas(area::spot_of(*each.after));
  }
}

void Interests::find(const area::Moved& moved, std::vector<WatchId>& found) const {
  const auto add_found = [&](WatchId watch) { found.push_back(watch); };
  if (moved.before && moved.after) {
    grid_.for_each_at(area::spot_of(*moved.before), area::spot_of(*moved.after), add_found);
  } else if (moved.before || moved.after) {
    grid_.for_each_at(area::spot_of(moved.after ? *moved.after : *moved.before), add_found);
  }
  if (!records_.empty()) append(records_, moved.record, found);
  if (!unknown_.empty() && !moved.before) {
    append(unknown_, std::string(store_.packed_at(moved.record).client), found);
  }
}

void Interests::add_record(WatchId watch, bus::RecordIndex record) {
  add(records_[record], watch);
}

void Interests::remove_record(WatchId watch, bus::RecordIndex record) {
  remove(records_, record, watch);
}

void Interests::add_unknown(WatchId watch, std::string_view client) {
  add(unknown_[std::string(client)], watch);
}

void Interests::remove_unknown(WatchId watch, std::string_view client) {
  remove(unknown_, std::string(client), watch);
}

}  // namespace herd::node::watches
