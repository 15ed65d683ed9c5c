#include "tests/model/connection.hpp"

#include <algorithm>
#include <variant>

#include "protocol/command.hpp"
#include "tests/model/fault.hpp"
#include "tests/model/questions.hpp"

namespace herd::model {

namespace {

constexpr Nanoseconds kNever = Nanoseconds::max();

std::string feed_text(std::uint64_t feed_id) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (int shift = 60; shift >= 0; shift -= 4) text += kDigits[feed_id >> shift & 15];
  return text;
}

node::watches::Sight sight_of(const std::string& prefix) {
  node::watches::Sight sight;
  if (!prefix.empty()) sight.sees = [prefix](std::string_view client) { return sees(prefix, client); };
  return sight;
}

}  // namespace

Connection::Connection(const Place& place, Options options, EpochOf epoch_of)
    : node_(place.node),
      options_(std::move(options)),
      reader_(std::move(epoch_of)),
      watcher_(place.registry, sight_of(options_.sees), options_.key) {}

// The answer that the page demands.
Connection::Expected Connection::expected(const WatchCommand& command, const Records& records) const {
  if (open_tags_.contains(command.tag)) return Expected::Refused;
  const std::string& centre = command.circle.client;
  if (!centre.empty() && (!records.contains(centre) || records.at(centre).is_reset())) return Expected::Refused;
  const bool is_given_out = command.from_number > 0 && command.from_number >= node_.oldest() &&
                            command.from_number <= node_.store().feed().tail();
  const bool same_centre = centre.empty() || node_.store().number_of(centre) <= command.from_number;
  return command.from_feed == feed_text(node_.feed_id()) && is_given_out && same_centre ? Expected::Resumed
                                                                                        : Expected::New;
}

std::string Connection::watch(const Sent& sent, protocol::Now now) {
  const std::string& text = sent.command;
  const WatchCommand command = watch_of(text);
  const Records records = visible(node_.records(), options_.sees);
  Expected right = expected(command, records);
  was_refused_by_limit_ = sent.is_full && right != Expected::Refused;
  if (was_refused_by_limit_) right = Expected::Refused;
  reader_.sent(text, sent.earlier);
  std::string answer = "? " + text + "\n";
  const protocol::Command parsed = protocol::parse_command(text);
  const auto* const watch = std::get_if<protocol::Watch>(&parsed);
  demand(watch != nullptr, "refused by the parser: " + text);
  const auto result = watcher_.watch(*watch, now);
  if (const auto* accepted = std::get_if<node::watches::Watcher::Accepted>(&result)) {
    answer = accepted->line;
    open_tags_.insert(command.tag);
    const auto is_of_tag = [&](const Line& line) { return line.text.starts_with("! " + command.tag + ' '); };
    unmoved_.erase(command.tag);
    if (std::none_of(lines_.begin(), lines_.end(), is_of_tag)) unmoved_.insert(command.tag);
    judges_.erase(command.tag);
    judges_.emplace(command.tag, WatchJudge(command, records, now.wall));
  }
  output_ += answer;
  take_lines(now.wall);
  const bool is_refused = answer.starts_with("? ");
  demand(is_refused == (right == Expected::Refused), "wrongly accepted or refused: " + text + " | " + answer);
  const bool is_resumed = answer.ends_with(" resumed\n");
  demand(is_refused || is_resumed == (right == Expected::Resumed), "wrongly resumed, or not: " + text + " | " + answer);
  quiet_until_.reset();
  return answer;
}

void Connection::unwatch(const std::string& tag, protocol::Now now) {
  reader_.sent("UNWATCH " + tag);
  const std::optional<std::string> answer = watcher_.unwatch(tag);
  output_ += answer ? *answer : "? UNWATCH " + tag + "\n";
  take_lines(now.wall);
  quiet_until_.reset();
}

void Connection::changed(const std::string& client, protocol::Now now) {
  quiet_until_.reset();
  if (!sees(options_.sees, client)) return;
  unmoved_.clear();
  for (auto& [tag, judge] : judges_) judge.changed(node_.records(), client, now.wall);
}

void Connection::take_lines(Nanoseconds clock) {
  for (const std::string& line : lines_of(std::string_view(output_).substr(split_))) {
    lines_.push_back({line, clock});
    const std::vector<std::string> words = words_of(line);
    if (words[0] != "!" || words.size() < 4) continue;
    if (words[3] == "END") open_tags_.erase(words[1]);
    if (words[3] != "ENTER" && words[3] != "LEAVE") continue;
    const auto at = std::find(words.begin(), words.end(), "AT");
    demand(words.end() - at > 3, "not an AT line: " + line);
    WatchJudge& judge = judges_.at(words[1]);
    if (words[3] == "ENTER") {
      judge.entered(at[3], clock);
    } else {
      judge.left(at[3]);
    }
  }
  split_ = output_.size();
}

