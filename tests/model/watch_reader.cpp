#include "tests/model/watch_reader.hpp"

#include <algorithm>

#include "tests/model/fault.hpp"

namespace herd::model {

namespace {

// Whether the answer to this command has several lines, which END ends.
bool has_end(std::string_view name) {
  return name == "NEAR" || name == "WITHIN" || name == "HELP";
}

}  // namespace

void WatchReader::sent(std::string_view command, std::optional<WatchView> earlier) {
  due_.push_back({std::string(command), std::move(earlier)});
}

const WatchView* WatchReader::view(const std::string& tag) const {
  const auto found = views_.find(tag);
  return found == views_.end() ? nullptr : &found->second;
}

WatchView* WatchReader::view(const std::string& tag) {
  const auto found = views_.find(tag);
  return found == views_.end() ? nullptr : &found->second;
}

void WatchReader::read(std::string_view line, Nanoseconds clock) {
  if (line.starts_with("! ")) {
    read_event(line, clock);
  } else {
    read_answer(line, clock);
  }
}

void WatchReader::read_event(std::string_view line, Nanoseconds clock) {
  demand(answer_.empty(), "a push inside an answer: " + std::string(line));
  const std::vector<std::string> words = words_of(line);
  demand(words.size() >= 4, "not an event: " + std::string(line));
  const std::string& tag = words[1];
  WatchView* const found = view(tag);
  demand(found != nullptr, "an event of a watch that did not begin: " + std::string(line));
  // The event of this connection's own report follows the reply.
  if (const std::size_t at = line.find(" AT "); at != line.npos) {
    const std::vector<std::string> fields = words_of(line.substr(at + 1));
    demand(fields.size() == 6, "not an AT line: " + std::string(line));
    const std::string report = "IAMAT " + fields[3] + ' ' + fields[4] + ' ' + fields[5];
    for (const Due& due : due_) {
      demand(due.command != report, "the event precedes the reply to the report: " + std::string(line));
    }
  }
  found->read(line.substr(3 + tag.size()), clock);
  if (found->phase() == WatchView::Phase::Ended && found->end_reason() == "unwatched") {
    demand(!due_.empty() && due_.front().command == "UNWATCH " + tag,
           "END unwatched is not in the order of the replies: " + std::string(line));
    due_.pop_front();
  }
}

void WatchReader::read_answer(std::string_view line, Nanoseconds clock) {
  demand(!due_.empty(), "an answer without a command: " + std::string(line));
  const Due& due = due_.front();
  const std::string name = words_of(due.command)[0];
  const bool refused = answer_.empty() && line.starts_with("? ");
  demand(!refused || line.substr(2) == due.command, "a refusal of another line: " + std::string(line));
  if (!refused) {
    demand(name != "UNWATCH", "UNWATCH is answered by: " + std::string(line));
    demand(name != "WATCH" || line.starts_with("WATCHING "), "WATCH is answered by: " + std::string(line));
    if (name == "WATCH") begin_watch(due, line, clock);
  }
  answer_.append(line) += '\n';
  if (!refused && has_end(name) && !line.starts_with("END ")) return;
  last_answer_ = std::exchange(answer_, {});
  due_.pop_front();
}

void WatchReader::begin_watch(const Due& due, std::string_view line, Nanoseconds clock) {
  const std::vector<std::string> words = words_of(line);
  const WatchCommand command = watch_of(due.command);
  demand(words.size() == 4 && words[1] == command.tag && (words[3] == "new" || words[3] == "resumed"),
         "not a WATCHING of this watch: " + std::string(line));
  const WatchView* const former = view(command.tag);
  demand(former == nullptr || former->phase() == WatchView::Phase::Ended, "the tag is in use: " + std::string(line));
  WatchView fresh(command, epoch_of_, words[2], clock);
  if (words[3] == "resumed") {
    demand(due.earlier.has_value(), "resumed without from=: " + std::string(line));
    fresh.resume(*due.earlier);
  }
  views_.insert_or_assign(command.tag, std::move(fresh));
}

}  // namespace herd::model
