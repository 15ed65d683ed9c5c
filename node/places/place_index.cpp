#include "node/places/place_index.hpp"

#include <zstd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <numbers>
#include <string>
#include <utility>

#include "node/base/json_text.hpp"
#include "node/places/place_table.hpp"
#include "node/places/tiles.hpp"
#include "protocol/assert.hpp"
#include "protocol/prefetch.hpp"
#include "protocol/unreachable.hpp"

extern "C" {
extern const std::byte herd_places_begin[];  // NOLINT(readability-identifier-naming): place_data.S
extern const std::byte herd_places_end[];    // NOLINT(readability-identifier-naming)
}

namespace herd::node::places {
namespace {

constexpr double kUnderfootKm = 0.5;     // distances below this hardly affect the score
constexpr double kSmallestPeople = 500;  // the smallest population of the table; prominence 1
constexpr std::size_t kGathered = 32;    // places that a search prefetches and then examines together
constexpr double kRoundingKm = 1e-9;     // so that a place exactly on the radius is found in spite of rounding
constexpr std::size_t kMaxTableBytes = std::size_t{256} << 20;  // far above any table, and below 32-bit offsets

using Point = std::array<double, 3>;

// The data of a place for its exact distance and score. A search reads it only for places that pass the Sieve.
struct Spot {
  Point point;  // on the unit sphere, where poles and the antimeridian need no special cases
  float prominence = 1;
};

// A fast prefilter over all places. It holds the points again, as floats in blocks: one instruction compares several
// points, and a cache line holds many. The floats are rounded, so it may pass places that are slightly too far, but it
// never rejects a place that is near enough.
class Sieve {
 public:
  void reserve(std::size_t places) { blocks_.reserve(places / kBlock + 1); }

  // Adds the point of the next place.
  void add(const Point& point) {
    if (size_ % kBlock == 0) blocks_.emplace_back();
    for (std::size_t axis = 0; axis < point.size(); ++axis) {
      blocks_.back()[axis][size_ % kBlock] = static_cast<float>(point[axis]);
    }
    ++size_;
  }

  // Calls take(place), in ascending order, for the places in [first, end) that may be within the chord.
  template <class Take>
  void for_near(std::uint32_t first, std::uint32_t end, const Point& centre, double chord_squared, Take take) const {
    const float limit = rounded_up(chord_squared);
    for (std::uint32_t begin = first - first % kBlock; begin < end; begin += kBlock) {
      std::uint32_t near = near_in(blocks_[begin / kBlock], centre, limit);
      if (begin < first) near &= ~std::uint32_t{0} << (first - begin);
      if (end - begin < kBlock) near &= ~(~std::uint32_t{0} << (end - begin));
      for (; near != 0; near &= near - 1) take(begin + static_cast<std::uint32_t>(std::countr_zero(near)));
    }
  }

 private:
  static constexpr std::uint32_t kBlock = 16;
  using Block = std::array<std::array<float, kBlock>, 3>;

  // Bounds the rounding errors: a coordinate is off by at most 3e-8, the distance of two points by 1.1e-7, and squares
  // and sums by a relative error of 1e-6.
  static float rounded_up(double chord_squared) {
    const double chord = std::sqrt(chord_squared) + 4e-7;
    return static_cast<float>(chord * chord * (1 + 1e-5));
  }

  // Returns one bit per place of the block: whether it may be near.
  static std::uint32_t near_in(const Block& block, const Point& centre, float limit) {
    std::array<float, kBlock> sums{};
    for (std::size_t axis = 0; axis < block.size(); ++axis) {
      const auto middle = static_cast<float>(centre[axis]);
      for (std::size_t i = 0; i < kBlock; ++i) sums[i] += (block[axis][i] - middle) * (block[axis][i] - middle);
    }
    std::uint32_t near = 0;
    for (std::uint32_t i = 0; i < kBlock; ++i) near |= std::uint32_t{sums[i] <= limit} << i;
    return near;
  }

