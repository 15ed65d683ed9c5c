// Numbers and lines of the protocol as text. No function uses the locale: a decimal comma would be malformed.
#pragma once

#include <array>
#include <charconv>
#include <cmath>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "herd/types.hpp"

namespace herd::detail {

inline constexpr std::size_t kMaxClientBytes = 255;
inline constexpr int kDegreeDigits = 7;
inline constexpr int kMillimetreDigits = 6;  // of kilometres
inline constexpr double kMaxKm = 20016;

inline std::string fixed(double value, int digits) {
  std::array<char, 32> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed, digits);
  if (end.ec != std::errc{}) throw Error(ErrorKind::Argument, "a number is too large");
  return {text.data(), end.ptr};
}

// Errors: Protocol.
template <typename Number>
Number number_of(std::string_view text) {
  if (!text.empty() && text.front() == '+') text.remove_prefix(1);
  Number value{};
  const auto end = std::from_chars(text.data(), text.data() + text.size(), value);
  if (end.ec == std::errc{} && end.ptr == text.data() + text.size()) return value;
  throw Error(ErrorKind::Protocol, "a reply has no number where one is expected: " + std::string(text));
}

// The range is judged on the text, so after the rounding.
inline std::string degrees_text(double value, double limit) {
  if (!(std::abs(value) < limit + 1)) throw Error(ErrorKind::Argument, "a coordinate is not a number of degrees");
  const std::string text = fixed(value, kDegreeDigits);
  if (std::abs(number_of<double>(text)) > limit) {
    throw Error(ErrorKind::Argument, "a coordinate is " + text + ": latitudes are -90 to 90, longitudes -180 to 180");
  }
  return text.front() == '-' ? text : "+" + text;
}

inline std::string point_text(const Point& point) {
  return degrees_text(point.latitude, 90) + degrees_text(point.longitude, 180);
}

inline std::string km_text(double km) {
  if (!(km >= 0 && km <= kMaxKm)) throw Error(ErrorKind::Argument, "the radius is 0 to 20016 km");
  return fixed(km, kMillimetreDigits);
}

inline const std::string& client_text(const std::string& client) {
  bool is_valid = !client.empty() && client.size() <= kMaxClientBytes;
  for (const char letter : client) {
    const auto byte = static_cast<unsigned char>(letter);
    is_valid = is_valid && byte > 0x20 && byte != 0x7f && byte != 0xff;
  }
  if (is_valid) return client;
  throw Error(ErrorKind::Argument, "the id of a client has 1 to 255 bytes, without blanks and control bytes");
}

inline std::string centre_text(const Centre& centre) {
  return centre.is_point() ? point_text(centre.point()) : client_text(centre.client());
}

inline std::string circle_text(const Circle& circle) {
  return "NEAR " + centre_text(circle.centre) + " " + km_text(circle.km);
}

inline std::string box_text(const Box& box) {
  return "WITHIN " + point_text(box.south_west) + " " + point_text(box.north_east);
}

inline std::string match_text(const std::string& match) {
  return match.empty() ? "" : " match=" + client_text(match);
}

inline std::string filter_text(const Filter& filter) {
  std::string text = match_text(filter.match);
  if (!filter.newer) return text;
  if (filter.newer->count() < 0 || filter.newer->count() > 999'999'999) {
    throw Error(ErrorKind::Argument, "newer is 0 to 999999999 s");
  }
  return text + " newer=" + std::to_string(filter.newer->count());
}

// Seconds since 1970 with nine fraction digits.
inline std::string time_text(std::chrono::nanoseconds since_1970) {
  if (since_1970.count() < 0) throw Error(ErrorKind::Argument, "the time of a report is before 1970");
  const std::string fraction = std::to_string(since_1970.count() % 1'000'000'000);
  return std::to_string(since_1970.count() / 1'000'000'000) + "." + std::string(9 - fraction.size(), '0') + fraction;
}

inline bool starts_with(std::string_view text, std::string_view prefix) {
  return text.substr(0, prefix.size()) == prefix;
}

inline std::vector<std::string_view> split(std::string_view line) {
  std::vector<std::string_view> words;
  while (true) {
    const std::size_t blank = line.find(' ');
    words.push_back(line.substr(0, blank));
    if (blank == std::string_view::npos) return words;
    line.remove_prefix(blank + 1);
  }
}

// The record of the AT line that begins at words[first]. Errors: Protocol.
inline Record record_of(const std::vector<std::string_view>& words, std::size_t first) {
  if (words.size() != first + 6 || words[first] != "AT") {
    throw Error(ErrorKind::Protocol, "a reply has no AT line where one is expected");
  }
  const auto word = [&words, first](std::size_t at) { return std::string(words[first + at]); };
  Record record{word(1), word(2), word(3), word(4), word(5), {}};
  std::string_view latitude = record.coordinates;
  if (!latitude.empty() && latitude.back() == '/') latitude.remove_suffix(1);
  const std::size_t second = latitude.find_first_of("+-", 1);
  if (second == std::string_view::npos) throw Error(ErrorKind::Protocol, "an AT line has no coordinates");
  record.point = {number_of<double>(latitude.substr(0, second)), number_of<double>(latitude.substr(second))};
  return record;
}

}  // namespace herd::detail
