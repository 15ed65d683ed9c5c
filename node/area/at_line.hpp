// The AT line of a record: the same in the answers to WHATSAT, in those to queries, and in the events of watches. Pure;
// any thread.
#pragma once

#include "bus/store/record.hpp"
#include "protocol/reply.hpp"

namespace herd::node::area {

// For protocol::append_at(). The views are valid as long as `record`. The record must not be reset.
[[nodiscard]] inline protocol::AtLine at_line_of(const bus::RecordView& record) {
  return {record.origin, record.difference, record.client, record.coordinates, record.time_text};
}

}  // namespace herd::node::area