void Connection::write(std::uint64_t steps, protocol::Now now) {
  if (!is_due_) return;
  Steps slice(steps);
  node::watches::Output out{.text = output_, .limit = options_.limit, .slice = slice, .now = now};
  const std::size_t before = output_.size();
  is_due_ = watcher_.write(out);
  const std::size_t last_line = output_.size() > 1 ? output_.rfind('\n', output_.size() - 2) + 1 : 0;
  demand(output_.size() == before || last_line < options_.limit || last_line <= before,
         "lines after the limit of the output");
  const bool is_quiet = quiet_until_ && now.steady < *quiet_until_;
  demand(!is_quiet || output_.size() == split_, "lines before next_due(), although nothing changed: " + output_);
  take_lines(now.wall);
  if (is_due_) return;
  for (auto& [tag, judge] : judges_) judge.followed(now.wall);
  quiet_until_ = watcher_.next_due().value_or(kNever);
  demand(*quiet_until_ > now.steady, "next_due() is over, but write() returned false");
}

void Connection::read(std::size_t lines) {
  for (; lines > 0 && !lines_.empty(); --lines) {
    const Line line = std::move(lines_.front());
    lines_.pop_front();
    output_.erase(0, line.text.size() + 1);
    split_ -= line.text.size() + 1;
    ++lines_read_;
    last_lines_.push_back(line.text);
    if (last_lines_.size() > 60) last_lines_.pop_front();
    const bool may_come = !is_ending_ || is_opening(line.text);
    demand(may_come, "a line after READY, although the input has ended: " + line.text);
    reader_.read(line.text, line.clock);
    if (!line.text.starts_with("! ")) continue;
    const WatchView& view = *reader_.view(words_of(line.text)[1]);
    demand(view.number() <= node_.store().feed().tail(), "a number that was not given out: " + line.text);
    check_resumed(view, words_of(line.text)[3] == "READY");
    const bool is_still = unmoved_.contains(view.command().tag);
    demand(!is_still || view.is_in_order(), "HERE lines are not nearest first: " + line.text);
  }
}

bool Connection::is_opening(const std::string& line) const {
  const std::vector<std::string> words = words_of(line);
  const WatchView* const view = words.size() > 1 ? reader_.view(words[1]) : nullptr;
  return view != nullptr && view->phase() == WatchView::Phase::Snapshot;
}

void Connection::stop(protocol::Now now) {
  const std::set<std::string> tags = open_tags_;
  watcher_.end_all(node::watches::EndReason::Stopping, output_);
  take_lines(now.wall);
  read(lines_.size());
  for (const std::string& tag : tags) {
    demand(reader_.view(tag)->end_reason() == "stopping", "the node stops, but the watch has another end: " + tag);
  }
}

void Connection::end_input() {
  demand(lines_.empty(), "lines that were not read");
  watcher_.finish();
  is_ending_ = is_due_ = true;
}

void Connection::judge_end() const {
  for (const auto& [tag, view] : reader_.views()) {
    demand(view.phase() != WatchView::Phase::Snapshot, "the input has ended, and the snapshot has no READY: " + tag);
  }
}

// When resuming, only clients that changed since come before READY, and those in the slack ring, which leave.
void Connection::check_resumed(const WatchView& view, bool is_ready) const {
  if (!view.was_resumed()) return;
  for (const At& at : is_ready ? view.members_in_ring() : std::vector<At>()) {
    demand(node_.records().at(at.client).at != at.line, "after a resume a member is in the slack ring: " + at.line);
  }
  if (view.phase() != WatchView::Phase::Snapshot || view.changed().empty()) return;
  const std::string& client = view.changed().back();
  const bool has_changed = node_.store().number_of(client) > view.command().from_number;
  const bool may_be_in_ring = view.command().slack > 0 && !view.members().contains(client);
  demand(has_changed || may_be_in_ring, "a client in the resumption that did not change since: " + client);
}

void Connection::judge(protocol::Now now) {
  demand(reader_.due() == 0, "a command was not answered");
  for (auto& [tag, judge] : judges_) {
    WatchView* const view = reader_.view(tag);
    demand(view != nullptr, "no watch: " + tag);
    if (view->phase() == WatchView::Phase::Ended) continue;
    judge.check(*view, now.wall);
    const Nanoseconds beat = view->command().beat;
    demand(beat == Nanoseconds{} || now.wall - view->last_line() < beat, "no TICK: watch " + tag);
  }
  watcher_.check_invariants();
}

}  // namespace herd::model
