#include "node/clients/session.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <iterator>
#include <utility>
#include <variant>

#include "node/base/limits.hpp"
#include "node/config/token_rights.hpp"
#include "protocol/installation.hpp"
#include "protocol/reply.hpp"
#include "protocol/unreachable.hpp"

namespace herd::node {

using protocol::LineBuffer;

namespace {

constexpr std::string_view kAuthRefused = "AUTH";  // in place of a copy of the line, which contains a token

}  // namespace

Session::Session(const Parts& parts, std::string from, Origin origin)
    : parts_(parts),
      from_(std::move(from)),
      lines_(parts.config.max_line_bytes),
      replies_(parts.buffers, parts.figures.times),
      caller_{.access = Access(parts.authenticator, origin.network),
              .max_line_bytes = parts.config.max_line_bytes,
              .tls = origin.tls,
              .key = origin.key},
      last_received_(parts.clock.now().steady),
      last_sent_(parts.clock.now().steady) {}

void Session::receive(std::span<const char> chunk) {
  last_received_ = parts_.clock.now().steady;
  lines_.feed(chunk);
  handle_lines();
  const std::uint32_t marks = lines_.take_timing_marks();
  if (marks > 0 && input_ == Input::Open) {
    if (output().empty()) last_sent_ = last_received_;
    replies_.answer_timing_marks(marks);
  }
  count_memory();
}

void Session::receive_end() {
  if (input_ == Input::Open) {
    input_ = Input::Ended;
    handle_lines();
    count_memory();
  }
}

void Session::answer(ReplyQueue::SlotId slot, std::string_view text, Answer answer) {
  const bool is_document = answer == Answer::Document;
  if (spdlog::should_log(spdlog::level::debug)) {
    spdlog::debug("event={} to={} text={}", is_document ? "places_reply" : "reply", from_,
                  protocol::escape_for_log(text));
  }
  const bool output_was_empty = output().empty();
  replies_.fill(slot, text, is_document ? kAfterDocument : std::string_view());
  if (output_was_empty) {
    last_sent_ = parts_.clock.now().steady;
  }
  handle_lines();
  count_memory();
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
  count_memory();
}

bool Session::is_unacknowledged() const {
  return replies_.waiting_iterations() > 0 && parts_.clock.now().steady - replies_.waits_since() >= parts_.ack_timeout;
}

void Session::finish() {
  end_watches(watches::EndReason::Stopping);
  if (input_ == Input::Open) {
    input_ = Input::Finished;
  }
}

bool Session::end_if_revoked() {
  const protocol::Now& now = parts_.clock.now();
  const auto former = caller_.access.shared_token();
  const auto ended = caller_.access.update(now.wall);
  const Token* const token = caller_.access.token();
  const bool is_edited = former != nullptr && token != nullptr && !may_watch_alike(*former, *token);
  if (is_edited || caller_.access.is_locked()) end_watches(watches::EndReason::NotAllowed);
  if (ended == nullptr) return false;
  ++parts_.counters.connections_revoked;
  if (parts_.warnings.allows(ClientWarning::TokenEnded, now)) {
    spdlog::warn("event=token_ended from={} token={} reason=\"it was revoked or has expired\"", from_, ended->name);
  }
  ignore_input();
  return true;
}

Session::Begun Session::take_outstanding() {
  return std::exchange(begun_, {});
}

Session::Events Session::write_events(area::Slice& slice) {
  if (!caller_.watcher) return Events::Written;
  const std::size_t held = replies_.bytes();
  if (held >= kMaxEventBytes) return Events::Blocked;
  const bool output_was_empty = output().empty();
  std::string& text = replies_.tail();
  watches::Output out{text, text.size() + kMaxEventBytes - held, slice, parts_.clock.now()};
  const bool has_more = caller_.watcher->write(out);
  if (output_was_empty) last_sent_ = parts_.clock.now().steady;
  count_memory();
  return has_more ? Events::Waiting : Events::Written;
}

// Appends the END lines. Nothing more is written for the watches.
void Session::end_watches(watches::EndReason reason) {
  if (!caller_.watcher) return;
  const bool output_was_empty = output().empty();
  caller_.watcher->end_all(reason, replies_.tail());
  caller_.watcher.reset();
  if (output_was_empty) last_sent_ = parts_.clock.now().steady;
  count_memory();
}

void Session::sent(std::size_t count) {
  replies_.sent(count);
  last_sent_ = parts_.clock.now().steady;
  if (lines_wait_) {
    handle_lines();
  }
  count_memory();
}

bool Session::wants_bytes() const {
  return input_ == Input::Open && !lines_wait_;
}

Session::Ending Session::ending() const {
  if (lines_wait_ || token_refused_at_ || replies_.pending() > 0 || replies_.waiting_iterations() > 0 ||
      !output().empty() || is_watching()) {
    return Ending::NotYet;
  }
  switch (input_) {
    case Input::Open:
    case Input::Ended:
      return Ending::NotYet;
    case Input::Done:
      return Ending::Close;
    case Input::Ignored:
    case Input::Finished:
      return Ending::HalfClose;
  }
  protocol::unreachable();
}

bool Session::is_overdue() const {
  const auto& timeout = parts_.config.idle_timeout;
  if (!output().empty()) {
    return parts_.clock.now().steady - last_sent_ >= timeout;
  }
  return !is_watching() && replies_.pending() == 0 && replies_.waiting_iterations() == 0 && !token_refused_at_ &&
         parts_.clock.now().steady - last_active() >= timeout;
}

// Executes the complete lines until the session is full.
void Session::handle_lines() {
  const bool output_was_empty = output().empty();
  lines_wait_ = false;
  if (end_if_revoked()) return;
  replies_.new_iteration();
  while (input_ != Input::Ignored && !lines_wait_) {
    if (is_full()) {
      lines_.hold();
      lines_wait_ = true;
      break;
    }
    Lines lines;
    read_ahead(lines);
    if (lines.size() >= kLinesExpected) {
      parts_.commands.prefetch(lines);
    }
    for (const Line& line : lines) execute(line);
    if (lines.size() == 0) {
      handle_end_of_chunk();
      break;
    }
    has_line_ = true;
  }
  if (output_was_empty) {
    last_sent_ = parts_.clock.now().steady;
  }
}

// Parses up to kLinesAhead lines before the first of them is executed, so that Commands::prefetch() can load their
// clients' records into the processor's cache. Stops after any line but an IAMAT, because a lookup may fill the
// session, and after a line that the next call of next() would overwrite.
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
    has_line_ = true;
    if (const auto text = lines_.last_line()) {
      execute(Line(*text, from_, spdlog::should_log(spdlog::level::debug)));
    }
    if (caller_.watcher) caller_.watcher->finish();
  }
  if (lines_.state() == LineBuffer::State::TooLong) {
    refuse_line();
  }
}

