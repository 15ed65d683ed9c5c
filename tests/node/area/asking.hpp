// A store with its index, and the answers to lines of a client from them.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "node/area/query.hpp"
#include "protocol/command.hpp"
#include "protocol/time_text.hpp"
#include "tests/bus/sample_update.hpp"
#include "tests/catch.hpp"

namespace herd::node::area {

using namespace std::chrono_literals;

class Endless final : public Slice {
 public:
  bool is_over() override { return false; }
};
class Over final : public Slice {
 public:
  bool is_over() override { return true; }
};

inline Query::Asked asked(const protocol::Command& command) {
  if (const auto* near = std::get_if<protocol::Near>(&command)) return *near;
  if (const auto* within = std::get_if<protocol::Within>(&command)) return *within;
  return std::get<protocol::Count>(command);
}

inline std::vector<std::string> lines_of(const std::string& answer) {
  std::vector<std::string> lines;
  std::istringstream stream(answer);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

// The cursor in the END line of an answer; empty if there is none.
inline std::string cursor_in(const std::string& answer) {
  std::istringstream end(lines_of(answer).back());
  std::string word;
  std::string count;
  std::string cursor;
  end >> word >> count >> cursor;
  CHECK(word == "END");
  CHECK(count == std::to_string(lines_of(answer).size() - 1));
  return cursor;
}

// A store, its index, and the answers from them.
class Asking {
 public:
  Asking() { index_.start(); }

  void put(const std::string& client, const std::string& coordinates, const std::string& time = "5") {
    protocol::Update update = bus::sample_update(client, ++number_);
    update.coordinates = coordinates;
    update.time_text = time;
    update.time = *protocol::parse_time(time);
    update.epoch = epochs_[client];
    (void)store_.merge(update, bus::kFromClient);
  }
  void reset(const std::string& client) {
    protocol::Update update = bus::sample_update(client, ++number_);
    update.coordinates = "";
    update.time_text = bus::kResetTime;
    update.time = 0ns;
    update.epoch = ++epochs_[client];
    (void)store_.merge(update, bus::kFromClient);
  }

  // Only these clients are hidden from the caller.
  void hide(const std::set<std::string>& clients) {
    visible_ = [clients](std::string_view client) { return clients.count(std::string(client)) == 0; };
  }
  void set_wall(protocol::Nanoseconds wall) { wall_ = wall; }

  void follow() {
    Endless slice;
    while (!index_.is_current()) index_.follow(slice, {});
  }

  // The answer to a line, or `? ` and the reason.
  std::string answer(const std::string& line) {
    Endless slice;
    return answer(line, slice, [] {});
  }
  // The same in slices; `between()` is called between two of them.
  template <typename Between>
  std::string answer(const std::string& line, Slice& slice, Between between) {
    INFO(line);
    follow();
    std::optional<Query> query;
    {
      // The query must not refer to the line after this block.
      std::string text = line;
      query.emplace(Query::Parts{store_, index_}, asked(protocol::parse_command(text)), visible_);
      text.assign(text.size(), '#');
    }
    if (query->begin(wall_) == Query::Begun::Refused) return "? " + std::string(query->reason());
    while (!query->run(slice)) between();
    return query->take_answer();
  }

 private:
  bus::Store store_{1};
  AreaIndex index_{store_};
  std::map<std::string, std::uint32_t> epochs_;
  std::uint64_t number_ = 0;
  Visible visible_;
  protocol::Nanoseconds wall_ = 100s;
};

inline std::string at_line(const std::string& client, const std::string& coordinates, const std::string& time = "5") {
  return "AT Hill +0.000000001 " + client + " " + coordinates + " " + time + "\n";
}

// All pages of a query, without END lines; `first` lines of each page are not about members.
inline std::string pages(Asking& asking, const std::string& line, const std::string& options, std::size_t first,
                         int max) {
  std::string all;
  std::string cursor;
  for (int page = 0; page < 10'000; ++page) {
    const std::string after = cursor.empty() ? "" : " after=" + cursor;
    const std::string answer = asking.answer(line + " " + std::to_string(max) + options + after);
    cursor = cursor_in(answer);
    const auto lines = lines_of(answer);
    for (std::size_t i = page == 0 ? 0 : first; i + 1 < lines.size(); ++i) all += lines[i] + "\n";
    if (cursor.empty()) return all;
  }
  FAIL("the pages do not end");
  return all;
}

// Puts clients in a town, many of them at the same points, and one far away. Returns their ids.
inline std::vector<std::string> fill_town(Asking& asking, int clients) {
  std::mt19937_64 random(7);
  std::vector<std::string> ids{"far"};
  for (int i = 0; i < clients; ++i) {
    ids.push_back((i % 3 == 0 ? "bus-" : "car-") + std::to_string(random() % 100'000));
    const auto offset = [&] { return std::to_string(100 + random() % 12); };
    asking.put(ids.back(), "+48." + offset() + "+011." + offset(), std::to_string(random() % 90));
  }
  asking.put("far", "-48+11");
  return ids;
}

}  // namespace herd::node::area
