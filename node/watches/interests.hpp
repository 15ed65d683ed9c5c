// Which watches with members a change of a client may concern: by areas, by clients, or by ids that are not known yet.
// The answer may contain a watch for which the change makes no difference, and never lacks one for which it does. With
// n watches of one client, adding or removing one takes O(log n) and moves up to 4 n bytes. Pure; loop thread only.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "bus/store/store.hpp"
#include "node/area/area_index.hpp"
#include "node/watches/cell_grid.hpp"

namespace herd::node::watches {

class Interests {
 public:
  explicit Interests(const bus::Store& store) : store_(store) {}

  // Each interest is removed with the arguments with which it was added.
  void add_area(WatchId watch, const std::optional<Bounds>& bounds) { grid_.add(watch, bounds); }
  void remove_area(WatchId watch, const std::optional<Bounds>& bounds) { grid_.remove(watch, bounds); }
  void add_record(WatchId watch, bus::RecordIndex record);
  void remove_record(WatchId watch, bus::RecordIndex record);
  // An id without a record. When it gets one, the watch is found for its first change, and must replace this interest
  // by add_record().
  void add_unknown(WatchId watch, std::string_view client);
  void remove_unknown(WatchId watch, std::string_view client);

  // A hint to the processor: find() of each of these follows soon. Pays from about four up to 64.
  void prefetch(std::span<const area::Moved> moved) const;

  // Appends the watches; one may be there twice.
  void find(const area::Moved& moved, std::vector<WatchId>& found) const;

  void check_invariants() const { grid_.check_invariants(); }

 private:
  using Watches = std::vector<WatchId>;  // sorted

  const bus::Store& store_;
  CellGrid grid_;
  std::unordered_map<bus::RecordIndex, Watches> records_;  // no list is empty
  std::unordered_map<std::string, Watches> unknown_;       // no list is empty
};

}  // namespace herd::node::watches
