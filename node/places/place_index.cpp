#include "node/places/place_index.hpp"

#include <zstd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numbers>
#include <string>

#include "node/places/json_text.hpp"
#include "node/places/place_table.hpp"
#include "node/places/tiles.hpp"
#include "protocol/assert.hpp"

extern "C" {
extern const std::byte herd_places_begin[];  // NOLINT(readability-identifier-naming): place_data.S
extern const std::byte herd_places_end[];    // NOLINT(readability-identifier-naming)
}

namespace herd::node::places {
namespace {

constexpr double kUnderfootKm = 0.5;     // below this, which of two is nearer says little
constexpr double kSmallestPeople = 500;  // the table begins here; prominence 1
constexpr double kRoundingKm = 1e-9;     // a place exactly on the radius counts, in spite of rounding
constexpr std::size_t kMaxTableBytes = std::size_t{256} << 20;  // offsets are 32 bits, and nobody embeds that much

using Point = std::array<double, 3>;

// What a search looks at, for each place, before it asks more of the few that are near enough.
struct Spot {
  Point point;  // on the unit sphere, which knows poles and the antimeridian for free
  float prominence = 1;
};

Point on_unit_sphere(const protocol::Position& position) {
  const double latitude = position.latitude * std::numbers::pi / 180;
  const double longitude = position.longitude * std::numbers::pi / 180;
  return {std::cos(latitude) * std::cos(longitude), std::cos(latitude) * std::sin(longitude), std::sin(latitude)};
}

// The squared straight line through the unit sphere between two points.
double chord_squared(const Point& one, const Point& other) {
  const double x = one[0] - other[0];
  const double y = one[1] - other[1];
  const double z = one[2] - other[2];
  return x * x + y * y + z * z;
}

// The same, of two so far apart on its surface.
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
  std::int32_t latitude = 0;  // in steps
  std::int32_t longitude = 0;
  std::uint8_t id_bytes = 0;
  std::uint8_t name_bytes = 0;
  std::uint8_t area_bytes = 0;
  Kind kind = Kind::Town;
};
static_assert(sizeof(Place) == 20, "a quarter of a million of them");

}  // namespace

struct PlaceIndex::Contents {
  std::string texts;
  std::vector<Place> places;         // in the order of their tiles; of one tile in the table's
  std::vector<Spot> spots;           // of the same places
  std::vector<std::uint32_t> tiles;  // where each one's places begin, and one more: where the last one's end
};

namespace {

// The best `max` so far, in order.
class Best {
 public:
  Best(const std::vector<Place>& places, std::size_t max) : places_(places), max_(max) { entries_.reserve(max); }

  void add(const Hit& hit, float prominence) {
    const Entry entry{score(hit.distance_km, prominence), hit};
    if (entries_.size() < max_) {
      entries_.push_back(entry);
    } else if (!before(entry, entries_.back())) {
      return;
    }
    std::size_t at = entries_.size() - 1;  // so few that moving them one by one is fastest
    for (; at > 0 && before(entry, entries_[at - 1]); --at) entries_[at] = entries_[at - 1];
    entries_[at] = entry;
  }

  [[nodiscard]] std::vector<Hit> hits() const {
    std::vector<Hit> hits;
    hits.reserve(entries_.size());
    for (const Entry& entry : entries_) hits.push_back(entry.hit);
    return hits;
  }

 private:
  struct Entry {
    double score;
    Hit hit;
  };

  // A total order, so that an answer does not depend on how the tiles were walked.
  [[nodiscard]] bool before(const Entry& one, const Entry& other) const {
    if (one.score != other.score) return one.score < other.score;
    if (one.hit.distance_km != other.hit.distance_km) return one.hit.distance_km < other.hit.distance_km;
    return places_[one.hit.place].text < places_[other.hit.place].text;  // in the table's order
  }

  const std::vector<Place>& places_;
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

std::int32_t steps(double degrees) {
  return static_cast<std::int32_t>(std::lround(degrees * kStepsPerDegree));
}

double degrees(std::int32_t steps) {
  return static_cast<double>(steps) / kStepsPerDegree;  // exact where * 1e-5 is not
}

// What the rows of a table become, in their order.
struct Gathered {
  struct Row {
    std::size_t tile;
    Place place;
    float prominence;
  };

  std::string texts;
  std::vector<Row> rows;
  bool too_long = false;  // a text's length does not fit its byte

