// A line from a client: every line is parsed to a command, its values are within their bounds, its views point into the
// line, and the reply to an unknown line is one line without control bytes.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "protocol/assert.hpp"
#include "protocol/command.hpp"
#include "protocol/limits.hpp"
#include "protocol/overloaded.hpp"
#include "protocol/query.hpp"
#include "protocol/query_operands.hpp"
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

bool is_on_earth(Point point) {
  return point.latitude >= -kMaxLatitude && point.latitude <= kMaxLatitude && point.longitude >= -kMaxLongitude &&
         point.longitude <= kMaxLongitude;
}

bool is_length(Millimetres length) {
  return length >= 0 && length <= kMaxQueryKm * kMillimetresPerKm;
}

void check_circle(const Circle& circle, std::string_view line) {
  const bool is_point = circle.centre.client.empty();
  HERD_ASSERT(is_point || (is_client_id(circle.centre.client) && is_inside(circle.centre.client, line)));
  HERD_ASSERT(is_on_earth(circle.centre.point) && is_length(circle.radius));
}

void check_box(const Box& box) {
  HERD_ASSERT(is_on_earth(box.south_west) && is_on_earth(box.north_east));
  HERD_ASSERT(box.south_west.latitude <= box.north_east.latitude);
}

// A prefix is empty, or has the form of an id.
void check_prefix(std::string_view prefix, std::string_view line) {
  HERD_ASSERT(prefix.empty() || (is_client_id(prefix) && is_inside(prefix, line)));
}

void check_filter(const Filter& filter, std::string_view line) {
  check_prefix(filter.prefix, line);
  HERD_ASSERT(!filter.newer || *filter.newer >= Nanoseconds(0));
}

void check_page(int max, std::string_view after) {
  HERD_ASSERT(max >= 0 && max <= kMaxQueryLines);
  HERD_ASSERT(after.empty() || parse_cursor(after));
}

void check_watch(const Watch& watch, std::string_view line) {
  const WatchOptions& options = watch.options;
  HERD_ASSERT(parse_tag(watch.tag));
  check_prefix(options.prefix, line);
  HERD_ASSERT(is_length(options.slack) && options.dwell >= Nanoseconds(0) && options.every >= Nanoseconds(0));
  HERD_ASSERT(options.beat == Nanoseconds(0) ||
              (options.beat >= std::chrono::seconds(5) && options.beat <= std::chrono::hours(1)));
  std::visit(Overloaded{
                 [&](const WatchedClients& clients) {
                   check_prefix(clients.id, line);
                   HERD_ASSERT(clients.is_prefix || (!clients.id.empty() && !clients.id.ends_with('*')));
                   HERD_ASSERT(options.prefix.empty() && options.slack == 0 && options.dwell == Nanoseconds(0));
                 },
                 [&](const Circle& circle) {
                   check_circle(circle, line);
                   HERD_ASSERT(is_length(circle.radius + options.slack));
                 },
                 [&](const Box& box) {
                   check_box(box);
                   HERD_ASSERT(options.slack == 0);
                 },
                 [&](const AllClients&) { HERD_ASSERT(options.slack == 0 && options.dwell == Nanoseconds(0)); },
             },
             watch.what);
}

// Commands that ask and watch.
void check_query(const Command& command, std::string_view line) {
  if (const auto* whereis = std::get_if<Whereis>(&command)) {
    HERD_ASSERT(is_client_id(whereis->client) && is_inside(whereis->client, line));
  } else if (const auto* near = std::get_if<Near>(&command)) {
    check_circle(near->circle, line);
    check_filter(near->filter, line);
    check_page(near->max, near->after);
  } else if (const auto* within = std::get_if<Within>(&command)) {
    check_box(within->box);
    check_filter(within->filter, line);
    check_page(within->max, within->after);
  } else if (const auto* count = std::get_if<Count>(&command)) {
    std::visit(
        Overloaded{[&](const Circle& circle) { check_circle(circle, line); }, [](const Box& box) { check_box(box); }},
        count->area);
    check_filter(count->filter, line);
  } else if (const auto* watch = std::get_if<Watch>(&command)) {
    check_watch(*watch, line);
  } else if (const auto* unwatch = std::get_if<Unwatch>(&command)) {
    HERD_ASSERT(parse_tag(unwatch->tag));
  } else if (const auto* refused = std::get_if<RefusedQuery>(&command)) {
    HERD_ASSERT(!refused->reason.empty());
  }
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
  check_query(command, line);
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
