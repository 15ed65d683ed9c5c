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
constexpr std::size_t kGathered = 32;    // places that a search looks at together
constexpr double kRoundingKm = 1e-9;     // a place exactly on the radius counts, in spite of rounding
constexpr std::size_t kMaxTableBytes = std::size_t{256} << 20;  // offsets are 32 bits, and nobody embeds that much

using Point = std::array<double, 3>;

// What a search looks at of the few places that are near enough, or nearly so.
struct Spot {
  Point point;  // on the unit sphere, which knows poles and the antimeridian for free
  float prominence = 1;
};

// What a search looks at first, of all places: their points once more, as floats and in blocks, so that one instruction
// compares several and few cache lines hold many. They are rounded, so who is near by them may not be.
class Sieve {
 public:
  void reserve(std::size_t places) { blocks_.reserve(places / kBlock + 1); }

  // The next place's.
  void add(const Point& point) {
    if (size_ % kBlock == 0) blocks_.emplace_back();
    for (std::size_t axis = 0; axis < point.size(); ++axis) {
      blocks_.back()[axis][size_ % kBlock] = static_cast<float>(point[axis]);
    }
    ++size_;
  }

  // Calls take(place) for those from `first` up to, not including, `end` that may be within the chord, rising.
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

  // Rounding moves a point by 3e-8 a coordinate, two points by 1.1e-7 in all; squares and sums are a millionth wrong.
  static float rounded_up(double chord_squared) {
    const double chord = std::sqrt(chord_squared) + 4e-7;
    return static_cast<float>(chord * chord * (1 + 1e-5));
  }

  // A bit for each place of a block.
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

// Of so short a chord the arc is two terms of a series longer, to 16 digits; the arc sine takes several times as long.
double surface_km(double chord_squared) {
  constexpr double kShort = 1e-4;  // 64 km
  if (chord_squared < kShort) {
    return kEarthKm * std::sqrt(chord_squared) * (1 + chord_squared / 24 + chord_squared * chord_squared * 3 / 640);
  }
  return 2 * kEarthKm * std::asin(std::min(1.0, std::sqrt(chord_squared) / 2));
}

struct Place {
  std::uint32_t text = 0;     // in Contents::texts: id, then name
  std::uint32_t area = 0;     // in Contents::texts, shared by the places of one area
  std::int32_t latitude = 0;  // in steps
  std::int32_t longitude = 0;
  static_assert(kMaxTextBytes <= std::numeric_limits<std::uint8_t>::max());
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
  Sieve sieve;                       // of the same places
  std::vector<std::uint32_t> tiles;  // where each one's places begin, and one more: where the last one's end
};

namespace {

// The best `max` so far, in order.
class Best {
 public:
  Best(const std::vector<Place>& places, std::size_t max) : places_(places), max_(max) { hits_.reserve(max); }

  void add(const Hit& hit) {
    if (hits_.size() < max_) {
      hits_.push_back(hit);
    } else if (!before(hit, hits_.back())) {
      return;
    }
    std::size_t at = hits_.size() - 1;  // so few that moving them one by one is fastest
    for (; at > 0 && before(hit, hits_[at - 1]); --at) hits_[at] = hits_[at - 1];
    hits_[at] = hit;
  }

  [[nodiscard]] std::vector<Hit> take() { return std::move(hits_); }

 private:
  // A total order, so that an answer does not depend on how the tiles were walked.
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
  const auto look_at = [&](std::uint32_t place) {
    const Spot& spot = all.spots[place];
    const double chord = chord_squared(spot.point, point);
    if (chord > limit) return;
    const double km = surface_km(chord);
    best.add({place, km, score(km, spot.prominence)});
    __builtin_prefetch(&all.texts[all.places[place].text]);  // a document is made of most of them next
    __builtin_prefetch(&all.texts[all.places[place].area]);
  };
  // Some are gathered before the first is looked at: what is known of them is then on its way from memory.
  std::array<std::uint32_t, kGathered> gathered;
  std::size_t count = 0;
  const auto look_at_gathered = [&] { std::for_each_n(gathered.begin(), std::exchange(count, 0), look_at); };
  for_tiles_near(centre, radius_km, [&](std::size_t first, std::size_t last) {
    all.sieve.for_near(all.tiles[first], all.tiles[last + 1], point, limit, [&](std::uint32_t place) {
      __builtin_prefetch(&all.spots[place]);
      __builtin_prefetch(&all.places[place]);
      gathered[count++] = place;
      if (count == kGathered) look_at_gathered();
    });
  });
  look_at_gathered();
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
