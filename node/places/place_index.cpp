#include "node/places/place_index.hpp"

#include <zstd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <nanoflann.hpp>
#include <numbers>
#include <string>

#include "node/places/place_table.hpp"
#include "protocol/assert.hpp"

extern "C" {
extern const std::byte herd_places_begin[];  // NOLINT(readability-identifier-naming): place_data.S
extern const std::byte herd_places_end[];    // NOLINT(readability-identifier-naming)
}

namespace herd::node::places {
namespace {

constexpr double kEarthKm = 6371.0088;       // mean radius, IUGG
constexpr double kUnderfootKm = 0.5;         // below this, which of two is nearer says little
constexpr double kSmallestPeople = 500;      // the table begins here; prominence 1
constexpr double kPositionStep = 1e-5;       // the table's five decimals
constexpr double kRoundingKm = 1e-9;         // a place exactly on the radius counts, in spite of rounding
constexpr std::size_t kTreeLeafPlaces = 16;  // measured: 8 and 32 are slower or no smaller
constexpr std::size_t kMaxTableBytes = std::size_t{256} << 20;  // offsets are 32 bits, and nobody embeds that much

using Point = std::array<double, 3>;

Point on_unit_sphere(const protocol::Position& position) {
  const double latitude = position.latitude * std::numbers::pi / 180;
  const double longitude = position.longitude * std::numbers::pi / 180;
  return {std::cos(latitude) * std::cos(longitude), std::cos(latitude) * std::sin(longitude), std::sin(latitude)};
}

// The squared straight line through the unit sphere between two points so far apart on its surface.
double chord_squared(double km) {
  const double angle = std::clamp(km / kEarthKm, 0.0, std::numbers::pi);
  const double half = std::sin(angle / 2);
  return 4 * half * half;
}

double surface_km(double chord_squared) {
  return 2 * kEarthKm * std::asin(std::min(1.0, std::sqrt(chord_squared) / 2));
}

struct Place {
  std::uint32_t text = 0;     // in Contents::texts: id, then name
  std::uint32_t area = 0;     // in Contents::texts, shared by the places of one area
  std::int32_t latitude = 0;  // in steps of kPositionStep
  std::int32_t longitude = 0;
  float prominence = 1;
  std::uint8_t id_bytes = 0;
  std::uint8_t name_bytes = 0;
  std::uint8_t area_bytes = 0;
  Kind kind = Kind::Town;
};
static_assert(sizeof(Place) == 24, "a quarter of a million of them");

// What nanoflann asks of a set of points.
struct Points {
  std::vector<Point> points;

  [[nodiscard]] std::size_t kdtree_get_point_count() const { return points.size(); }
  [[nodiscard]] double kdtree_get_pt(std::uint32_t point, std::size_t axis) const { return points[point][axis]; }
  template <class Box>
  bool kdtree_get_bbox(Box& /*box*/) const {
    return false;  // let the tree work it out
  }
};

using Tree =
    nanoflann::KDTreeSingleIndexAdaptor<nanoflann::L2_Simple_Adaptor<double, Points>, Points, 3, std::uint32_t>;

}  // namespace

struct PlaceIndex::Contents {
  std::string texts;
  std::vector<Place> places;
  Points points;
  std::unique_ptr<Tree> tree;  // refers to `points`: Contents never moves
  float most_prominent = 1;
};

namespace {

// The best `max` so far, in order. The tree asks worst_dist() which branches are still worth a look: beyond that
// distance even the most prominent place of the world could not push out the last of a full list.
class Best {
 public:
  using DistanceType = double;

  Best(const std::vector<Place>& places, float most_prominent, double radius_km, std::size_t max)
      : places_(places), most_prominent_(most_prominent), limit_(chord_squared(radius_km + kRoundingKm)), max_(max) {
    entries_.reserve(max + 1);
  }

  [[nodiscard]] double worstDist() const { return limit_; }  // NOLINT(readability-identifier-naming): nanoflann's name
  [[nodiscard]] std::size_t size() const { return entries_.size(); }
  [[nodiscard]] bool full() const { return entries_.size() == max_; }
  void sort() {}  // newer releases of nanoflann ask for it; this list is always sorted

  bool addPoint(double chord_squared, std::uint32_t place) {  // NOLINT(readability-identifier-naming): nanoflann's name
    const double km = surface_km(chord_squared);
    const Entry entry{score(km, places_[place].prominence), {place, km}};
    if (!full() || before(entry, entries_.back())) {
      insert(entry);
    }
    return true;
  }

  [[nodiscard]] std::vector<Hit> hits() const {
    std::vector<Hit> hits;
    hits.reserve(entries_.size());
    for (const Entry& entry : entries_) {
      hits.push_back(entry.hit);
    }
    return hits;
  }

 private:
  struct Entry {
    double score;
    Hit hit;
  };

  // A total order, so that an answer does not depend on how the tree was walked.
  static bool before(const Entry& one, const Entry& other) {
    if (one.score != other.score) {
      return one.score < other.score;
    }
    if (one.hit.distance_km != other.hit.distance_km) {
      return one.hit.distance_km < other.hit.distance_km;
    }
    return one.hit.place < other.hit.place;
  }

  void insert(const Entry& entry) {
    entries_.insert(std::upper_bound(entries_.begin(), entries_.end(), entry, before), entry);
    if (entries_.size() > max_) {
      entries_.pop_back();
    }
    if (full()) {
      const double out_of_reach_km = entries_.back().score * static_cast<double>(most_prominent_) - kUnderfootKm;
      limit_ = std::min(limit_, chord_squared(std::max(0.0, out_of_reach_km) + kRoundingKm));
    }
  }

