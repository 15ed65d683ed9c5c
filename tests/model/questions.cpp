#include "tests/model/questions.hpp"

#include <algorithm>
#include <limits>
#include <optional>
#include <type_traits>

#include "node/area/query.hpp"
#include "protocol/command.hpp"
#include "protocol/overloaded.hpp"
#include "tests/model/fault.hpp"
#include "tests/model/query_model.hpp"

namespace herd::model {

namespace {

using node::area::Query;

std::vector<Record> values(const Records& records) {
  std::vector<Record> all;
  for (const auto& [client, record] : records) all.push_back(record);
  return all;
}

void follow(ModelNode& node) {
  node.follow(std::numeric_limits<std::uint64_t>::max());
}

// The question of a command that asks for an area; nullopt for any other line.
std::optional<Query::Asked> asked(const protocol::Command& command) {
  return std::visit(
      [](const auto& value) -> std::optional<Query::Asked> {
        using Value = std::decay_t<decltype(value)>;
        if constexpr (std::is_constructible_v<Query::Asked, const Value&>) {
          return Query::Asked(value);
        } else {
          return std::nullopt;
        }
      },
      command);
}

}  // namespace

bool sees(std::string_view prefix, std::string_view client) {
  return client.starts_with(prefix);
}

Records visible(const Records& records, std::string_view prefix) {
  Records seen(records);
  std::erase_if(seen, [&](const auto& each) { return !sees(prefix, each.first); });
  return seen;
}

std::string Questions::centre() {
  if (parts_.random.chance(0.5)) return parts_.terrain.spot();
  return parts_.clients[parts_.random.below(parts_.clients.size())];
}

std::string Questions::match() {
  if (!parts_.random.chance(0.2)) return "";
  const std::string& client = parts_.clients[parts_.random.below(parts_.clients.size())];
  return " match=" + client.substr(0, parts_.random.below(client.size() + 1)) + '*';
}

std::string Questions::command() {
  const bool counts = parts_.random.chance(0.3);
  std::string text = counts ? "COUNT " : "";
  if (parts_.random.chance(0.6)) {
    text += "NEAR " + centre() + ' ' + parts_.terrain.km();
  } else {
    const auto [south_west, north_east] = parts_.terrain.box();
    text += "WITHIN " + south_west + ' ' + north_east;
  }
  if (!counts) text += ' ' + std::to_string(parts_.random.below(parts_.random.chance(0.7) ? 6 : 1001));
  text += match();
  // Reports are at most some hundred seconds old.
  if (parts_.random.chance(0.1)) text += " newer=" + std::to_string(parts_.random.below(200));
  return text;
}

std::string Questions::answer(ModelNode& node, const std::string& command, const std::string& prefix, Nanoseconds now,
                              const std::function<void()>& pause) {
  const std::string refusal = "? " + command + "\n";
  const std::optional<Query::Asked> question = asked(protocol::parse_command(command));
  if (!question) return refusal;
  node::area::Visible sight;
  if (!prefix.empty()) sight = [prefix](std::string_view client) { return sees(prefix, client); };
  Query query({node.store(), node.index()}, *question, sight);
  if (query.begin(now) == Query::Begun::Refused) {
    demand(!query.reason().empty(), "no reason for a refusal: " + command);
    return refusal;
  }
  for (;;) {
    Steps slice(1 + parts_.random.below(parts_.random.chance(0.5) ? 3 : 100));
    if (query.run(slice)) return query.take_answer();
    pause();
  }
}

std::string Questions::ask_still(ModelNode& node, ModelNode& twin, Nanoseconds now) {
  follow(node);
  follow(twin);
  node.index().tree().check_invariants();
  const std::string prefix = parts_.random.chance(0.1) ? parts_.clients[0].substr(0, 1) : "";
  const std::vector<Record> records = values(visible(node.records(), prefix));
  const QueryModel model(records, now);
  const std::string first = command();
  std::vector<std::string> listed;
  std::string after;
  for (int page = 0; page < 8; ++page) {
    const std::string text = first + after;
    const std::string right = answer(node, text, prefix, now, [] {});
    try {
      model.check(text, right, listed);
      demand(answer(twin, text, prefix, now, [] {}) == right, "two nodes with equal stores differ");
    } catch (const Fault& fault) {
      throw Fault(std::string(fault.what()) + " | " + node.name() + " was asked: " + text + " | and answered:\n" +
                  right);
    }
    const std::vector<std::string> lines = lines_of(right);
    const std::vector<std::string> end = words_of(lines.back());
    if (end[0] != "END" || end.size() < 3) break;
    const std::size_t start = first.starts_with("NEAR") && lines[0].starts_with("AT ") ? 1 : 0;
    listed.insert(listed.end(), lines.begin() + static_cast<std::ptrdiff_t>(start), lines.end() - 1);
    after = " after=" + end[2];
    if (page == 0 && prefix.empty()) refuse_bad_cursors(node, first, end[2], now);
  }
  return first;
}

// A cursor that was changed, or that belongs to another question, is refused.
void Questions::refuse_bad_cursors(ModelNode& node, const std::string& command, const std::string& cursor,
                                   Nanoseconds now) {
  std::string changed = cursor;
  char& byte = changed[parts_.random.below(changed.size())];
  byte = byte == 'A' ? 'B' : 'A';
  const std::string other = command.substr(0, command.find(" match=")) + " match=~*";
  for (const std::string& text : {command + " after=" + changed, other + " after=" + cursor}) {
    demand(answer(node, text, "", now, [] {}) == "? " + text + "\n", "a bad cursor is not refused: " + text);
  }
}

std::string Questions::ask_moving(ModelNode& node, Nanoseconds now, const std::function<std::string()>& change) {
  follow(node);
  std::vector<Record> records = values(node.records());
  const std::string text = command();
  const std::string answered = answer(node, text, "", now, [&] {
    if (const std::string client = change(); !client.empty()) {
      const Record& record = node.records().at(client);
      records.push_back(record);
      const bool is_new =
          std::count_if(records.begin(), records.end(), [&](const Record& each) { return each.client == client; }) == 1;
      if (is_new) records.push_back(record);  // a client that was not there is one that changes
    }
    if (parts_.random.chance(0.7)) follow(node);
  });
  try {
    QueryModel(records, now).check(text, answered);
  } catch (const Fault& fault) {
    throw Fault(std::string(fault.what()) + " | while clients moved, " + node.name() + " was asked: " + text +
                " | and answered:\n" + answered);
  }
  follow(node);
  return text;
}

}  // namespace herd::model
