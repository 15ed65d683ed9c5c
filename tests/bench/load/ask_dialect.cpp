// The questions of the herd's client protocol: NEAR and WITHIN around points in the cities of the fleet.
#include <charconv>
#include <cmath>
#include <numbers>

#include "tests/bench/load/dialect.hpp"
#include "tests/bench/load/request_text.hpp"

namespace herd::bench {
namespace {

using Verdict = Reading::Verdict;

constexpr double kMillionthsPerKm = 1e6 / 111.195;

// Reads the lines of an answer up to END. `check` judges each line before it; END must have their number.
template <typename Check>
Reading read_answer(std::string_view bytes, std::uint32_t most, Check check) {
  std::size_t begin = 0;
  for (std::uint32_t lines = 0;; ++lines) {
    const std::size_t end = bytes.find('\n', begin);
    if (end == std::string_view::npos) return {};
    const std::string_view line = bytes.substr(begin, end - begin);
    begin = end + 1;
    if (line.starts_with("END ")) {
      std::uint32_t count = 0;
      const auto [last, error] = std::from_chars(line.data() + 4, line.data() + line.size(), count);
      const bool ends = last == line.data() + line.size() || *last == ' ';
      return error == std::errc() && ends && count == lines ? Reading{Verdict::kComplete, begin}
                                                            : Reading{Verdict::kWrong, 0};
    }
    if (lines == most || !check(line)) return {Verdict::kWrong, 0};
  }
}

// Metres of "IS <km> ...", where km has three decimals; -1 for another line.
std::int64_t metres_of(std::string_view line) {
  if (!line.starts_with("IS ")) return -1;
  std::int64_t whole = 0;
  const char* const end = line.data() + line.size();
  const auto [point, error] = std::from_chars(line.data() + 3, end, whole);
  if (error != std::errc() || end - point < 4 || *point != '.') return -1;
  std::int64_t part = 0;
  const auto [last, wrong] = std::from_chars(point + 1, point + 4, part);
  return wrong == std::errc() && last == point + 4 ? whole * 1000 + part : -1;
}

class Near : public Dialect {
 public:
  explicit Near(const Options& options)
      : options_(options), tail_(" " + std::to_string(options.radius) + " " + std::to_string(options.results) + "\n") {}

  char* write_request(char* at, Sequence& sequence, Expected& /*expected*/) override {
    return put_text(put_position(put_text(at, "NEAR "), sequence.fleet->point_in_city()), tail_);
  }

  Reading read(std::string_view bytes, const Expected& /*expected*/) override {
    std::int64_t before = 0;
    const std::int64_t radius = std::int64_t{options_.radius} * 1000;
    return read_answer(bytes, options_.results, [&](std::string_view line) {
      const std::int64_t metres = metres_of(line);
      const bool follows = metres >= before && metres <= radius;
      before = metres;
      return follows;
    });
  }

 private:
  const Options& options_;
  std::string tail_;
};

// Boxes with sides of twice the radius.
class Within : public Dialect {
 public:
  explicit Within(const Options& options) : options_(options), tail_(" " + std::to_string(options.results) + "\n") {}

  char* write_request(char* at, Sequence& sequence, Expected& /*expected*/) override {
    const Position centre = sequence.fleet->point_in_city();
    const double half = options_.radius * kMillionthsPerKm;
    const auto high = static_cast<std::int32_t>(half);
    const auto wide = static_cast<std::int32_t>(half / std::cos(centre.latitude * 1e-6 * std::numbers::pi / 180));
    at = put_position(put_text(at, "WITHIN "), {centre.latitude - high, wrapped(centre.longitude - wide)});
    *at++ = ' ';
    return put_text(put_position(at, {centre.latitude + high, wrapped(centre.longitude + wide)}), tail_);
  }

  Reading read(std::string_view bytes, const Expected& /*expected*/) override {
    return read_answer(bytes, options_.results, [](std::string_view line) { return line.starts_with("AT "); });
  }

 private:
  static std::int32_t wrapped(std::int32_t longitude) {
    if (longitude > 180'000'000) return longitude - 360'000'000;
    return longitude < -180'000'000 ? longitude + 360'000'000 : longitude;
  }

  const Options& options_;
  std::string tail_;
};

}  // namespace

std::unique_ptr<Dialect> make_ask_dialect(const Options& options) {
  if (options.mode == Mode::kWithin) return std::make_unique<Within>(options);
  return std::make_unique<Near>(options);
}

}  // namespace herd::bench
