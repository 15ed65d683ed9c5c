// The clients of one watch that wait for a time: those that dwell (`dwell`), or those that moved lately (`every`). A
// client may hold back a change number: until it is released, no event may bear that number or a higher one. Pure; loop
// thread only.
#pragma once

#include <cstddef>
#include <optional>
#include <set>
#include <unordered_map>
#include <utility>
#include <vector>

#include "bus/store/feed.hpp"
#include "protocol/clock.hpp"

namespace herd::node::watches {

class Delays {
 public:
  struct Delay {
    protocol::Nanoseconds due{};  // steady time
    bus::ChangeNumber held = 0;   // 0: nothing is held back
  };

  [[nodiscard]] std::optional<Delay> find(bus::RecordIndex record) const;
  // Replaces the client's delay, if it has one.
  void put(bus::RecordIndex record, Delay delay);
  // Does nothing if the client has none.
  void erase(bus::RecordIndex record);
  // Erases the clients for which `is_erased(record)` is true.
  template <typename Function>
  void erase_if(const Function& is_erased) {
    std::vector<bus::RecordIndex> erased;
    for (const auto& [record, delay] : by_record_) {
      if (is_erased(record)) erased.push_back(record);
    }
    for (const bus::RecordIndex record : erased) erase(record);
  }

  // The client that is due first; nullopt if there are none.
  [[nodiscard]] std::optional<std::pair<bus::RecordIndex, Delay>> first() const;
  // The lowest number that is held back; nullopt if there is none.
  [[nodiscard]] std::optional<bus::ChangeNumber> lowest_held() const;

  [[nodiscard]] std::size_t size() const { return by_record_.size(); }

 private:
  std::unordered_map<bus::RecordIndex, Delay> by_record_;
  std::set<std::pair<protocol::Nanoseconds, bus::RecordIndex>> by_due_;
  std::set<std::pair<bus::ChangeNumber, bus::RecordIndex>> by_held_;
};

}  // namespace herd::node::watches