  void take(const PlaceRow& row) {
    Place place;
    if (row.area != last_area_ || rows.empty()) {  // equal areas stand together in the table
      last_area_ = row.area;
      last_area_offset_ = static_cast<std::uint32_t>(texts.size());
      last_area_bytes_ = add(row.area);
    }
    place.area = last_area_offset_;
    place.area_bytes = last_area_bytes_;
    place.text = static_cast<std::uint32_t>(texts.size());
    place.id_bytes = add(row.id);
    place.name_bytes = add(row.name);
    place.latitude = steps(row.position.latitude);
    place.longitude = steps(row.position.longitude);
    place.kind = row.kind;
    const protocol::Position kept{degrees(place.latitude), degrees(place.longitude)};
    rows.push_back({tile_of(kept), place, prominence(row.kind, row.population)});
  }

 private:
  std::uint8_t add(std::string_view text) {
    const std::size_t before = texts.size();
    append_json_text(texts, text);
    const std::size_t bytes = texts.size() - before;
    too_long = too_long || bytes > std::numeric_limits<std::uint8_t>::max();
    return static_cast<std::uint8_t>(bytes);
  }

  std::string_view last_area_;
  std::uint32_t last_area_offset_ = 0;
  std::uint8_t last_area_bytes_ = 0;
};

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

protocol::Position PlaceView::position() const {
  return {degrees(latitude), degrees(longitude)};
}

protocol::Result<PlaceIndex> PlaceIndex::load(std::span<const std::byte> compressed) {
  const auto table = decompress(compressed);
  if (!table) {
    return tl::unexpected(table.error());
  }
  Gathered gathered;
  const auto read = read_place_table(*table, [&gathered](const PlaceRow& row) { gathered.take(row); });
  if (!read) {
    return tl::unexpected(read.error());
  }
  if (gathered.too_long) {
    return protocol::fail("the table of places has a text that JSON makes too long");
  }
  std::stable_sort(gathered.rows.begin(), gathered.rows.end(),
                   [](const auto& one, const auto& other) { return one.tile < other.tile; });
  auto contents = std::make_unique<Contents>();
  contents->texts = std::move(gathered.texts);
  contents->texts.shrink_to_fit();
  contents->places.reserve(gathered.rows.size());
  contents->spots.reserve(gathered.rows.size());
  contents->tiles.reserve(kTiles + 1);
  for (const auto& [tile, place, prominence] : gathered.rows) {
    contents->tiles.resize(tile + 1, static_cast<std::uint32_t>(contents->places.size()));
    contents->places.push_back(place);
    contents->spots.push_back({on_unit_sphere({degrees(place.latitude), degrees(place.longitude)}), prominence});
  }
  contents->tiles.resize(kTiles + 1, static_cast<std::uint32_t>(contents->places.size()));
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
  const double limit = chord_squared(radius_km + kRoundingKm);
  Best best(contents_->places, static_cast<std::size_t>(max));
  for_tiles_near(centre, radius_km, [&](std::size_t first, std::size_t last) {
    for (std::uint32_t place = contents_->tiles[first]; place < contents_->tiles[last + 1]; ++place) {
      const Spot& spot = contents_->spots[place];
      const double chord = chord_squared(spot.point, point);
      if (chord <= limit) best.add({place, surface_km(chord)}, spot.prominence);
    }
  });
  std::vector<Hit> hits = best.hits();
  for (const Hit& hit : hits) {  // a document of them is made next
    const Place& found = contents_->places[hit.place];
    __builtin_prefetch(&contents_->texts[found.text]);
    __builtin_prefetch(&contents_->texts[found.area]);
  }
  return hits;
}

PlaceView PlaceIndex::at(std::uint32_t place) const {
  HERD_ASSERT(place < contents_->places.size());
  const Place& found = contents_->places[place];
  const std::string_view texts = contents_->texts;
  return {.id = texts.substr(found.text, found.id_bytes),
          .name = texts.substr(found.text + found.id_bytes, found.name_bytes),
          .area = texts.substr(found.area, found.area_bytes),
          .latitude = found.latitude,
          .longitude = found.longitude,
          .kind = found.kind};
}

std::size_t PlaceIndex::size() const {
  return contents_->places.size();
}

std::span<const std::byte> embedded_places() {
  return {herd_places_begin, static_cast<std::size_t>(herd_places_end - herd_places_begin)};
}

}  // namespace herd::node::places
