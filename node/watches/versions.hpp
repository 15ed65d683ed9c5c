// The version of each client's record that the area index has applied last: it shows whether a change
// has a later epoch or time. Only the watches of ALL and of prefixes need it, as they hold no members. One for
// all of them; without them it has no memory. 16 bytes a client.
//
// Pure; loop thread only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>

#include "bus/store/store.hpp"
#include "node/area/area_index.hpp"
#include "node/area/slice.hpp"

namespace herd::node::watches {

// How a change altered a client.
enum class ChangeKind : std::uint8_t {
  Turn,     // it appeared, or was reset
  Later,    // it has a later epoch or time
  Tie,      // another record of the same epoch and time
  Nothing,  // it was reset before, and is so again
};

struct Change {
  ChangeKind kind = ChangeKind::Nothing;
  bus::ChangeNumber former = 0;  // number of the client's change before this one; 0: none, or not known
};

class Versions {
 public:
  explicit Versions(const bus::Store& store) : store_(store) {}

  // Counts the watches that need it: the last one frees it.
  void acquire() { ++users_; }
  void release();

  // Reads the present records, in slices; returns true if that is complete. Call it while the area index is current.
  [[nodiscard]] bool prepare(area::Slice& slice);

  // Each change that the area index has applied, in the order of the feed. Before prepare() is complete the kind has no
  // meaning.
  Change note(const area::Moved& moved);

  [[nodiscard]] bool is_acquired() const { return users_ > 0; }
  // Whether the client has a record and is not reset. Any index is allowed.
  [[nodiscard]] bool is_present(bus::RecordIndex record) const {
    return record < clients_.size() && clients_[record].stamp != kAbsent;
  }
  // All records that are present are below this index.
  [[nodiscard]] bus::RecordIndex end() const { return static_cast<bus::RecordIndex>(clients_.size()); }

 private:
  static constexpr std::uint64_t kAbsent = 0;

  struct Client {
    std::uint64_t stamp = kAbsent;  // a hash of the record's epoch and time
    bus::ChangeNumber number = 0;   // of its last change
  };

  [[nodiscard]] std::uint64_t stamp_of(bus::RecordIndex record) const;
  Client& client(bus::RecordIndex record);

  const bus::Store& store_;
  std::size_t users_ = 0;
  bool is_prepared_ = false;
  bus::ChangeNumber read_ = 0;  // while it is not prepared: how far the feed was read
  std::deque<Client> clients_;  // by record; a deque grows without copying
};

}  // namespace herd::node::watches
