// Which clients a query counts: its `match=` and `newer=`, the clients that its caller may see, and not the client in
// its centre. Pure. Loop thread only.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "bus/store/store.hpp"
#include "node/area/search.hpp"
#include "protocol/clock.hpp"
#include "protocol/query.hpp"

namespace herd::node::area {

// Whether answers to a caller may name the client; empty: every client.
using Visible = std::function<bool(std::string_view client)>;

class ClientFilter {
 public:
  // Copies the texts of `filter`. The store must exist as long as the filter.
  ClientFilter(const bus::Store& store, const protocol::Filter& filter, Visible visible);

  // `newer=` judges by this time of the node's clock.
  void set_wall(protocol::Nanoseconds wall) { wall_ = wall; }
  // This client does not count.
  void exclude(bus::RecordIndex record) { excluded_ = record; }

  [[nodiscard]] bool may_see(std::string_view client) const { return !visible_ || visible_(client); }
  // Whether a record of this time counts. A time after the node's clock does.
  [[nodiscard]] bool is_new_enough(protocol::Nanoseconds time) const { return !newer_ || wall_ - time <= *newer_; }
  [[nodiscard]] bool counts(bus::RecordIndex record) const;

  // counts() for a search; empty if it is true for every client, or if only the excluded client does not count and
  // `search_excludes` says that the search leaves it out. The filter must exist as long as the result, at the same
  // address.
  [[nodiscard]] Accepts accepts(bool search_excludes = false) const;
  [[nodiscard]] std::optional<bus::RecordIndex> excluded() const { return excluded_; }

 private:
  const bus::Store& store_;
  std::string prefix_;
  std::optional<protocol::Nanoseconds> newer_;
  Visible visible_;
  protocol::Nanoseconds wall_{};
  std::optional<bus::RecordIndex> excluded_;
};

}  // namespace herd::node::area
