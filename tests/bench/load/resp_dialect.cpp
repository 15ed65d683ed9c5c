// Redis: SET, GEOADD and GEOSEARCH in its protocol RESP (https://redis.io/docs/reference/protocol-spec/).
#include <array>
#include <charconv>
#include <cstdio>

#include "tests/bench/load/dialect.hpp"
#include "tests/bench/load/request_text.hpp"

namespace herd::bench {
namespace {

using Verdict = Reading::Verdict;

constexpr std::string_view kLineEnd = "\r\n";

// The type and number of a reply line such as ":1", "*20" or "$5"; the length is that of the line.
struct Header {
  Reading reading;
  char type = 0;
  std::int64_t number = 0;
};

Header read_header(std::string_view bytes) {
  const std::size_t end = bytes.find(kLineEnd);
  if (end == std::string_view::npos) return {};
  Header header{{Verdict::kComplete, end + kLineEnd.size()}, bytes[0], 0};
  const auto [last, error] = std::from_chars(bytes.data() + 1, bytes.data() + end, header.number);
  if (error != std::errc() || last != bytes.data() + end) header.reading.verdict = Verdict::kWrong;
  return header;
}

Reading read_integer(std::string_view bytes, std::int64_t least) {
  const Header header = read_header(bytes);
  if (header.reading.verdict != Verdict::kComplete) return header.reading;
  return header.type == ':' && header.number >= least ? header.reading : Reading{Verdict::kWrong, 0};
}

// Reads one value of the strings and arrays in GEOSEARCH's reply. An array adds the number of its elements to `open`.
Reading read_value(std::string_view bytes, std::int64_t& open) {
  Header header = read_header(bytes);
  if (header.reading.verdict != Verdict::kComplete) return header.reading;
  if (header.number < 0) return {Verdict::kWrong, 0};
  if (header.type == '*') {
    open += header.number;
    return header.reading;
  }
  if (header.type != '$') return {Verdict::kWrong, 0};
  header.reading.length += static_cast<std::size_t>(header.number) + kLineEnd.size();
  if (header.reading.length > bytes.size()) return {Verdict::kPartial, 0};
  return header.reading;
}

class Set : public Dialect {
 public:
  explicit Set(const Options& options)
      : options_(options), head_("*3\r\n$3\r\nSET\r\n$" + std::to_string(options.id_bytes) + "\r\n") {}

  char* write_request(char* at, Sequence& sequence, Expected& /*expected*/) override {
    at = put_text(at, head_);
    const std::uint64_t time = ++sequence.time_ns;
    const std::uint32_t id = take_id(sequence, options_);
    at = put_id(at, id, options_.id_bytes);
    static_assert(kLatitudeLength + kLongitudeLength + 1 + kTimeLength == 42);
    at = put_text(at, "\r\n$42\r\n");
    at = put_position(at, next_position(sequence, options_, id, time));
    *at++ = ' ';
    return put_text(put_time(at, time), kLineEnd);
  }

  char* end_batch(char* at, Expected& expected) override {
    if (options_.wait == 0) return at;
    expected.kind = Expected::Kind::kWait;
    at = put_text(at, "*3\r\n$4\r\nWAIT\r\n$1\r\n");
    at = put_digits(at, options_.wait, 1);
    return put_text(at, "\r\n$4\r\n5000\r\n");
  }

  Reading read(std::string_view bytes, const Expected& expected) override {
    if (expected.kind == Expected::Kind::kWait) return read_integer(bytes, options_.wait);
    constexpr std::string_view kOk = "+OK\r\n";
    if (bytes.size() < kOk.size()) return {kOk.starts_with(bytes) ? Verdict::kPartial : Verdict::kWrong, 0};
    return bytes.starts_with(kOk) ? Reading{Verdict::kComplete, kOk.size()} : Reading{Verdict::kWrong, 0};
  }

