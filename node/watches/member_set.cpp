#include "node/watches/member_set.hpp"

#include <utility>

#include "protocol/assert.hpp"

namespace herd::node::watches {
namespace {

constexpr unsigned kLeastBits = 2;

}  // namespace

std::size_t MemberSet::home_of(bus::RecordIndex record) const {
  constexpr std::uint64_t kMultiplier = 0x9E3779B97F4A7C15;  // 2^64 by the golden ratio
  return static_cast<std::size_t>(record * kMultiplier >> (64U - bits_));
}

std::size_t MemberSet::position_of(bus::RecordIndex record) const {
  if (slots_ == nullptr) return 0;
  const std::size_t mask = slots() - 1;
  for (std::size_t position = home_of(record);; position = (position + 1) & mask) {
    if (slots_[position].record == record) return position;
    if (slots_[position].record == kNone) return slots();
  }
}

std::optional<Version> MemberSet::version_of(bus::RecordIndex record) const {
  const std::size_t position = position_of(record);
  if (position == slots()) return std::nullopt;
  return Version{slots_[position].epoch, slots_[position].time};
}

void MemberSet::set_version(bus::RecordIndex record, Version version) {
  const std::size_t position = position_of(record);
  HERD_ASSERT(position < slots());
  slots_[position].epoch = version.epoch;
  slots_[position].time = version.time;
}

void MemberSet::insert(bus::RecordIndex record, Version version) {
  HERD_ASSERT(record != kNone);
  if (slots_ == nullptr) {
    resize(kLeastBits);
  } else if ((size_ + 1) * std::size_t{4} > slots() * 3) {
    resize(bits_ + 1U);
  }
  const std::size_t mask = slots() - 1;
  std::size_t position = home_of(record);
  while (slots_[position].record != kNone) {
    HERD_ASSERT(slots_[position].record != record);
    position = (position + 1) & mask;
  }
  slots_[position] = {record, version.epoch, version.time};
  ++size_;
}

// Moves the following slots up, so that no search meets a gap before its record.
void MemberSet::erase(bus::RecordIndex record) {
  std::size_t gap = position_of(record);
  HERD_ASSERT(gap < slots());
  const std::size_t mask = slots() - 1;
  for (std::size_t next = (gap + 1) & mask; slots_[next].record != kNone; next = (next + 1) & mask) {
    const std::size_t home = home_of(slots_[next].record);
    if (((next - home) & mask) >= ((next - gap) & mask)) {
      slots_[gap] = slots_[next];
      gap = next;
    }
  }
  slots_[gap] = {};
  --size_;
  if (size_ == 0) {
    slots_.reset();
  } else if (bits_ > kLeastBits && size_ * std::size_t{8} < slots()) {
    resize(bits_ - 1U);
  }
}

void MemberSet::resize(unsigned bits) {
  const std::size_t old_slots = slots();
  const std::unique_ptr<Slot[]> old = std::exchange(slots_, std::make_unique<Slot[]>(std::size_t{1} << bits));
  bits_ = static_cast<std::uint8_t>(bits);
  const std::size_t mask = slots() - 1;
  for (std::size_t i = 0; i < old_slots; ++i) {
    if (old[i].record == kNone) continue;
    std::size_t position = home_of(old[i].record);
    while (slots_[position].record != kNone) position = (position + 1) & mask;
    slots_[position] = old[i];
  }
}

void MemberSet::check_invariants() const {
  std::size_t count = 0;
  for (std::size_t position = 0; position < slots(); ++position) {
    if (slots_[position].record == kNone) continue;
    HERD_ASSERT(position_of(slots_[position].record) == position);
    ++count;
  }
  HERD_ASSERT(count == size_ && (size_ > 0) == (slots_ != nullptr) && size_ * std::size_t{4} <= slots() * 3);
}

}  // namespace herd::node::watches
