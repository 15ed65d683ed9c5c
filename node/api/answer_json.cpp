#include "node/api/answer_json.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iterator>

#include "node/api/lines.hpp"
#include "node/base/json_text.hpp"
#include "protocol/assert.hpp"
#include "protocol/point.hpp"

namespace herd::node::api {
namespace {

// As RFC 3986: only the unreserved characters stay.
void append_percent_encoded(std::string& out, std::string_view text) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  for (const char byte : text) {
    const bool is_letter_or_digit =
        (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9');
    if (is_letter_or_digit || std::string_view("-._~").find(byte) != std::string_view::npos) {
      out += byte;
    } else {
      const auto value = static_cast<unsigned char>(byte);
      out += '%';
      out += kDigits[value >> 4U];
      out += kDigits[value & 0xFU];
    }
  }
}

// Degrees with up to 7 fraction digits, of units of 1e-7 degrees.
void append_degrees(std::string& out, std::int32_t units) {
  const auto size = static_cast<std::uint64_t>(std::abs(std::int64_t{units}));
  const std::size_t begin = out.size();
  fmt::format_to(std::back_inserter(out), "{}{}.{:07}", units < 0 ? "-" : "", size / protocol::kUnitsPerDegree,
                 size % protocol::kUnitsPerDegree);
  while (out.back() == '0' && out.size() > begin) out.pop_back();
  if (out.back() == '.') out.pop_back();
}

// A number of a line as a JSON number, which has neither a plus sign nor leading zeros.
void append_number(std::string& out, std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  while (text.size() > 1 && text[0] == '0' && text[1] != '.') text.remove_prefix(1);
  out += text;
}

void append_point(std::string& out, protocol::Point point) {
  out += "{\"type\":\"Point\",\"coordinates\":[";
  append_degrees(out, point.longitude);  // GeoJSON has the longitude first
  out += ',';
  append_degrees(out, point.latitude);
  out += "]}";
}

void append_client(std::string& out, const ClientLine& line, Format format) {
  if (format == Format::GeoJson) {
    out += "{\"type\":\"Feature\",\"geometry\":";
    append_point(out, protocol::point_of(line.coordinates));
    out += ",\"properties\":";
  }
  out += '{';
  append_client_fields(out, line);
  out += format == Format::GeoJson ? "}}" : "}";
}

// `END <count>` or `END <count> <cursor>`.
void append_next(std::string& out, std::string_view end) {
  const auto fields = split(end);
  out += ",\"next\":";
  if (fields.size() > 2) {
    append_json_string(out, fields[2]);
  } else {
    out += "null";
  }
}

}  // namespace

std::string_view content_type_of(Format format) {
  return format == Format::GeoJson ? "application/geo+json" : "application/json";
}

std::optional<ClientLine> read_client_line(std::string_view text) {
  const Fields fields = split(text);
  const std::size_t at = fields.size() == 8 ? 2 : 0;
  if (fields.size() != at + 6 || fields[at] != "AT") return std::nullopt;
  ClientLine line{{}, {}, fields[at + 1], fields[at + 2], fields[at + 3], fields[at + 4], fields[at + 5]};
  if (at > 0) {
    line.km = fields[0];
    line.bearing = fields[1];
  }
  return line;
}

void append_id_fields(std::string& out, std::string_view client) {
  out += "\"client\":";
  const std::size_t begin = out.size();
  append_json_string(out, client);
  if (std::string_view(out).substr(begin).find(kReplacementCharacter) == std::string_view::npos) return;
  out += ",\"client_url\":\"";
  append_percent_encoded(out, client);
  out += '"';
}

void append_client_fields(std::string& out, const ClientLine& line) {
  const protocol::Point point = protocol::point_of(line.coordinates);
  append_id_fields(out, line.client);
  out += ",\"coordinates\":";
  append_json_string(out, line.coordinates);
  out += ",\"time\":";
  append_json_string(out, line.time);
  out += ",\"latitude\":";
  append_degrees(out, point.latitude);
  out += ",\"longitude\":";
  append_degrees(out, point.longitude);
  out += ",\"node\":";
  append_json_string(out, line.node);
  out += ",\"difference\":";
  append_number(out, line.difference);
  if (line.km.empty()) return;
  out += ",\"km\":";
  append_number(out, line.km);
  out += ",\"bearing\":";
  append_number(out, line.bearing);
}

std::string where_json(std::string_view answer, Format format) {
  const auto line = read_client_line(next_line(answer));
  HERD_ASSERT(line);
  std::string out;
  append_client(out, *line, format);
  out += '\n';
  return out;
}

std::string list_json(std::string_view answer, Centre centre, Format format) {
  std::string out = format == Format::GeoJson ? "{\"type\":\"FeatureCollection\"," : "{";
  out.reserve(3 * answer.size());
  if (centre == Centre::Possible) {
    out += "\"centre\":";
    if (answer.starts_with("AT ")) {
      const auto line = read_client_line(next_line(answer));
      HERD_ASSERT(line);
      append_client(out, *line, format);
    } else {
      out += "null";
    }
    out += ',';
  }
  out += format == Format::GeoJson ? "\"features\":[" : "\"clients\":[";
  bool is_first = true;
  while (!answer.starts_with("END ")) {
    std::string_view text = next_line(answer);
    if (text.starts_with("IS ")) text.remove_prefix(3);
    const auto line = read_client_line(text);
    HERD_ASSERT(line);
    if (!std::exchange(is_first, false)) out += ',';
    append_client(out, *line, format);
  }
  out += ']';
  append_next(out, next_line(answer));
  out += "}\n";
  return out;
}

std::string count_json(std::string_view answer) {
  const Fields fields = split(next_line(answer));
  HERD_ASSERT(fields.size() == 2);
  return fmt::format("{{\"count\":{}}}\n", fields[1]);
}

}  // namespace herd::node::api