// The commands of which the session executes a part are few, and are found without a visit: this is the path of every
// IAMAT.
void Session::execute(const Line& line) {
  const protocol::Command& command = line.command;
  if (std::holds_alternative<protocol::HttpLine>(command)) {
    refuse_http(line);
    return;
  }
  if (std::holds_alternative<protocol::Auth>(command) && caller_.access.is_on()) {
    authenticate(std::get<protocol::Auth>(command));
    replies_.count_command(last_received_);
    return;
  }
  Outstanding outstanding = parts_.commands.execute(line, caller_, replies_);
  if (const auto* lookup = std::get_if<Lookup>(&outstanding)) begun_.lookups.push_back(*lookup);
  if (auto* query = std::get_if<PendingQuery>(&outstanding)) begun_.queries.push_back(std::move(*query));
  if (!std::holds_alternative<protocol::BlankLine>(command)) replies_.count_command(last_received_);
  if (std::holds_alternative<protocol::Quit>(command) && !parts_.commands.are_seed_only()) ignore_input();
}

// A right token is answered at once, a wrong one after a delay.
void Session::authenticate(const protocol::Auth& auth) {
  const protocol::Now& now = parts_.clock.now();
  const Access::Answer answer = caller_.access.authenticate(auth.token, now);
  parts_.figures.counts.count(auth, {},
                              answer == Access::Answer::Right ? CommandResult::Answered : CommandResult::Refused);
  switch (answer) {
    case Access::Answer::Right:
      accept_token();
      return;
    case Access::Answer::NotNow:
      caller_.refusal = "this connection needs no token, or has one: AUTH comes once, before all other commands";
      protocol::append_unknown(replies_.tail(), kAuthRefused);
      return;
    case Access::Answer::Wrong:
      caller_.refusal = "the token is unknown, revoked or expired: " HERD_COMMAND " token list shows the tokens";
      break;
    case Access::Answer::Unchecked:
      caller_.refusal = "too many wrong tokens came from this address: try again after some seconds";
      break;
  }
  ++wrong_tokens_;
  token_refused_at_ = now.steady + kAuthDelay;
  if (parts_.warnings.allows(ClientWarning::AuthRefused, now)) {
    spdlog::warn("event=auth_refused from={} tries={} reason=\"{}\"", from_, wrong_tokens_, caller_.refusal);
  }
}

