// The texts of events, as docs/PROTOCOL.md, "Watching", defines them. Each function appends to the caller's buffer.
// Pure; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "bus/store/record.hpp"
#include "protocol/clock.hpp"
#include "protocol/point.hpp"

namespace herd::node::watches {

enum class EventKind : std::uint8_t { Here, Ready, Enter, Move, Leave, Centre, Gone, Tick, End };
inline constexpr std::size_t kEventKinds = 9;

[[nodiscard]] std::string_view name_of(EventKind kind);

enum class EndReason : std::uint8_t { Unwatched, Stopping, NotAllowed, TooMany };

// What begins each event.
struct EventHead {
  std::string_view tag;
  bus::ChangeNumber number = 0;
  EventKind kind = EventKind::Here;
};

// Where a client is, seen from the centre of a circle.
struct Sighting {
  protocol::Point centre;
  protocol::Point client;
};

// `! <tag> <number> <kind> [<km> <bearing>] <AT line>` and LF; without km and bearing if there is no sighting.
void append_client_event(std::string& out, const EventHead& head, const std::optional<Sighting>& sighting,
                         const bus::RecordView& record);
// `! <tag> <number> <kind> <client>` and LF: with a token of level=events.
void append_id_event(std::string& out, const EventHead& head, std::string_view client);
// `! <tag> <number> GONE reset <client>` and LF.
void append_gone(std::string& out, const EventHead& head, std::string_view client);
// `! <tag> <number> READY <count>` and LF.
void append_ready(std::string& out, const EventHead& head, std::uint64_t count);
// `! <tag> <number> TICK <seconds>` and LF; with nine fraction digits. `wall` must not be negative.
void append_tick(std::string& out, const EventHead& head, protocol::Nanoseconds wall);
// `! <tag> <number> END <reason>` and LF.
void append_end(std::string& out, const EventHead& head, EndReason reason);
// `WATCHING <tag> <feed> new` or `resumed`, and LF: the reply to WATCH.
void append_watching(std::string& out, std::string_view tag, std::uint64_t feed_id, bool is_resumed);

}  // namespace herd::node::watches
