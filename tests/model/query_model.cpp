#include "tests/model/query_model.hpp"

#include <algorithm>
#include <optional>

#include "tests/model/fault.hpp"

namespace herd::model {

// A command in parts.
struct QueryModel::Question {
  Command command;
  std::optional<Circle> circle{};  // else a box
  Box box{};
  std::string centre_at{};  // the AT line of a centre that is a client
  std::size_t max = 0;
};

// A client of the answer, with the least millimetres that its position in the list permits.
struct QueryModel::Listed {
  const Record* record;
  Range distance;
};

QueryModel::QueryModel(const std::vector<Record>& records, Nanoseconds now) : now_(now) {
  std::map<std::string_view, int> versions;
  for (const Record& record : records) is_still_ = ++versions[record.client] == 1 && is_still_;
  for (const Record& record : records) {
    if (record.is_reset()) continue;
    clients_.push_back({&record, point_of(record.coordinates), versions[record.client] > 1});
  }
}

const QueryModel::Client* QueryModel::find(std::string_view client) const {
  const auto is_it = [&](const Client& each) { return each.record->client == client; };
  const auto found = std::find_if(clients_.begin(), clients_.end(), is_it);
  return found == clients_.end() ? nullptr : &*found;
}

bool QueryModel::passes(const Client& client, const Command& command, std::string_view centre) const {
  if (!centre.empty() && client.record->client == centre) return false;
  if (!client.record->client.starts_with(prefix_of(command))) return false;
  const std::string newer = command.option("newer");
  return newer.empty() || now_ - client.record->time <= seconds_of(newer);
}

bool QueryModel::find_centre(Question& question) const {
  if (!question.circle || question.circle->client.empty()) return true;
  const Client* centre = find(question.circle->client);
  if (centre == nullptr) return false;
  question.circle->centre = centre->point;
  question.centre_at = centre->record->at;
  return true;
}

std::vector<QueryModel::Candidate> QueryModel::candidates(const Question& question) const {
  std::vector<Candidate> found;
  for (const Client& client : clients_) {
    if (!passes(client, question.command, question.circle ? question.circle->client : "")) continue;
    if (question.circle) {
      const Range range = distance(question.circle->centre, client.point);
      if (range.low <= question.circle->radius) found.push_back({client.record, client.point, range, client.changes});
    } else if (is_inside(client.point, question.box)) {
      found.push_back({client.record, client.point, {}, client.changes});
    }
  }
  return found;
}

void QueryModel::check(std::string_view text, std::string_view answer, const std::vector<std::string>& listed) const {
  const std::string refusal = "? " + std::string(text) + "\n";
  const std::vector<std::string> words = words_of(text);
  if (words[0] == "WHEREIS") {
    const Client* client = find(words.at(1));
    const std::string right = client == nullptr ? refusal : client->record->at + "\n";
    demand(answer == right, "WHEREIS: not the client's AT line: " + std::string(answer));
    return;
  }
  const bool counts = words[0] == "COUNT";
  Question question{.command = command_of(text, 4)};
  const std::vector<std::string>& operands = question.command.operands;
  const std::size_t first = counts ? 2 : 1;
  if (operands[first - 1] == "NEAR") {
    question.circle = circle_of(operands[first], operands[first + 1]);
  } else {
    question.box = {point_of(operands[first]), point_of(operands[first + 1])};
  }
  if (!find_centre(question)) {
    demand(answer == refusal, "the centre has no position, but: " + std::string(answer));
    return;
  }
  if (counts) {
    check_count(question, answer);
  } else {
    question.max = number_of(operands[3]);
    check_lines(question, lines_of(answer), listed);
  }
}

void QueryModel::check_count(const Question& question, std::string_view answer) const {
  const std::vector<std::string> lines = lines_of(answer);
  demand(lines.size() == 1 && lines[0].starts_with("COUNT "), "not a COUNT: " + std::string(answer));
  const std::uint64_t count = number_of(std::string_view(lines[0]).substr(6));
  const std::vector<Candidate> all = candidates(question);
  const auto surely = std::count_if(all.begin(), all.end(), [&](const Candidate& each) {
    return !each.changes && (!question.circle || each.distance.high <= question.circle->radius);
  });
  std::string list;
  for (const Candidate& each : all) {
    list += ' ' + each.record->client + ' ' + each.record->coordinates + ' ' + std::to_string(each.distance.low);
  }
  demand(count <= all.size() && count >= static_cast<std::uint64_t>(surely),
         "COUNT " + std::to_string(count) + ", but inside are:" + list);
}

// Reads one IS or AT line, and removes its client from `left`.
QueryModel::Listed QueryModel::take_line(const Question& question, const std::string& line,
                                         std::vector<Candidate>& left) const {
  const std::size_t start = question.circle ? line.find("AT ") : 0;
  demand(start != line.npos, "no AT line: " + line);
  const At at = at_of(std::string_view(line).substr(start));
  const auto found =
      std::find_if(left.begin(), left.end(), [&](const Candidate& each) { return each.record->at == at.line; });
  demand(found != left.end(), "not inside, a repeat, or not the client's AT line: " + line);
  const Candidate candidate = *found;
  std::erase_if(left, [&](const Candidate& each) { return each.record->client == at.client; });
  if (question.circle) {
    const std::vector<std::string> words = words_of(line.substr(0, start));
    demand(words.size() == 4 && words[0] == "IS" && is_km(words[1], candidate.distance), "wrong km: " + line);
    demand(is_bearing(words[2], question.circle->centre, candidate.point), "wrong bearing: " + line);
  }
  return {candidate.record, candidate.distance};
}

void QueryModel::check_lines(const Question& question, const std::vector<std::string>& answer,
                             const std::vector<std::string>& listed) const {
  demand(!answer.empty(), "no answer");
  std::size_t lines = answer.size() - 1;  // before END
  const std::vector<std::string> end = words_of(answer.back());
  demand(end[0] == "END" && (end.size() == 2 || end.size() == 3), "no END: " + answer.back());
  demand(number_of(end[1]) == lines, "END's count is not that of the lines: " + answer.back());
  const bool has_cursor = end.size() == 3;
  demand(!has_cursor || (!end[2].empty() && end[2].size() <= 400), "not a cursor: " + answer.back());
  std::size_t first = 0;
  if (!question.centre_at.empty()) {
    demand(lines > 0 && answer[0] == question.centre_at, "the first line is not the centre's AT line");
    first = 1;
  }
  std::vector<std::string> all(listed);
  all.insert(all.end(), answer.begin() + static_cast<std::ptrdiff_t>(first), answer.end() - 1);
  std::vector<Candidate> left = candidates(question);
  std::int64_t least = 0;  // the last line's distance cannot be less
  std::string_view last;
  for (const std::string& line : all) {
    const Listed next = take_line(question, line, left);
    const bool descends = next.distance.low < least || (next.distance.low == least && next.record->client <= last);
    if (question.circle && descends) {
      least = next.record->client <= last ? least + 1 : least;
      demand(least <= next.distance.high, "not in order: " + line);
    } else {
      least = next.distance.low;
    }
    last = next.record->client;
  }
  const std::size_t shown = lines - first;
  demand(shown <= question.max, "more lines than max");
  demand(!has_cursor || !is_still_ || shown == question.max, "a cursor, but fewer lines than max");
  demand(!has_cursor || !is_still_ || !left.empty(), "a cursor, but no more clients");
  for (const Candidate& missed : left) {
    if (missed.changes) continue;
    if (!question.circle) {
      demand(has_cursor, "a client is missing: " + missed.record->client);
      continue;
    }
    // The greatest place that it may have: a client that is surely before the last line must be listed.
    const std::int64_t most = missed.distance.high;
    const bool may_follow = most > least || (most == least && missed.record->client > last) || all.empty();
    const bool may_be_outside = most > question.circle->radius;
    demand(may_be_outside || (has_cursor && may_follow), "a client is missing: " + missed.record->client);
  }
}

}  // namespace herd::model
