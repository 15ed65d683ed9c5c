// Typical reports for the microbenchmarks: ids of 24 bytes, coordinates in millionths of a degree, times in
// nanoseconds.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <random>
#include <string>
#include <vector>

#include "protocol/update.hpp"

namespace herd::bench {

inline constexpr std::int64_t kBaseTime = 1'700'000'000'000'000'000;

inline std::string client_id(std::size_t i) {
  char text[25];
  std::snprintf(text, sizeof text, "client-%017zu", i);
  return text;
}

// One report, with texts of its own.
struct Report {
  std::string client;
  std::string coordinates;
  std::string time_text;
  std::int64_t time;

  Report(std::size_t i, std::int64_t when) : client(client_id(i)), time(kBaseTime + when) {
    char text[64];
    const auto spread = static_cast<std::uint64_t>(when) * 0x9e3779b97f4a7c15ULL;
    std::snprintf(text, sizeof text, "+%02d.%06d-%03d.%06d", static_cast<int>(spread % 85),
                  static_cast<int>(spread >> 20 & 0x7ffff), static_cast<int>(spread % 180),
                  static_cast<int>(spread >> 40 & 0x7ffff));
    coordinates = text;
    std::snprintf(text, sizeof text, "%lld.%09lld", static_cast<long long>(time / 1'000'000'000),
                  static_cast<long long>(time % 1'000'000'000));
    time_text = text;
  }

  [[nodiscard]] protocol::Update update(std::uint64_t number) const {
    protocol::Update update;
    update.id = {"Hill", 7, number};
    update.client = client;
    update.coordinates = coordinates;
    update.time_text = time_text;
    update.time = protocol::Nanoseconds{time};
    update.difference = protocol::Nanoseconds{250'000'000};
    return update;
  }
};

inline std::vector<Report> reports(std::size_t count) {
  std::vector<Report> made;
  made.reserve(count);
  for (std::size_t i = 0; i < count; ++i) made.emplace_back(i, static_cast<std::int64_t>(i) + 1);
  return made;
}

}  // namespace herd::bench
