#include "node/watches/event_text.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "node/area/at_line.hpp"
#include "node/area/sphere.hpp"
#include "protocol/digits.hpp"
#include "protocol/reply.hpp"
#include "protocol/unreachable.hpp"

namespace herd::node::watches {
namespace {

void append_number(std::string& out, std::uint64_t number) {
  std::array<char, 20> digits;
  char* const end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  out.append(digits.data(), end);
}

std::string_view text_of(EndReason reason) {
  switch (reason) {
    case EndReason::Unwatched:
      return "unwatched";
    case EndReason::Stopping:
      return "stopping";
    case EndReason::NotAllowed:
      return "not allowed";
    case EndReason::TooMany:
      return "too many";
  }
  protocol::unreachable();
}

void append_head(std::string& out, const EventHead& head) {
  out.append("! ").append(head.tag).push_back(' ');
  append_number(out, head.number);
  out.push_back(' ');
  out.append(name_of(head.kind)).push_back(' ');
}

}  // namespace

std::string_view name_of(EventKind kind) {
  switch (kind) {
    case EventKind::Here:
      return "HERE";
    case EventKind::Ready:
      return "READY";
    case EventKind::Enter:
      return "ENTER";
    case EventKind::Move:
      return "MOVE";
    case EventKind::Leave:
      return "LEAVE";
    case EventKind::Centre:
      return "CENTRE";
    case EventKind::Gone:
      return "GONE";
    case EventKind::Tick:
      return "TICK";
    case EventKind::End:
      return "END";
  }
  protocol::unreachable();
}

void append_client_event(std::string& out, const EventHead& head, const std::optional<Sighting>& sighting,
                         const bus::RecordView& record) {
  append_head(out, head);
  if (sighting) {
    const area::Polar seen = area::polar(sighting->centre, sighting->client);
    area::append_km(out, seen.distance);
    out.push_back(' ');
    area::append_bearing(out, seen.bearing);
    out.push_back(' ');
  }
  protocol::append_at(out, area::at_line_of(record));
}

void append_id_event(std::string& out, const EventHead& head, std::string_view client) {
  append_head(out, head);
  out.append(client).push_back('\n');
}

void append_gone(std::string& out, const EventHead& head, std::string_view client) {
  append_head(out, head);
  out.append("reset ").append(client).push_back('\n');
}

void append_ready(std::string& out, const EventHead& head, std::uint64_t count) {
  append_head(out, head);
  append_number(out, count);
  out.push_back('\n');
}

void append_tick(std::string& out, const EventHead& head, protocol::Nanoseconds wall) {
  constexpr std::uint64_t kNanosecondsPerSecond = 1'000'000'000;
  const auto nanoseconds = static_cast<std::uint64_t>(std::max(wall, protocol::Nanoseconds{}).count());
  append_head(out, head);
  append_number(out, nanoseconds / kNanosecondsPerSecond);
  std::array<char, 16> fraction;
  protocol::put_digits(fraction.data(), nanoseconds % kNanosecondsPerSecond, 9);
  out.append(".").append(fraction.data(), 9).push_back('\n');
}

void append_end(std::string& out, const EventHead& head, EndReason reason) {
  append_head(out, head);
  out.append(text_of(reason)).push_back('\n');
}

void append_watching(std::string& out, std::string_view tag, std::uint64_t feed_id, bool is_resumed) {
  out.append("WATCHING ").append(tag).push_back(' ');
  for (int shift = 60; shift >= 0; shift -= 4) out.push_back("0123456789abcdef"[feed_id >> shift & 0xFU]);
  out.append(is_resumed ? " resumed\n" : " new\n");
}

}  // namespace herd::node::watches