  std::vector<Block> blocks_;
  std::size_t size_ = 0;
};

Point on_unit_sphere(const protocol::Position& position) {
  const double latitude = position.latitude * std::numbers::pi / 180;
  const double longitude = position.longitude * std::numbers::pi / 180;
  return {std::cos(latitude) * std::cos(longitude), std::cos(latitude) * std::sin(longitude), std::sin(latitude)};
}

// The square of the chord between two points of the unit sphere.
double chord_squared(const Point& one, const Point& other) {
  const double x = one[0] - other[0];
  const double y = one[1] - other[1];
  const double z = one[2] - other[2];
  return x * x + y * y + z * z;
}

// The square of the chord that belongs to a distance along the surface.
double chord_squared(double km) {
  const double angle = std::clamp(km / kEarthKm, 0.0, std::numbers::pi);
  const double half = std::sin(angle / 2);
  return 4 * half * half;
}

// The distance along the surface that belongs to a chord. For short chords, two terms of the series of the arc sine are
// exact to 16 digits, and several times as fast as std::asin.
double surface_km(double chord_squared) {
  constexpr double kShort = 1e-4;  // 64 km
  if (chord_squared < kShort) {
    return kEarthKm * std::sqrt(chord_squared) * (1 + chord_squared / 24 + chord_squared * chord_squared * 3 / 640);
  }
  return 2 * kEarthKm * std::asin(std::min(1.0, std::sqrt(chord_squared) / 2));
}

struct Place {
  std::uint32_t text = 0;     // offset in Contents::texts: id, then name
  std::uint32_t area = 0;     // offset in Contents::texts; the places of one area share it
  std::int32_t latitude = 0;  // in units of 1 / kStepsPerDegree degree
  std::int32_t longitude = 0;
  static_assert(kMaxTextBytes <= std::numeric_limits<std::uint8_t>::max());
  std::uint8_t id_bytes = 0;
  std::uint8_t name_bytes = 0;
  std::uint8_t area_bytes = 0;
  Kind kind = Kind::Town;
};
static_assert(sizeof(Place) == 20, "there are about 229,000 of them");

}  // namespace

struct PlaceIndex::Contents {
  std::string texts;
  std::vector<Place> places;         // ordered by tile, then by table order
  std::vector<Spot> spots;           // of the same places, in the same order
  Sieve sieve;                       // of the same places, in the same order
  std::vector<std::uint32_t> tiles;  // index in `places` of the first place of each tile; one more entry: the end
};

namespace {

// Collects the best `max` hits, in order.
class Best {
 public:
  Best(const std::vector<Place>& places, std::size_t max) : places_(places), max_(max) { hits_.reserve(max); }

  void add(const Hit& hit) {
    if (hits_.size() < max_) {
      hits_.push_back(hit);
    } else if (!before(hit, hits_.back())) {
      return;
    }
    std::size_t at = hits_.size() - 1;  // insertion sort is fastest for at most 20 hits
    for (; at > 0 && before(hit, hits_[at - 1]); --at) hits_[at] = hits_[at - 1];
    hits_[at] = hit;
  }

  [[nodiscard]] std::vector<Hit> take() { return std::move(hits_); }

 private:
  // A total order, so that the result does not depend on the order in which tiles are searched.
  [[nodiscard]] bool before(const Hit& one, const Hit& other) const {
    if (one.score != other.score) return one.score < other.score;
    if (one.distance_km != other.distance_km) return one.distance_km < other.distance_km;
    return places_[one.place].text < places_[other.place].text;  // in the table's order
  }

  const std::vector<Place>& places_;
  std::size_t max_;
  std::vector<Hit> hits_;
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
  return static_cast<double>(steps) / kStepsPerDegree;  // correctly rounded; * 1e-5 would not be
}

// Converts the rows of a table, in their order, to places and their texts.
struct Gathered {
  struct Row {
    std::size_t tile;
    Place place;
    float prominence;
  };

