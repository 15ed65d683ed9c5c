#include "tests/model/texts.hpp"

#include "tests/model/fault.hpp"

namespace herd::model {

namespace {

bool is_digits(std::string_view text, std::size_t most) {
  return !text.empty() && text.size() <= most && text.find_first_not_of("0123456789") == text.npos;
}

// A decimal number of up to `most` digits on either side, in units of 1e-9.
std::int64_t billionths_of(std::string_view text, std::size_t most) {
  const std::size_t point = text.find('.');
  const std::string_view whole = text.substr(0, point);
  std::string fraction(point == text.npos ? "0" : text.substr(point + 1));
  demand(is_digits(whole, most) && is_digits(fraction, 9), "not a number: " + std::string(text));
  fraction.resize(9, '0');
  return std::stoll(std::string(whole)) * 1'000'000'000 + std::stoll(fraction);
}

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  for (;;) {
    const std::size_t end = text.find(separator);
    parts.emplace_back(text.substr(0, end));
    if (end == text.npos) return parts;
    text.remove_prefix(end + 1);
  }
}

}  // namespace

std::vector<std::string> words_of(std::string_view line) {
  return split(line, ' ');
}

std::vector<std::string> lines_of(std::string_view text) {
  if (text.empty()) return {};
  demand(text.back() == '\n', "the last line has no LF: " + std::string(text));
  return split(text.substr(0, text.size() - 1), '\n');
}

At at_of(std::string_view line) {
  const std::vector<std::string> words = words_of(line);
  demand(words.size() == 6 && words[0] == "AT", "not an AT line: " + std::string(line));
  const std::string& difference = words[2];
  demand(difference.size() > 11 && (difference[0] == '+' || difference[0] == '-') &&
             difference[difference.size() - 10] == '.',
         "not a difference: " + difference);
  return {std::string(line), words[3], words[4], seconds_of(words[5]), point_of(words[4])};
}

std::uint64_t number_of(std::string_view digits) {
  demand(is_digits(digits, 20) && (digits.size() == 1 || digits[0] != '0'), "not a number: " + std::string(digits));
  return std::stoull(std::string(digits));
}

Nanoseconds seconds_of(std::string_view text) {
  return Nanoseconds(billionths_of(text, 10));
}

std::int64_t millimetres_of(std::string_view km) {
  return (billionths_of(km, 9) + 500) / 1000;
}

std::string Command::option(const std::string& name) const {
  const auto found = options.find(name);
  return found == options.end() ? std::string() : found->second;
}

Command command_of(std::string_view line, std::size_t first_option) {
  Command command;
  for (const std::string& word : words_of(line)) {
    if (command.operands.size() < first_option) {
      command.operands.push_back(word);
      continue;
    }
    const std::size_t equals = word.find('=');
    demand(equals != word.npos && command.options.emplace(word.substr(0, equals), word.substr(equals + 1)).second,
           "not an option, or a repeated one: " + word);
  }
  demand(command.operands.size() == first_option, "operands are missing: " + std::string(line));
  return command;
}

Circle circle_of(std::string_view centre, std::string_view km) {
  Circle circle{.radius = millimetres_of(km)};
  if (is_coordinates(centre)) {
    circle.centre = point_of(centre);
  } else {
    circle.client = centre;
  }
  return circle;
}

std::string prefix_of(const Command& command) {
  std::string prefix = command.option("match");
  if (prefix.empty()) return prefix;
  demand(prefix.back() == '*', "match= does not end with *: " + prefix);
  prefix.pop_back();
  return prefix;
}

bool WatchCommand::admits(std::string_view id) const {
  if (kind == Kind::Client) return id == client;
  if (kind == Kind::Prefix) return id.starts_with(client);
  if (kind == Kind::Circle && id == circle.client) return false;
  return id.starts_with(match);
}

WatchCommand watch_of(std::string_view line) {
  const std::vector<std::string> words = words_of(line);
  demand(words.size() >= 3 && words[0] == "WATCH", "not a WATCH: " + std::string(line));
  const std::string& what = words[2];
  const Command command = command_of(line, what == "ALL" ? 3 : what == "CLIENT" ? 4 : 5);
  WatchCommand watch{.text = std::string(line), .tag = words[1]};
  if (what == "CLIENT") {
    watch.client = command.operands[3];
    watch.kind = watch.client.ends_with('*') ? WatchCommand::Kind::Prefix : WatchCommand::Kind::Client;
    if (watch.kind == WatchCommand::Kind::Prefix) watch.client.pop_back();
  } else if (what == "NEAR") {
    watch.kind = WatchCommand::Kind::Circle;
    watch.circle = circle_of(command.operands[3], command.operands[4]);
  } else if (what == "WITHIN") {
    watch.kind = WatchCommand::Kind::Box;
    watch.box = {point_of(command.operands[3]), point_of(command.operands[4])};
  } else {
    demand(what == "ALL", "not a WATCH: " + std::string(line));
  }
  const auto seconds = [&](const char* name) {
    const std::string text = command.option(name);
    return text.empty() ? Nanoseconds{} : seconds_of(text);
  };
  watch.match = prefix_of(command);
  watch.slack = command.options.contains("slack") ? millimetres_of(command.option("slack")) : 0;
  watch.dwell = seconds("dwell");
  watch.every = seconds("every");
  watch.beat = seconds("beat");
  if (const std::string from = command.option("from"); !from.empty()) {
    watch.from_feed = from.substr(0, from.find(':'));
    watch.from_number = number_of(from.substr(from.find(':') + 1));
  }
  return watch;
}

}  // namespace herd::model
