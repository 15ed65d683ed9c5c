// The parts of a request that all dialects share, so that all servers receive the same reports: id, coordinates, time.
#pragma once

#include <string_view>

#include "tests/bench/load/dialect.hpp"
#include "tests/bench/load/digits.hpp"

namespace herd::bench {

inline constexpr std::size_t kTimeLength = 20;  // 10 digits, a point, 9 digits
inline constexpr std::size_t kLatitudeLength = 10;
inline constexpr std::size_t kLongitudeLength = 11;

// "bench", letters up to the wanted length, and 8 digits.
inline char* put_id(char* at, std::uint32_t id, std::size_t length) {
  constexpr std::string_view kFilling = "abcdefghijklmnopqrstuvwxyzA";
  return put_digits(put_text(put_text(at, "bench"), kFilling.substr(0, length - 13)), id, 8);
}

inline char* put_time(char* at, std::uint64_t time_ns) {
  at = put_digits(at, time_ns / 1'000'000'000, 10);
  *at++ = '.';
  return put_digits(at, time_ns % 1'000'000'000, 9);
}

// Degrees, given in millionths, with a sign and `width` digits before the point.
inline char* put_degree(char* at, char sign, std::uint64_t millionths, int width) {
  *at++ = sign;
  at = put_digits(at, millionths / 1'000'000, width);
  *at++ = '.';
  return put_digits(at, millionths % 1'000'000, 6);
}

// Latitude and longitude with their signs, kLatitudeLength + kLongitudeLength bytes.
inline char* put_latitude(char* at, Position position) {
  const std::int32_t value = position.latitude;
  return put_degree(at, value < 0 ? '-' : '+', static_cast<std::uint64_t>(value < 0 ? -value : value), 2);
}
inline char* put_longitude(char* at, Position position) {
  const std::int32_t value = position.longitude;
  return put_degree(at, value < 0 ? '-' : '+', static_cast<std::uint64_t>(value < 0 ? -value : value), 3);
}
inline char* put_position(char* at, Position position) {
  return put_longitude(put_latitude(at, position), position);
}

// Without a fleet coordinates change with time, and stay in the range that Redis accepts too (85 degrees of latitude).
inline Position position_at(std::uint64_t time_ns) {
  return {static_cast<std::int32_t>(time_ns * 7 % 85'000'000), -static_cast<std::int32_t>(time_ns * 11 % 180'000'000)};
}

inline std::uint32_t take_id(Sequence& sequence, const Options& options) {
  const std::uint32_t id = options.client_base + sequence.next_id;
  if (++sequence.next_id == options.clients) sequence.next_id = 0;
  return id;
}

// The next position of the client with this id.
inline Position next_position(Sequence& sequence, const Options& options, std::uint32_t id, std::uint64_t time_ns) {
  return sequence.fleet ? sequence.fleet->move(id - options.client_base) : position_at(time_ns);
}

// Writes an update: id, coordinates and time, report_length() bytes.
inline char* put_report(char* at, Sequence& sequence, const Options& options) {
  const std::uint64_t time = ++sequence.time_ns;
  const std::uint32_t id = take_id(sequence, options);
  at = put_id(at, id, options.id_bytes);
  *at++ = ' ';
  at = put_position(at, next_position(sequence, options, id, time));
  *at++ = ' ';
  return put_time(at, time);
}

inline std::size_t report_length(const Options& options) {
  return options.id_bytes + 1 + kLatitudeLength + kLongitudeLength + 1 + kTimeLength;
}

// The index of the next point to query.
inline std::size_t take_point(Sequence& sequence) {
  return sequence.next_point++ % sequence.points.size();
}

}  // namespace herd::bench
