#include "node/session.hpp"

#include <spdlog/spdlog.h>

#include <utility>

#include "node/limits.hpp"
#include "protocol/reply.hpp"

namespace herd::node {

using protocol::LineBuffer;

Session::Session(const Parts& parts, std::string from)
    : parts_(parts),
      from_(std::move(from)),
      lines_(parts.config.max_line_bytes),
      replies_(parts.spares),
      last_heard_(parts.clock.now().steady),
      last_sent_(parts.clock.now().steady) {}

void Session::hear(std::span<const char> chunk) {
  last_heard_ = parts_.clock.now().steady;
  lines_.feed(chunk);
  handle_lines();
}

void Session::hear_end() {
  if (input_ == Input::Open) {
    input_ = Input::Ended;
    handle_lines();
  }
}

void Session::answer(ReplyQueue::SlotId slot, std::string_view document) {
  const bool output_was_empty = output().empty();
  replies_.fill(slot, document, kAfterDocument);
  if (output_was_empty) {
    last_sent_ = parts_.clock.now().steady;
  }
  if (spdlog::should_log(spdlog::level::debug)) {
    spdlog::debug("event=places_reply to={} text={}", from_, protocol::escape_for_log(document));
  }
  handle_lines();
}

void Session::release(bus::ChangeNumber acknowledged) {
  const bool output_was_empty = output().empty();
  replies_.release(acknowledged);
  if (output_was_empty) {
    last_sent_ = parts_.clock.now().steady;
  }
  if (lines_wait_) {
    handle_lines();
  }
}

bool Session::is_unacknowledged() const {
  return replies_.gates() > 0 && parts_.clock.now().steady - replies_.waits_since() >= parts_.ack_timeout;
}

void Session::finish() {
  if (input_ == Input::Open) {
    input_ = Input::Finished;
  }
}

std::vector<Lookup> Session::take_lookups() {
  return std::exchange(lookups_, {});
}

void Session::sent(std::size_t count) {
  replies_.sent(count);
  last_sent_ = parts_.clock.now().steady;
  if (lines_wait_) {
    handle_lines();
  }
}

bool Session::wants_bytes() const {
  return input_ == Input::Open && !lines_wait_;
}

Session::Ending Session::ending() const {
  if (lines_wait_ || replies_.pending() > 0 || replies_.gates() > 0 || !output().empty()) {
    return Ending::NotYet;
  }
  switch (input_) {
    case Input::Open:
    case Input::Ended:
      return Ending::NotYet;
    case Input::Done:
      return Ending::Close;
    case Input::Refused:
    case Input::Finished:
      return Ending::HalfClose;
  }
  return Ending::NotYet;
}

bool Session::is_overdue() const {
  const auto& timeout = parts_.config.idle_timeout;
  if (!output().empty()) {
    return parts_.clock.now().steady - last_sent_ >= timeout;
  }
  return replies_.pending() == 0 && replies_.gates() == 0 && parts_.clock.now().steady - last_active() >= timeout;
}

// Executes the lines that are there, as long as there is room for what they may cost.
void Session::handle_lines() {
  const bool output_was_empty = output().empty();
  lines_wait_ = false;
  replies_.new_turn();
  while (input_ != Input::Refused && !lines_wait_) {
    if (is_full()) {
      lines_.hold();
      lines_wait_ = true;
      break;
    }
    Lines lines;
    read_ahead(lines);
    if (lines.size() >= kLinesExpected) {
      parts_.commands.expect(lines);
    }
    for (const Line& line : lines) execute(line);
    if (lines.size() == 0) {
      handle_end_of_chunk();
      break;
    }
  }
  if (output_was_empty) {
    last_sent_ = parts_.clock.now().steady;
  }
}

// Reads some lines before the first of them is executed: what the store knows of their clients is then on its way from
// memory while others are executed. A lookup ends that, because it may fill the session; and so does a line whose bytes
// the next one would overwrite.
void Session::read_ahead(Lines& lines) {
  const bool is_logged = spdlog::should_log(spdlog::level::debug);
  while (!lines.full()) {
    const auto text = lines_.next();
    if (!text) {
      return;
    }
    const Line& line = lines.emplace_back(*text, from_, is_logged);
    if (!std::holds_alternative<protocol::Iamat>(line.command) || !lines_.line_stays()) {
      return;
    }
  }
}

void Session::handle_end_of_chunk() {
  if (input_ == Input::Ended) {
    input_ = Input::Done;
    if (const auto text = lines_.last_line()) {
      execute(Line(*text, from_));
    }
  }
  if (lines_.state() == LineBuffer::State::TooLong) {
    refuse_line();
  }
}

void Session::execute(const Line& line) {
  if (auto lookup = parts_.commands.execute(line, replies_)) {
    lookups_.push_back(*lookup);
  }
}

void Session::refuse_line() {
  input_ = Input::Refused;
  ++parts_.counters.lines_too_long;
  const std::string_view head = lines_.too_long_head();
  protocol::append_unknown(replies_.tail(), head);
  if (parts_.warnings.allows(ClientWarning::LineTooLong, parts_.clock.now())) {
    spdlog::warn("event=line_too_long from={} max_line_bytes={} head={}", from_, parts_.config.max_line_bytes,
                 protocol::escape_for_log(head));
  }
}

bool Session::is_full() {
  output_full_ = replies_.bytes() > (output_full_ ? kResumeOutputBytes : kMaxOutputBytes);
  return output_full_ || replies_.pending() >= kMaxPendingLookups || replies_.gates() >= kMaxWaitingTurns;
}

}  // namespace herd::node
