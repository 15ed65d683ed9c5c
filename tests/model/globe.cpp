#include "tests/model/globe.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <string>

#include "tests/model/fault.hpp"

namespace herd::model {

namespace {

constexpr std::int64_t kDegree = 10'000'000;
constexpr std::int64_t kPole = 90 * kDegree;
constexpr std::int64_t kHalfTurn = 180 * kDegree;
constexpr long double kRadius = 6'371'008'800.0L;  // of the sphere, in millimetres
constexpr long double kMargin = 0.01L;             // millimetres
constexpr long double kBearingMargin = 0.0001L;    // degrees
constexpr long double kPi = std::numbers::pi_v<long double>;

long double radians(std::int64_t units) {
  return static_cast<long double>(units) / kDegree * kPi / 180;
}

std::string_view take_digits(std::string_view& text) {
  const std::size_t size = std::min(text.find_first_not_of("0123456789"), text.size());
  const std::string_view digits = text.substr(0, size);
  text.remove_prefix(size);
  return digits;
}

// One signed number of coordinates, taken from the front of `text`, in 1e-7 degrees.
bool take_number(std::string_view& text, std::size_t max_digits, std::int64_t& units) {
  if (text.empty() || (text[0] != '+' && text[0] != '-')) return false;
  const bool negative = text[0] == '-';
  text.remove_prefix(1);
  const std::string_view whole = take_digits(text);
  std::string_view fraction;
  if (!text.empty() && text[0] == '.') {
    text.remove_prefix(1);
    fraction = take_digits(text);
    if (fraction.empty() || fraction.size() > 30) return false;
  }
  if (whole.empty() || whole.size() > max_digits) return false;
  std::string seven(fraction.substr(0, 7));
  seven.resize(7, '0');
  units = std::stoll(std::string(whole) + seven);
  if (fraction.size() > 7 && fraction[7] >= '5') ++units;
  if (negative) units = -units;
  return true;
}

bool take_coordinates(std::string_view text, Point& point) {
  if (!take_number(text, 2, point.latitude) || !take_number(text, 3, point.longitude)) return false;
  return text.empty() || text == "/";
}

long double dot(const Point& a, const Point& b) {
  return a.x * b.x + a.y * b.y + a.z * b.z;
}

long double angle(const Point& a, const Point& b) {
  const long double x = a.y * b.z - a.z * b.y;
  const long double y = a.z * b.x - a.x * b.z;
  const long double z = a.x * b.y - a.y * b.x;
  return std::atan2(std::sqrt(x * x + y * y + z * z), dot(a, b));
}

// In degrees, in [0, 360). Without cancellation for points that are close.
long double exact_bearing(const Point& from, const Point& to) {
  const long double east = radians((to.longitude - from.longitude) % (2 * kHalfTurn));
  const long double half = std::sin(east / 2);
  const long double cosine = std::abs(to.latitude) == kPole ? 0 : std::cos(radians(to.latitude));
  const long double north =
      std::sin(radians(to.latitude - from.latitude)) + 2 * std::sin(radians(from.latitude)) * cosine * half * half;
  const long double degrees = std::atan2(std::sin(east) * cosine, north) * 180 / kPi;
  return degrees < 0 ? degrees + 360 : degrees;
}

}  // namespace

bool is_coordinates(std::string_view text) {
  Point point;
  return take_coordinates(text, point);
}

Point point_of(std::string_view coordinates) {
  Point point;
  demand(take_coordinates(coordinates, point), "not coordinates: " + std::string(coordinates));
  demand(std::abs(point.latitude) <= kPole && std::abs(point.longitude) <= kHalfTurn,
         "coordinates out of range: " + std::string(coordinates));
  const long double latitude = radians(point.latitude);
  const long double longitude = radians(point.longitude);
  point.x = std::cos(latitude) * std::cos(longitude);
  point.y = std::cos(latitude) * std::sin(longitude);
  point.z = std::sin(latitude);
  return point;
}

Range distance(const Point& a, const Point& b) {
  const long double exact = angle(a, b) * kRadius;
  const auto rounded = [](long double value) { return static_cast<std::int64_t>(std::floor(value + 0.5L)); };
  return {std::max<std::int64_t>(rounded(exact - kMargin), 0), rounded(exact + kMargin)};
}

bool is_km(std::string_view text, Range range) {
  for (std::int64_t millimetres = range.low; millimetres <= range.high; ++millimetres) {
    const std::int64_t metres = (millimetres + 500) / 1000;
    std::string fraction = std::to_string(metres % 1000);
    fraction.insert(0, 3 - fraction.size(), '0');
    if (text == std::to_string(metres / 1000) + '.' + fraction) return true;
  }
  return false;
}

bool is_bearing(std::string_view text, const Point& from, const Point& to) {
  if (text.size() != 3 || text.find_first_not_of("0123456789") != text.npos) return false;
  const int degrees = std::stoi(std::string(text));
  const Range range = distance(from, to);
  const Point opposite{.x = -to.x, .y = -to.y, .z = -to.z};
  const bool close_to_antipode = distance(from, opposite).low == 0;
  if (degrees == 0 && (range.low == 0 || close_to_antipode)) return true;
  const bool at_antipode = close_to_antipode && from.latitude == -to.latitude &&
                           (std::abs(from.latitude) == kPole ||
                            std::abs(std::abs(from.longitude - to.longitude) - kHalfTurn) % (2 * kHalfTurn) == 0);
  if (range.high == 0 || at_antipode) return false;
  if (from.latitude == kPole) return degrees == 180;
  if (from.latitude == -kPole) return degrees == 0;
  const long double exact = exact_bearing(from, to);
  for (const long double margin : {-kBearingMargin, kBearingMargin}) {
    if (static_cast<int>(std::floor(exact + margin + 0.5L) + 360) % 360 == degrees) return true;
  }
  return false;
}

bool is_inside(const Point& point, const Box& box) {
  if (point.latitude < box.south_west.latitude || point.latitude > box.north_east.latitude) return false;
  if (std::abs(point.latitude) == kPole) return true;
  const std::int64_t west = box.south_west.longitude;
  const std::int64_t east = box.north_east.longitude;
  const auto holds = [&](std::int64_t longitude) {
    return west <= east ? west <= longitude && longitude <= east : west <= longitude || longitude <= east;
  };
  if (std::abs(point.longitude) == kHalfTurn) return holds(kHalfTurn) || holds(-kHalfTurn);
  return holds(point.longitude);
}

}  // namespace herd::model
