// Clients of a store and a tree for the tests of this folder, a plain map of the same points to compare with, and
// scenes of points that are hard for an index.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <random>
#include <string>
#include <tuple>
#include <vector>

#include "node/area/area_tree.hpp"
#include "node/area/search.hpp"
#include "node/area/slice.hpp"
#include "node/area/sphere.hpp"
#include "protocol/query.hpp"

namespace herd::node::area {

class Unlimited final : public Slice {
 public:
  bool is_over() override { return false; }
};

// Over at the first question.
class Shortest final : public Slice {
 public:
  bool is_over() override { return true; }
};

// Adds a client to the store, with an id of which the order is not that of the records.
inline bus::RecordIndex add_client(bus::Store& store, std::string_view coordinates = "+0+0") {
  char id[32];
  std::snprintf(id, sizeof id, "%016llx", static_cast<unsigned long long>((store.size() + 1) * 0x9e3779b97f4a7c15ULL));
  protocol::Update update;
  update.id = {"Hill", 7, store.feed().tail() + 1};
  update.client = id;
  update.coordinates = coordinates;
  update.time_text = "1700000000.5";
  update.time = protocol::Nanoseconds{1'700'000'000'500'000'000};
  (void)store.merge(update, bus::kFromClient);
  return store.locate(id).index();
}

struct Clients {
  bus::Store store{1};
  AreaTree tree{store};
  std::map<bus::RecordIndex, protocol::Point> points;

  explicit Clients(std::size_t count = 0) {
    for (std::size_t i = 0; i < count; ++i) (void)add_client(store);
  }
  void put(bus::RecordIndex record, protocol::Point point) {
    tree.put(record, point);
    points[record] = point;
  }
  void remove(bus::RecordIndex record) {
    tree.remove(record);
    points.erase(record);
  }
  [[nodiscard]] std::string id(bus::RecordIndex record) const { return std::string(tree.id_of(record)); }

  // All clients inside by an exact comparison with each, in the order of NearSearch.
  [[nodiscard]] std::vector<Found> near(const Disc& disc) const {
    std::vector<Found> found;
    for (const auto& [record, point] : points) {
      const protocol::Millimetres d = distance(disc.centre, point);
      if (d <= disc.radius) found.push_back({record, d});
    }
    std::sort(found.begin(), found.end(), [&](const Found& a, const Found& b) {
      return std::tuple(a.distance, id(a.record)) < std::tuple(b.distance, id(b.record));
    });
    return found;
  }
};

// By the words of docs/PROTOCOL.md, not by the code that is tested.
inline bool is_in_box(const protocol::Box& box, protocol::Point point) {
  if (point.latitude < box.south_west.latitude || point.latitude > box.north_east.latitude) return false;
  if (std::abs(point.latitude) == protocol::kMaxLatitude) return true;
  const auto is_between = [&](std::int32_t longitude) {
    const std::int32_t west = box.south_west.longitude;
    const std::int32_t east = box.north_east.longitude;
    return west <= east ? west <= longitude && longitude <= east : longitude >= west || longitude <= east;
  };
  if (std::abs(point.longitude) != protocol::kMaxLongitude) return is_between(point.longitude);
  return is_between(protocol::kMaxLongitude) || is_between(-protocol::kMaxLongitude);
}

// Random points that meet often: anywhere, in cities, in one place, within a millimetre, at the poles and their rings,
// and at the antimeridian.
class Scene {
 public:
  explicit Scene(std::uint64_t seed) : random_(seed) {}

  std::uint64_t below(std::uint64_t end) { return random_() % end; }
  double fraction() { return static_cast<double>(random_() >> 11U) * 0x1p-53; }

  protocol::Point anywhere() {
    const double latitude = fraction() * 180 - 90;
    return {static_cast<std::int32_t>(latitude * protocol::kUnitsPerDegree),
            static_cast<std::int32_t>((fraction() * 360 - 180) * protocol::kUnitsPerDegree)};
  }

  protocol::Point point() {
    switch (below(9)) {
      case 0:
        return anywhere();
      case 1:
        return near({341'000'000 + 200'000'000 * static_cast<std::int32_t>(below(2)), -1'184'000'000}, 100'000);
      case 2:
        return {340'689'300, -1'184'451'270};
      case 3:
        return near({340'689'300, -1'184'451'270}, 2);
      case 4:
        return near_pole();
      case 5:
        return {below(2) == 0 ? protocol::kMaxLatitude : -protocol::kMaxLatitude, anywhere().longitude};
      case 6:
        return {anywhere().latitude, below(2) == 0 ? protocol::kMaxLongitude : -protocol::kMaxLongitude};
      case 7:
        return near({-150'000'000, protocol::kMaxLongitude}, 3'000);
      default:
        return near({0, 0}, 5);
    }
  }

  // Up to `span` units from `centre` in each direction.
  protocol::Point near(protocol::Point centre, std::int32_t span) {
    const auto step = [&] { return static_cast<std::int32_t>(below(2U * static_cast<unsigned>(span) + 1)) - span; };
    const std::int32_t latitude = centre.latitude + step();
    std::int64_t longitude = std::int64_t{centre.longitude} + step();
    if (longitude > protocol::kMaxLongitude) longitude -= 2 * std::int64_t{protocol::kMaxLongitude};
    if (longitude < -protocol::kMaxLongitude) longitude += 2 * std::int64_t{protocol::kMaxLongitude};
    return {std::clamp(latitude, -protocol::kMaxLatitude, protocol::kMaxLatitude),
            static_cast<std::int32_t>(longitude)};
  }

  // At a distance from a pole of which each magnitude is as likely.
  protocol::Point near_pole() {
    const auto distance = static_cast<std::int32_t>(below(std::uint64_t{1} << below(29)));
    const std::int32_t latitude = protocol::kMaxLatitude - distance;
    return {below(2) == 0 ? latitude : -latitude, anywhere().longitude};
  }

  protocol::Point antipode(protocol::Point point) {
    return {-point.latitude, point.longitude > 0 ? point.longitude - protocol::kMaxLongitude
                                                 : point.longitude + protocol::kMaxLongitude};
  }

  // Every magnitude from 0 to more than half of the globe.
  protocol::Millimetres radius() {
    if (below(12) == 0) return 0;
    if (below(12) == 0) return std::int64_t{protocol::kMaxQueryKm} * protocol::kMillimetresPerKm;
    const auto all = static_cast<std::uint64_t>(protocol::kMaxQueryKm) * 1'000'000;
    return static_cast<protocol::Millimetres>(below(std::min(all, std::uint64_t{1} << below(36))));
  }

  protocol::Box box() {
    protocol::Point a = point();
    protocol::Point b = below(3) == 0 ? anywhere() : near(a, static_cast<std::int32_t>(1U << below(29)));
    if (below(8) == 0) b.longitude = a.longitude;
    if (below(8) == 0) b.latitude = protocol::kMaxLatitude;
    if (below(8) == 0) a.longitude = protocol::kMaxLongitude;
    if (below(8) == 0) b.longitude = -protocol::kMaxLongitude;
    if (below(16) == 0)
      std::tie(a.longitude, b.longitude) = std::tuple(-protocol::kMaxLongitude, protocol::kMaxLongitude);
    if (a.latitude > b.latitude) std::swap(a.latitude, b.latitude);
    return {a, b};
  }

 private:
  std::mt19937_64 random_;
};

}  // namespace herd::node::area
