#include "node/area/client_filter.hpp"

#include <utility>

#include "bus/store/packed_record.hpp"

namespace herd::node::area {

ClientFilter::ClientFilter(const bus::Store& store, const protocol::Filter& filter, Visible visible)
    : store_(store), prefix_(filter.prefix), newer_(filter.newer), visible_(std::move(visible)) {}

bool ClientFilter::counts(bus::RecordIndex record) const {
  if (record == excluded_) return false;
  const auto cell = store_.packed_at(record);
  if (!cell.client.starts_with(prefix_) || !may_see(cell.client)) return false;
  return !newer_ || is_new_enough(bus::unpack_fields(cell.head, cell.body).time);
}

Accepts ClientFilter::accepts(bool search_excludes) const {
  const bool needs_id = !prefix_.empty() || newer_ || visible_;
  const bool needs_exclusion = excluded_ && !search_excludes;
  if (!needs_id && !needs_exclusion) return {};
  return [this](bus::RecordIndex record) { return counts(record); };
}

}  // namespace herd::node::area