 private:
  const Options& options_;
  std::string head_;
};

class Geoadd : public Dialect {
 public:
  explicit Geoadd(const Options& options)
      : options_(options), id_head_("\r\n$" + std::to_string(options.id_bytes) + "\r\n") {}

  char* write_request(char* at, Sequence& sequence, Expected& /*expected*/) override {
    static_assert(kLatitudeLength == 10 && kLongitudeLength == 11);
    const std::uint32_t id = take_id(sequence, options_);
    const Position position = next_position(sequence, options_, id, ++sequence.time_ns);
    at = put_text(at, "*5\r\n$6\r\nGEOADD\r\n$5\r\nbench\r\n$11\r\n");
    at = put_text(put_longitude(at, position), "\r\n$10\r\n");
    at = put_text(put_latitude(at, position), id_head_);
    return put_text(put_id(at, id, options_.id_bytes), kLineEnd);
  }

  Reading read(std::string_view bytes, const Expected& /*expected*/) override { return read_integer(bytes, 0); }

 private:
  const Options& options_;
  std::string id_head_;
};

// Queries the places near each point, nearest first, with their positions, which a WHATSAT document contains too. With
// a fleet: the clients near a point in a city, as NEAR does, or any in a box around it, as WITHIN does.
class Geosearch : public Dialect {
 public:
  explicit Geosearch(const Options& options) : options_(options) {}

  char* write_request(char* at, Sequence& sequence, Expected& /*expected*/) override {
    if (sequence.fleet) return put_fleet_question(at, sequence.fleet->point_in_city());
    const Point point = sequence.points[take_point(sequence)];
    std::array<char, kLongestRequest> text{};
    const int length = std::snprintf(text.data(), text.size(),
                                     "GEOSEARCH places FROMLONLAT %.6f %.6f BYRADIUS %u km ASC COUNT %u WITHCOORD\r\n",
                                     point.longitude, point.latitude, options_.radius, options_.results);
    return put_text(at, {text.data(), static_cast<std::size_t>(length)});
  }

  Reading read(std::string_view bytes, const Expected& /*expected*/) override {
    const Header header = read_header(bytes);
    if (header.reading.verdict != Verdict::kComplete) return header.reading;
    if (header.type != '*' || header.number > options_.results) return {Verdict::kWrong, 0};
    std::size_t length = header.reading.length;
    for (std::int64_t open = header.number; open > 0; --open) {
      const Reading value = read_value(bytes.substr(length), open);
      if (value.verdict != Verdict::kComplete) return value;
      length += value.length;
    }
    return {Verdict::kComplete, length};
  }

 private:
  char* put_fleet_question(char* at, Position position) const {
    std::array<char, kLongestRequest> text{};
    const bool is_box = options_.mode == Mode::kGeobox;
    const int length =
        is_box
            ? std::snprintf(text.data(), text.size(),
                            "GEOSEARCH bench FROMLONLAT %.6f %.6f BYBOX %u %u km COUNT %u ANY WITHCOORD\r\n",
                            position.longitude * 1e-6, position.latitude * 1e-6, 2 * options_.radius,
                            2 * options_.radius, options_.results)
            : std::snprintf(text.data(), text.size(),
                            "GEOSEARCH bench FROMLONLAT %.6f %.6f BYRADIUS %u km ASC COUNT %u WITHCOORD WITHDIST\r\n",
                            position.longitude * 1e-6, position.latitude * 1e-6, options_.radius, options_.results);
    return put_text(at, {text.data(), static_cast<std::size_t>(length)});
  }

  const Options& options_;
};

}  // namespace

std::unique_ptr<Dialect> make_resp_dialect(const Options& options) {
  if (options.mode == Mode::kGeoadd) return std::make_unique<Geoadd>(options);
  if (options.mode == Mode::kGeosearch || options.mode == Mode::kGeonear || options.mode == Mode::kGeobox)
    return std::make_unique<Geosearch>(options);
  return std::make_unique<Set>(options);
}

}  // namespace herd::bench
