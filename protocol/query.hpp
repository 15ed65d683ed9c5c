// The commands that ask where clients are, and those that watch them: their operands and options as values. The grammar
// is in docs/PROTOCOL.md; parse_command() of protocol/command.hpp makes them. The texts are views into the line, and
// valid as long as it. Plain values; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>

#include "protocol/clock.hpp"
#include "protocol/point.hpp"

namespace herd::protocol {

// A distance on the sphere, in whole millimetres; the greatest, half of a great circle, is about 2e10.
using Millimetres = std::int64_t;

inline constexpr Millimetres kMillimetresPerKm = 1'000'000;
inline constexpr int kMaxQueryKm = 20'016;       // of a radius, and of a radius plus `slack`; more than any distance
inline constexpr int kMaxQueryLines = 1000;      // lines about clients in one answer
inline constexpr std::size_t kMaxTagBytes = 32;  // of a watch
inline constexpr std::size_t kMaxCursorBytes = 400;

// The centre of a circle: a client, or a point if `client` is empty.
struct Centre {
  std::string_view client;
  Point point;
};

struct Circle {
  Centre centre;
  Millimetres radius = 0;  // in [0, kMaxQueryKm * kMillimetresPerKm]
};

// Its edges belong to it. `north_east.latitude` is not below `south_west.latitude`. A west above its east crosses the
// antimeridian.
struct Box {
  Point south_west;
  Point north_east;
};

// Which clients count.
struct Filter {
  std::string_view prefix;           // `match=` without its `*`; empty: every client
  std::optional<Nanoseconds> newer;  // the node's clock minus the client's time is at most this
};

// WHEREIS <client>
struct Whereis {
  std::string_view client;
};

// NEAR <client or coordinates> <km> <max> [match=] [newer=] [after=]
struct Near {
  Circle circle;
  int max = 0;  // in [0, kMaxQueryLines]
  Filter filter;
  std::string_view after;  // the cursor; empty: none
};

// WITHIN <south-west> <north-east> <max> [match=] [newer=] [after=]
struct Within {
  Box box;
  int max = 0;  // in [0, kMaxQueryLines]
  Filter filter;
  std::string_view after;  // the cursor; empty: none
};

// COUNT NEAR <client or coordinates> <km> [match=] [newer=], COUNT WITHIN <sw> <ne> [match=] [newer=]
struct Count {
  std::variant<Circle, Box> area;
  Filter filter;
};

// What a watch watches, besides Circle and Box.
struct WatchedClients {
  std::string_view id;     // without the `*` of a prefix
  bool is_prefix = false;  // all clients with ids that begin with `id`
};
struct AllClients {};

// A place in the feed from which a watch resumes.
struct ResumeFrom {
  std::uint64_t feed_id = 0;
  std::uint64_t number = 0;
};

// The options of WATCH. Those without a meaning for the watch are refused by the parser.
struct WatchOptions {
  std::string_view prefix;  // `match=` without its `*`; empty: every client
  Millimetres slack = 0;    // radius + slack is at most kMaxQueryKm
  Nanoseconds dwell{};      // 0: none
  Nanoseconds every{};      // 0: each MOVE at once
  Nanoseconds beat{};       // 0: no TICK; else 5 s to 3600 s
  std::optional<ResumeFrom> from;
};

// WATCH <tag> <what> [options]
struct Watch {
  std::string_view tag;  // 1 to kMaxTagBytes of [A-Za-z0-9_.-]
  std::variant<WatchedClients, Circle, Box, AllClients> what;
  WatchOptions options;
};

// UNWATCH <tag>
struct Unwatch {
  std::string_view tag;
};

// One of these commands with a wrong number of operands, an operand that is malformed or out of range, or an option
// that is unknown, repeated or without a meaning. The reply is always `? ` and the line.
struct RefusedQuery {
  std::string_view reason;  // for WHY; a literal
};

}  // namespace herd::protocol
