// The members of one watch: a hash set of records, each with the version of the record that the reader knows. 16 bytes
// a slot, at most three of four slots in use; an empty set has no memory. Pure; loop thread only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>

#include "bus/store/feed.hpp"
#include "protocol/clock.hpp"

namespace herd::node::watches {

// What orders the records of one client that are shown: only a later version gives a MOVE.
struct Version {
  std::uint32_t epoch = 0;
  protocol::Nanoseconds time{};
  bool operator==(const Version&) const = default;
};

class MemberSet {
 public:
  [[nodiscard]] bool contains(bus::RecordIndex record) const { return position_of(record) != slots(); }
  // The version of a member; nullopt if the record is no member.
  [[nodiscard]] std::optional<Version> version_of(bus::RecordIndex record) const;
  // The record must be a member.
  void set_version(bus::RecordIndex record, Version version);
  // The record must not be a member.
  void insert(bus::RecordIndex record, Version version);
  // The record must be a member.
  void erase(bus::RecordIndex record);

  [[nodiscard]] std::size_t size() const { return size_; }

  // For walks in slices: the positions are 0 to slots() - 1, and stay as they are until insert() or erase().
  static constexpr bus::RecordIndex kNone = std::numeric_limits<bus::RecordIndex>::max();
  [[nodiscard]] std::size_t slots() const { return slots_ == nullptr ? 0 : std::size_t{1} << bits_; }
  // The member at a position; kNone if there is none.
  [[nodiscard]] bus::RecordIndex at(std::size_t position) const { return slots_[position].record; }

  // Asserts that each member is found, and the count. O(slots).
  void check_invariants() const;

 private:
  struct Slot {
    bus::RecordIndex record = kNone;
    std::uint32_t epoch = 0;
    protocol::Nanoseconds time{};
  };
  static_assert(sizeof(Slot) == 16);

  [[nodiscard]] std::size_t home_of(bus::RecordIndex record) const;
  [[nodiscard]] std::size_t position_of(bus::RecordIndex record) const;  // slots() if it is no member
  void resize(unsigned bits);

  std::unique_ptr<Slot[]> slots_;
  std::uint32_t size_ = 0;
  std::uint8_t bits_ = 0;  // 2^bits_ slots, if there are any
};

}  // namespace herd::node::watches
