// A line from a client: every line is parsed to a command, its values are within their bounds, its views point into the
// line, and the reply to an unknown line is one line without control bytes.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "protocol/assert.hpp"
#include "protocol/command.hpp"
#include "protocol/limits.hpp"
#include "protocol/reply.hpp"

using namespace herd::protocol;

namespace {

bool is_inside(std::string_view part, std::string_view line) {
  return part.data() >= line.data() && part.data() + part.size() <= line.data() + line.size();
}

void check_iamat(const Iamat& iamat, std::string_view line) {
  HERD_ASSERT(is_client_id(iamat.client));
  HERD_ASSERT(is_inside(iamat.client, line) && is_inside(iamat.coordinates, line) && is_inside(iamat.time_text, line));
  HERD_ASSERT(iamat.coordinates.size() <= kMaxCoordinatesBytes && iamat.time_text.size() <= kMaxTimeBytes);
  HERD_ASSERT(iamat.time >= Nanoseconds(0) && iamat.time < std::chrono::seconds(kTimeSecondsEnd));
  const auto position = parse_coordinates(iamat.coordinates);
  HERD_ASSERT(position && position->latitude >= -90 && position->latitude <= 90);
  HERD_ASSERT(position->longitude >= -180 && position->longitude <= 180);
  std::string out;
  append_at(out, {"Hill", Nanoseconds(0) - iamat.time, iamat.client, iamat.coordinates, iamat.time_text});
  HERD_ASSERT(out.find('\n') == out.size() - 1);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view line(reinterpret_cast<const char*>(data), size);
  const Command command = parse_command(line);
  if (const auto* iamat = std::get_if<Iamat>(&command)) {
    check_iamat(*iamat, line);
  } else if (const auto* whatsat = std::get_if<Whatsat>(&command)) {
    HERD_ASSERT(is_client_id(whatsat->client) && is_inside(whatsat->client, line));
    HERD_ASSERT(whatsat->radius_km >= 0 && whatsat->radius_km <= kMaxRadiusKm);
    HERD_ASSERT(whatsat->max >= 0 && whatsat->max <= kMaxPlaces);
  }
  if (const auto* auth = std::get_if<Auth>(&command)) {
    HERD_ASSERT(is_secret(line) && (auth->token.empty() || is_inside(auth->token, line)));
  }
  if (std::holds_alternative<HttpLine>(command)) {
    HERD_ASSERT(line.size() >= 5 && (line[4] == ':' || line.substr(line.size() - 8, 7) == "HTTP/1."));
  }
  std::string unknown;
  append_unknown(unknown, line);
  HERD_ASSERT(unknown.find('\n') == unknown.size() - 1);
  for (const char byte : escape_for_log(line)) {
    HERD_ASSERT(byte >= ' ' && byte <= '~');
  }
  return 0;
}