void Session::accept_token() {
  const Token& token = *caller_.access.token();
  fmt::format_to(std::back_inserter(replies_.tail()), "OK {} tell={} see={} level={}\n", token.name, token.tell.text(),
                 token.see.text(), text_of(token.level));
  if (parts_.warnings.allows(ClientWarning::AuthAccepted, parts_.clock.now())) {
    spdlog::info("event=auth_accepted from={} token={}", from_, token.name);
  }
}

void Session::refuse_token() {
  token_refused_at_.reset();
  const bool output_was_empty = output().empty();
  protocol::append_unknown(replies_.tail(), kAuthRefused);
  if (output_was_empty) last_sent_ = parts_.clock.now().steady;
  if (wrong_tokens_ >= kMaxAuthTries) {
    ignore_input();
  } else {
    handle_lines();
  }
  count_memory();
}

// Reads no more lines. The replies that are due are still sent.
// Watches end without an END line.
void Session::ignore_input() {
  input_ = Input::Ignored;
  caller_.watcher.reset();
  lines_wait_ = false;
  lines_.close();
}

void Session::refuse_line() {
  input_ = Input::Ignored;
  caller_.watcher.reset();
  ++parts_.counters.lines_too_long;
  const std::string_view head = lines_.too_long_head();
  const bool is_token = protocol::is_secret(head) && caller_.access.is_on();
  protocol::append_unknown(replies_.tail(), is_token ? kAuthRefused : head);
  if (parts_.warnings.allows(ClientWarning::LineTooLong, parts_.clock.now())) {
    spdlog::warn("event=line_too_long from={} max_line_bytes={} head={}", from_, parts_.config.max_line_bytes,
                 text_for_log(head, caller_.access));
  }
}

// A web page can make a browser send any lines after a request line, so later lines are not executed.
void Session::refuse_http(const Line& line) {
  ++parts_.counters.http_lines;
  replies_.tail().append(parts_.http_answer);
  if (parts_.warnings.allows(ClientWarning::HttpLine, parts_.clock.now())) {
    spdlog::warn("event=http_line from={} reason=\"this port does not speak HTTP\" text={}", from_,
                 text_for_log(line.text, caller_.access));
  }
  ignore_input();
}

// A full session continues when some of its output, lookups or unacknowledged reads are done. That always happens:
// everything counted here is sent, answered by a lookup, or acknowledged, or its connection is closed.
bool Session::is_full() {
  const std::size_t limit = parts_.memory.limit();
  const bool is_scarce = limit < kMaxOutputBytes;
  const std::size_t held = replies_.bytes() + (is_scarce ? replies_.pending() * kLookupBytes : 0);
  const bool was_full = std::exchange(output_full_, held > (output_full_ ? limit / 2 : limit));
  if (output_full_ && !was_full && is_scarce) report_held(held);
  return output_full_ || token_refused_at_ || replies_.pending() >= kMaxPendingLookups ||
         replies_.waiting_iterations() >= kMaxWaitingIterations;
}

void Session::report_held(std::size_t held) {
  ++parts_.counters.clients_output_held;
  if (parts_.warnings.allows(ClientWarning::OutputHeld, parts_.clock.now())) {
    spdlog::warn("event=clients_output_held from={} bytes={} all_bytes={} reason=\"clients do not read their replies\"",
                 from_, held, parts_.memory.total());
  }
}

void Session::count_memory() {
  const std::size_t waiting_input = lines_wait_ ? lines_.held_bytes() : 0;
  parts_.memory.change(counted_, replies_.memory() + replies_.pending() * kLookupBytes + waiting_input);
}

}  // namespace herd::node
