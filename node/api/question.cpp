#include "node/api/question.hpp"

#include <array>
#include <utility>

#include "protocol/bytes.hpp"
#include "protocol/query_operands.hpp"

namespace herd::node::api {
namespace {

using protocol::fail;
using protocol::Parsed;
using protocol::Result;
using Names = std::span<const std::string_view>;

constexpr std::array<std::string_view, 7> kNear{"client", "at", "km", "max", "match", "newer", "after"};
constexpr std::array<std::string_view, 6> kWithin{"sw", "ne", "max", "match", "newer", "after"};
constexpr std::array<std::string_view, 7> kCount{"client", "at", "km", "sw", "ne", "match", "newer"};
constexpr std::array<std::string_view, 3> kMap{"sw", "ne", "since"};
constexpr std::array<std::string_view, 13> kWatch{"client", "near",  "at",    "km",    "sw",   "ne",   "all",
                                                  "match",  "slack", "dwell", "every", "beat", "since"};

// One number of a point in the form LAT,LON: ISO 6709 needs a sign.
std::string signed_number(std::string_view number) {
  std::string text;
  if (!number.starts_with('+') && !number.starts_with('-')) text.push_back('+');
  text.append(number);
  return text;
}

// A point as IAMAT has it, `+34.07-118.44`, or as programs have it, `34.07,-118.44`.
Parsed<protocol::Point> parse_place(std::string_view text) {
  const std::size_t comma = text.find(',');
  if (comma == std::string_view::npos) return protocol::parse_point(text);
  return protocol::parse_point(signed_number(text.substr(0, comma)) + signed_number(text.substr(comma + 1)));
}

Parsed<protocol::Centre> parse_client_centre(std::string_view text) {
  const auto client = protocol::parse_client(text);
  if (!client) return protocol::refuse(client.error());
  if (client->empty()) return protocol::refuse("the id is empty: write one");
  return protocol::Centre{*client, {}};
}

Parsed<protocol::Centre> parse_point_centre(std::string_view text) {
  const auto point = parse_place(text);
  if (!point) return protocol::refuse(point.error());
  return protocol::Centre{{}, *point};
}

// A circle round the client that the parameter `client` names, or round the point `at`.
protocol::Circle circle_of(Parameters& from, std::string_view client) {
  protocol::Circle circle;
  if (from.has(client) == from.has("at")) {
    from.refuse("the circle needs one centre: give " + std::string(client) + " or at");
  } else if (from.has("at")) {
    circle.centre = from.value("at", parse_point_centre);
  } else {
    circle.centre = from.value(client, parse_client_centre);
  }
  circle.radius = from.required("km", protocol::parse_km);
  return circle;
}

protocol::Box box_of(Parameters& from) {
  const protocol::Point south_west = from.required("sw", parse_place);
  const protocol::Point north_east = from.required("ne", parse_place);
  if (from.problem()) return {};
  const auto box = protocol::make_box(south_west, north_east);
  if (box) return *box;
  from.refuse(std::string(box.error()));
  return {};
}

protocol::Filter filter_of(Parameters& from) {
  protocol::Filter filter;
  filter.prefix = from.value("match", protocol::parse_prefix);
  if (from.has("newer")) filter.newer = from.value("newer", protocol::parse_seconds);
  return filter;
}

// What NEAR and WITHIN have besides their area.
template <typename Query>
void read_list(Parameters& from, Query& query) {
  query.max = from.value("max", protocol::parse_max_lines, kDefaultMax);
  query.filter = filter_of(from);
  query.after = from.value("after", protocol::parse_cursor);
}

Result<QuestionPtr> result_of(QuestionPtr question) {
  if (const auto& problem = question->parameters.problem()) return fail(*problem);
  return question;
}

QuestionPtr question_of(const http::Request& request, Names allowed) {
  return std::make_unique<Question>(request.query, allowed);
}

// What is watched: exactly one of four.
void read_watched(Parameters& from, protocol::Watch& watch) {
  const bool is_circle = from.has("near") || from.has("at") || from.has("km");
  const bool is_box = from.has("sw") || from.has("ne");
  if (int{from.has("client")} + int{is_circle} + int{is_box} + int{from.has("all")} != 1) {
    return from.refuse("a watch has one of client, near or at with km, sw with ne, and all: give one of them");
  }
  if (is_circle) {
    watch.what = circle_of(from, "near");
  } else if (is_box) {
    watch.what = box_of(from);
  } else if (from.has("client")) {
    if (from.text("client")->empty()) from.refuse("client is empty: give an id, or a beginning of ids and *");
    watch.what = from.value("client", protocol::parse_watched_clients);
  } else {
    watch.what = protocol::AllClients{};
  }
  // As the grammar of WATCH has it.
  if (from.has("match") && from.has("client")) from.refuse("match has no meaning with client: remove it");
  if (from.has("slack") && !is_circle) from.refuse("slack has a meaning only with km: remove it");
  if (from.has("dwell") && !is_circle && !is_box) from.refuse("dwell has a meaning only with an area: remove it");
}

}  // namespace

Result<QuestionPtr> ask_where(const http::Request& request) {
  auto question = question_of(request, {});
  question->client = std::string_view(request.path).substr(kWherePath.size());
  if (protocol::text_length(question->client) < question->client.size()) {
    return fail("the id contains a blank, a control byte or FF, which no id contains: remove it");
  }
  const auto client = protocol::parse_client(question->client);
  if (!client) return fail(std::string(client.error()));
  question->asked = protocol::Whereis{*client};
  return result_of(std::move(question));
}

Result<QuestionPtr> ask_near(const http::Request& request) {
  auto question = question_of(request, kNear);
  Parameters& from = question->parameters;
  protocol::Near near;
  near.circle = circle_of(from, "client");
  read_list(from, near);
  question->asked = near;
  return result_of(std::move(question));
}

Result<QuestionPtr> ask_within(const http::Request& request) {
  auto question = question_of(request, kWithin);
  Parameters& from = question->parameters;
  protocol::Within within;
  within.box = box_of(from);
  read_list(from, within);
  question->asked = within;
  return result_of(std::move(question));
}

Result<QuestionPtr> ask_count(const http::Request& request) {
  auto question = question_of(request, kCount);
  Parameters& from = question->parameters;
  protocol::Count count;
  const bool is_box = from.has("sw") || from.has("ne");
  if (is_box && (from.has("client") || from.has("at") || from.has("km"))) {
    from.refuse("a count has one area: give client or at with km, or sw with ne");
  } else if (is_box) {
    count.area = box_of(from);
  } else {
    count.area = circle_of(from, "client");
  }
  count.filter = filter_of(from);
  question->asked = count;
  return result_of(std::move(question));
}

Result<QuestionPtr> ask_map(const http::Request& request) {
  auto question = question_of(request, kMap);
  Parameters& from = question->parameters;
  MapAsked map;
  map.box = box_of(from);
  if (from.has("since")) map.since = from.value("since", protocol::parse_resume_from);
  question->asked = map;
  return result_of(std::move(question));
}

Result<QuestionPtr> ask_watch(const http::Request& request) {
  auto question = question_of(request, kWatch);
  Parameters& from = question->parameters;
  protocol::Watch watch;
  watch.tag = kWatchTag;
  read_watched(from, watch);
  protocol::WatchOptions& options = watch.options;
  options.prefix = from.value("match", protocol::parse_prefix);
  options.slack = from.value("slack", protocol::parse_km);
  options.dwell = from.value("dwell", protocol::parse_seconds);
  options.every = from.value("every", protocol::parse_seconds);
  options.beat = from.value("beat", protocol::parse_beat, kDefaultBeat);
  if (from.has("since")) options.from = from.value("since", protocol::parse_resume_from);
  // A text that this node has not sent, such as that of another server, means a new watch.
  if (const std::string* last = request.header("last-event-id")) {
    const auto place = protocol::parse_resume_from(*last);
    options.from = place ? std::optional(*place) : std::nullopt;
  }
  const auto* circle = std::get_if<protocol::Circle>(&watch.what);
  if (circle != nullptr && circle->radius + options.slack > protocol::kMaxQueryKm * protocol::kMillimetresPerKm) {
    from.refuse("km and slack are together above 20016 kilometres: lower one of them");
  }
  question->asked = watch;
  return result_of(std::move(question));
}

}  // namespace herd::node::api