  const std::vector<Place>& places_;
  float most_prominent_;
  double limit_;
  std::size_t max_;
  std::vector<Entry> entries_;
};

protocol::Result<std::string> decompress(std::span<const std::byte> compressed) {
  const unsigned long long bytes = ZSTD_getFrameContentSize(compressed.data(), compressed.size());
  if (bytes == ZSTD_CONTENTSIZE_UNKNOWN || bytes == ZSTD_CONTENTSIZE_ERROR || bytes > kMaxTableBytes) {
    return protocol::fail("the table of places is not a zstd frame of a known, reasonable size");
  }
  std::string table(static_cast<std::size_t>(bytes), '\0');
  const std::size_t got = ZSTD_decompress(table.data(), table.size(), compressed.data(), compressed.size());
  if (ZSTD_isError(got) != 0 || got != table.size()) {
    return protocol::fail("the table of places cannot be decompressed");
  }
  return table;
}

std::uint32_t append(std::string& texts, std::string_view text) {
  const auto offset = static_cast<std::uint32_t>(texts.size());
  texts += text;
  return offset;
}

std::int32_t steps(double degrees) {
  return static_cast<std::int32_t>(std::lround(degrees / kPositionStep));
}

double degrees(std::int32_t steps) {
  return static_cast<double>(steps) / 100'000;
}  // exact where * 1e-5 is not

}  // namespace

float prominence(Kind kind, std::uint32_t population) {
  const double people = std::max(static_cast<double>(population), kSmallestPeople);
  const double by_people = 1 + std::log10(people / kSmallestPeople);
  switch (kind) {
    case Kind::Capital:
      return static_cast<float>(by_people + 1);
    case Kind::Seat:
      return static_cast<float>(by_people + 0.5);
    case Kind::Port:
      return 2;  // nobody lives there, and everybody knows it: as a town of 5,000
    case Kind::Town:
    case Kind::Quarter:
      break;
  }
  return static_cast<float>(by_people);
}

double score(double distance_km, float prominence) {
  return (distance_km + kUnderfootKm) / static_cast<double>(prominence);
}

protocol::Result<PlaceIndex> PlaceIndex::load(std::span<const std::byte> compressed) {
  const auto table = decompress(compressed);
  if (!table) {
    return tl::unexpected(table.error());
  }
  auto contents = std::make_unique<Contents>();
  std::string_view last_area;
  std::uint32_t last_area_offset = 0;
  const auto read = read_place_table(*table, [&](const PlaceRow& row) {
    if (row.area != last_area || contents->places.empty()) {  // equal areas stand together in the table
      last_area = row.area;
      last_area_offset = append(contents->texts, row.area);
    }
    Place place;
    place.text = append(contents->texts, row.id);
    append(contents->texts, row.name);
    place.area = last_area_offset;
    place.latitude = steps(row.position.latitude);
    place.longitude = steps(row.position.longitude);
    place.prominence = prominence(row.kind, row.population);
    place.id_bytes = static_cast<std::uint8_t>(row.id.size());
    place.name_bytes = static_cast<std::uint8_t>(row.name.size());
    place.area_bytes = static_cast<std::uint8_t>(row.area.size());
    place.kind = row.kind;
    contents->places.push_back(place);
    contents->points.points.push_back(on_unit_sphere({degrees(place.latitude), degrees(place.longitude)}));
    contents->most_prominent = std::max(contents->most_prominent, place.prominence);
  });
  if (!read) {
    return tl::unexpected(read.error());
  }
  contents->texts.shrink_to_fit();
  contents->places.shrink_to_fit();
  contents->points.points.shrink_to_fit();
  contents->tree =
      std::make_unique<Tree>(3, contents->points, nanoflann::KDTreeSingleIndexAdaptorParams(kTreeLeafPlaces));
  contents->tree->buildIndex();
  return PlaceIndex(std::move(contents));
}

PlaceIndex::PlaceIndex(std::unique_ptr<Contents> contents) : contents_(std::move(contents)) {}
PlaceIndex::PlaceIndex(PlaceIndex&&) noexcept = default;
PlaceIndex& PlaceIndex::operator=(PlaceIndex&&) noexcept = default;
PlaceIndex::~PlaceIndex() = default;

std::vector<Hit> PlaceIndex::search(const protocol::Position& centre, double radius_km, int max) const {
  if (!(radius_km >= 0) || max <= 0 || contents_->places.empty()) {
    return {};
  }
  const Point point = on_unit_sphere(centre);
  Best best(contents_->places, contents_->most_prominent, radius_km, static_cast<std::size_t>(max));
  contents_->tree->findNeighbors(best, point.data(), {});
  return best.hits();
}

PlaceView PlaceIndex::at(std::uint32_t place) const {
  HERD_ASSERT(place < contents_->places.size());
  const Place& found = contents_->places[place];
  const std::string_view texts = contents_->texts;
  return {.id = texts.substr(found.text, found.id_bytes),
          .name = texts.substr(found.text + found.id_bytes, found.name_bytes),
          .area = texts.substr(found.area, found.area_bytes),
          .position = {degrees(found.latitude), degrees(found.longitude)},
          .kind = found.kind};
}

std::size_t PlaceIndex::size() const {
  return contents_->places.size();
}

std::span<const std::byte> embedded_places() {
  return {herd_places_begin, static_cast<std::size_t>(herd_places_end - herd_places_begin)};
}

}  // namespace herd::node::places
