#include "node/watches/versions.hpp"

#include <utility>

#include "protocol/assert.hpp"

namespace herd::node::watches {

void Versions::release() {
  HERD_ASSERT(users_ > 0);
  if (--users_ > 0) return;
  is_prepared_ = false;
  read_ = 0;
  clients_ = {};
}

// A client that is noted while this is not complete may be read once more, with the same result.
bool Versions::prepare(area::Slice& slice) {
  if (is_prepared_) return true;
  constexpr unsigned kRecordsAtOnce = 64;
  bus::Feed::Reader reader = store_.feed().read_after(read_);
  for (unsigned count = 1; const auto entry = reader.next(); ++count) {
    const bool is_reset = bus::is_reset(store_.record_at(entry->index));
    client(entry->index) = {is_reset ? kAbsent : stamp_of(entry->index), entry->number};
    read_ = entry->number;
    if (count % kRecordsAtOnce == 0 && slice.is_over()) return false;
  }
  is_prepared_ = true;
  return true;
}

Change Versions::note(const area::Moved& moved) {
  const Client fresh{moved.after ? stamp_of(moved.record) : kAbsent, moved.number};
  const Client old = std::exchange(client(moved.record), fresh);
  const bool was_present = old.stamp != kAbsent;
  if (was_present != moved.after.has_value()) return {ChangeKind::Turn, old.number};
  if (!was_present) return {ChangeKind::Nothing, old.number};
  return {old.stamp == fresh.stamp ? ChangeKind::Tie : ChangeKind::Later, old.number};
}

Versions::Client& Versions::client(bus::RecordIndex record) {
  if (record >= clients_.size()) clients_.resize(record + std::size_t{1});
  return clients_[record];
}

// Two versions of one client with one stamp would take a constructed time, after a reset.
std::uint64_t Versions::stamp_of(bus::RecordIndex record) const {
  const bus::RecordCells::Cell cell = store_.packed_at(record);
  const bus::RecordFields fields = bus::unpack_fields(cell.head, cell.body);
  constexpr std::uint64_t kMultiplier = 0x9E3779B97F4A7C15;  // 2^64 by the golden ratio
  const std::uint64_t stamp = (static_cast<std::uint64_t>(fields.time.count()) + 1) ^ fields.epoch * kMultiplier;
  return stamp == kAbsent ? 1 : stamp;
}

}  // namespace herd::node::watches
