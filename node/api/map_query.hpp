// The work of /v1/map in the loop: finds the clients of a box, or those that have changed, and writes them as bytes
// (node/api/map_bytes.hpp). In slices, like every query. Loop thread only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "bus/store/store.hpp"
#include "node/api/map_bytes.hpp"
#include "node/api/question.hpp"
#include "node/area/area_index.hpp"
#include "node/area/client_filter.hpp"
#include "node/area/map_search.hpp"
#include "node/area/sliced_work.hpp"
#include "protocol/clock.hpp"

namespace herd::node::api {

// The most clients of an answer, 1.6 MB. With more in the box, the answer has cells; with more that have changed, it is
// as without `since`.
inline constexpr std::size_t kMaxMapClients = 100'000;
inline constexpr std::size_t kMaxMapCells = 4'096;

class MapQuery final : public area::SlicedWork {
 public:
  // Store and index must exist as long as the query.
  struct Parts {
    const bus::Store& store;
    const area::AreaIndex& index;
    std::uint64_t feed_id = 0;
    bus::ChangeNumber oldest = 0;  // of the numbers from which a reader of this feed may continue
    protocol::Nanoseconds wall{};  // the node's clock, for ages
  };
  MapQuery(const Parts& parts, const MapAsked& asked, area::Visible visible);

  [[nodiscard]] bool run(area::Slice& slice) override;
  [[nodiscard]] std::string take_answer() override;

 private:
  [[nodiscard]] bool may_continue(const std::optional<protocol::ResumeFrom>& since) const;
  [[nodiscard]] bool read_changes(area::Slice& slice);
  [[nodiscard]] bool search(area::Slice& slice);
  [[nodiscard]] bool write_clients(area::Slice& slice);
  void write(bus::RecordIndex record);

  Parts parts_;
  protocol::Box box_;
  area::Visible visible_;
  bus::ChangeNumber number_ = 0;            // the answer is complete up to this change
  std::optional<bus::ChangeNumber> after_;  // of MapKind::Changed: the changes up to this one are written
  std::optional<area::MapSearch> search_;
  bool is_searched_ = false;
  std::size_t at_ = 0;  // in the clients that the search found
  MapKind kind_ = MapKind::All;
  std::optional<MapBytes> bytes_;
};

}  // namespace herd::node::api
