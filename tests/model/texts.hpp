// The texts of the model: records, commands and lines, read by the model's own code. For tests only.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "protocol/clock.hpp"
#include "tests/model/globe.hpp"

namespace herd::model {

using protocol::Nanoseconds;

// The age of a report: events of one client never descend in it.
using Age = std::pair<std::uint32_t, Nanoseconds>;  // epoch, time

// The record of a client at one node.
struct Record {
  std::string client;
  std::string coordinates;  // empty: the client was reset and has not reported since
  Nanoseconds time{};
  std::uint32_t epoch = 0;
  std::string at;  // its AT line, without LF
  [[nodiscard]] bool is_reset() const { return coordinates.empty(); }
  [[nodiscard]] Age age() const { return {epoch, time}; }
};

// The fields of an AT line.
struct At {
  std::string line;
  std::string client;
  std::string coordinates;
  Nanoseconds time{};
  Point point;
};

// Words separated by single spaces; all bytes count.
[[nodiscard]] std::vector<std::string> words_of(std::string_view line);
[[nodiscard]] std::vector<std::string> lines_of(std::string_view text);

// These throw Fault if the text does not have its form.
[[nodiscard]] At at_of(std::string_view line);
[[nodiscard]] std::uint64_t number_of(std::string_view digits);
[[nodiscard]] Nanoseconds seconds_of(std::string_view text);     // up to 10 digits, up to 9 fraction digits
[[nodiscard]] std::int64_t millimetres_of(std::string_view km);  // rounded half up

// A circle of a command. The centre is a client, or a point if `client` is empty.
struct Circle {
  std::string client{};
  Point centre{};
  std::int64_t radius = 0;  // millimetres
};

// A line `<name> <operands> <name=value>…`.
struct Command {
  std::vector<std::string> operands;  // the name first
  std::map<std::string, std::string> options;
  [[nodiscard]] std::string option(const std::string& name) const;  // empty: not set
};
// `first_option`: the number of words that are no options.
[[nodiscard]] Command command_of(std::string_view line, std::size_t first_option);
[[nodiscard]] Circle circle_of(std::string_view centre, std::string_view km);
// `match=` without its `*`.
[[nodiscard]] std::string prefix_of(const Command& command);

// A WATCH command.
struct WatchCommand {
  enum class Kind : std::uint8_t { Client, Prefix, Circle, Box, All };
  std::string text{};  // the line
  Kind kind = Kind::All;
  std::string tag{};
  std::string client{};  // Kind::Client, and the prefix of Kind::Prefix
  Circle circle{};
  Box box{};
  std::string match{};  // a prefix; empty: every client
  std::int64_t slack = 0;
  Nanoseconds dwell{};
  Nanoseconds every{};
  Nanoseconds beat{};
  std::string from_feed{};  // empty: does not resume
  std::uint64_t from_number = 0;

  // Whether the client's id can be that of a member.
  [[nodiscard]] bool admits(std::string_view id) const;
};
[[nodiscard]] WatchCommand watch_of(std::string_view line);

}  // namespace herd::model