  std::string texts;
  std::vector<Row> rows;
  bool too_long = false;  // an escaped text is longer than kMaxTextBytes

  void take(const PlaceRow& row) {
    Place place;
    if (row.area != last_area_ || rows.empty()) {  // equal areas are adjacent in the table
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
    const protocol::Position rounded{degrees(place.latitude), degrees(place.longitude)};
    rows.push_back({tile_of(rounded), place, prominence(row.kind, row.population)});
  }

 private:
  std::uint8_t add(std::string_view text) {
    const std::size_t before = texts.size();
    append_json_text(texts, text);
    const std::size_t bytes = texts.size() - before;
    too_long = too_long || bytes > kMaxTextBytes;
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
      return 2;  // a port has no population but is well known: it counts like a town of 5,000
    case Kind::Town:
    case Kind::Quarter:
      return static_cast<float>(by_people);
  }
  protocol::unreachable();
}

double score(double distance_km, float prominence) {
  return (distance_km + kUnderfootKm) / static_cast<double>(prominence);
}

protocol::Position PlaceView::position() const {
  return {degrees(latitude), degrees(longitude)};
}

protocol::Result<PlaceIndex> PlaceIndex::load(std::span<const std::byte> compressed, const std::stop_token& stop) {
  const auto table = decompress(compressed);
  if (!table) {
    return tl::unexpected(table.error());
  }
  Gathered gathered;
  const auto read = read_place_table(*table, [&](const PlaceRow& row) {
    gathered.take(row);
    return !stop.stop_requested();
  });
  if (!read) {
    return tl::unexpected(read.error());
  }
  if (stop.stop_requested()) return protocol::fail("loading the places was stopped");
  if (gathered.too_long) {
    return protocol::fail("the table of places has a text that is too long with its JSON escapes");
  }
  std::stable_sort(gathered.rows.begin(), gathered.rows.end(),
                   [](const auto& one, const auto& other) { return one.tile < other.tile; });
  auto contents = std::make_unique<Contents>();
  contents->texts = std::move(gathered.texts);
  contents->texts.shrink_to_fit();
  contents->places.reserve(gathered.rows.size());
  contents->spots.reserve(gathered.rows.size());
  contents->sieve.reserve(gathered.rows.size());
  contents->tiles.reserve(kTiles + 1);
  for (const auto& [tile, place, prominence] : gathered.rows) {
    contents->tiles.resize(tile + 1, static_cast<std::uint32_t>(contents->places.size()));
    contents->places.push_back(place);
    contents->spots.push_back({on_unit_sphere({degrees(place.latitude), degrees(place.longitude)}), prominence});
    contents->sieve.add(contents->spots.back().point);
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
  const Contents& all = *contents_;
  Best best(all.places, static_cast<std::size_t>(max));
  const auto examine = [&](std::uint32_t place) {
    const Spot& spot = all.spots[place];
    const double chord = chord_squared(spot.point, point);
    if (chord > limit) return;
    const double km = surface_km(chord);
    best.add({place, km, score(km, spot.prominence)});
    protocol::prefetch(&all.texts[all.places[place].text]);  // the document needs most of these texts next
    protocol::prefetch(&all.texts[all.places[place].area]);
  };
  // Gathers some candidates before it examines the first, so that their data is prefetched from memory.
  std::array<std::uint32_t, kGathered> gathered;
  std::size_t count = 0;
  const auto examine_gathered = [&] { std::for_each_n(gathered.begin(), std::exchange(count, 0), examine); };
  for_tiles_near(centre, radius_km, [&](std::size_t first, std::size_t last) {
    all.sieve.for_near(all.tiles[first], all.tiles[last + 1], point, limit, [&](std::uint32_t place) {
      protocol::prefetch(&all.spots[place]);
      protocol::prefetch(&all.places[place]);
      gathered[count++] = place;
      if (count == kGathered) examine_gathered();
    });
  });
  examine_gathered();
  return best.take();
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
