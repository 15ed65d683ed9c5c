#include "node/watches/interests.hpp"

#include <algorithm>

#include "protocol/assert.hpp"

namespace herd::node::watches {
namespace {

template <typename Map, typename Key>
void erase(Map& map, const Key& key, WatchId watch) {
  auto [at, end] = map.equal_range(key);
  while (at != end && at->second != watch) ++at;
  HERD_ASSERT(at != end);
  map.erase(at);
}

}  // namespace

void Interests::find(const area::Moved& moved, std::vector<WatchId>& found) const {
  const auto add = [&](WatchId watch) { found.push_back(watch); };
  if (moved.before) grid_.for_each_at(area::spot_of(*moved.before), add);
  if (moved.after && moved.after != moved.before) grid_.for_each_at(area::spot_of(*moved.after), add);
  if (!records_.empty()) {
    for (auto [at, end] = records_.equal_range(moved.record); at != end; ++at) add(at->second);
  }
  if (!unknown_.empty() && !moved.before) {
    const std::string client(store_.packed_at(moved.record).client);
    for (auto [at, end] = unknown_.equal_range(client); at != end; ++at) add(at->second);
  }
  found.insert(found.end(), all_.begin(), all_.end());
}

void Interests::remove_record(WatchId watch, bus::RecordIndex record) {
  erase(records_, record, watch);
}

void Interests::remove_unknown(WatchId watch, std::string_view client) {
  erase(unknown_, std::string(client), watch);
}

void Interests::remove_all(WatchId watch) {
  const auto at = std::find(all_.begin(), all_.end(), watch);
  HERD_ASSERT(at != all_.end());
  all_.erase(at);
}

}  // namespace herd::node::watches
