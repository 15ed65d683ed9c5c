// A client that reads the events of one watch and keeps its members. It checks each line against the promises of
// docs/PROTOCOL.md, "Watching", that can be checked without the store. Times are whole seconds here, and rise also
// where a client is reset.
#pragma once

#include <cstdint>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "node/area/sphere.hpp"
#include "protocol/point.hpp"
#include "tests/catch.hpp"

namespace herd::node::watches {

class Reader {
 public:
  std::map<std::string, std::int64_t> members;  // with the time of the newest report that the reader knows
  std::uint64_t number = 0;                     // of the last event
  bool is_ready = false;
  std::string centre_coordinates;  // of a circle: where its centre is; CENTRE changes it
  std::vector<std::string> lines;  // the last ones, to explain a failure

  // A WATCHING line came: a resumed watch keeps the members.
  void begin(bool is_resumed) {
    if (!is_resumed) members.clear();
    last_time_.clear();
    is_ready = false;
    here_ = 0;
  }

  void read(const std::string& text) {
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);) read_line(line);
  }

 private:
  static constexpr std::size_t kMaxLines = 100;

  void read_line(const std::string& line) {
    lines.push_back(line);
    if (lines.size() > kMaxLines) lines.erase(lines.begin());
    INFO(line);
    std::istringstream in(line);
    std::string mark;
    std::string tag;
    std::string kind;
    std::uint64_t event_number = 0;
    in >> mark >> tag >> event_number >> kind;
    REQUIRE(mark == "!");
    if (is_ready) REQUIRE(event_number >= number);
    if (!is_ready && kind != "READY") REQUIRE(event_number == 0);
    number = event_number;
    if (kind == "READY") {
      std::uint64_t count = 0;
      in >> count;
      REQUIRE(count == here_);
      REQUIRE_FALSE(is_ready);
      is_ready = true;
    } else if (kind == "GONE") {
      read_gone(in);
    } else if (kind != "TICK") {
      read_client(kind, in);
    }
  }

  void read_gone(std::istringstream& in) {
    std::string reset;
    std::string client;
    in >> reset >> client;
    REQUIRE(reset == "reset");
    if (client == centre_) {
      centre_.clear();
      return;
    }
    if (is_ready) REQUIRE(members.count(client) == 1);
    members.erase(client);
  }

  void read_client(const std::string& kind, std::istringstream& in) {
    std::string km;
    std::string bearing;
    std::string word;
    in >> word;
    if (word != "AT") {
      km = word;
      in >> bearing >> word;
    }
    REQUIRE(word == "AT");
    std::string node;
    std::string difference;
    std::string client;
    std::string coordinates;
    std::int64_t time = 0;
    in >> node >> difference >> client >> coordinates >> time;
    if (kind == "CENTRE") {
      centre_ = client;
      centre_coordinates = coordinates;
      return;
    }
    REQUIRE(km.empty() == centre_coordinates.empty());
    if (!km.empty()) check_place(km, bearing, coordinates);
    if (last_time_.count(client) == 1) REQUIRE(time >= last_time_[client]);
    last_time_[client] = time;
    check_event(kind, client, time);
    if (kind == "LEAVE") {
      members.erase(client);
    } else {
      members[client] = time;
    }
  }

  void check_event(const std::string& kind, const std::string& client, std::int64_t time) {
    const bool is_member = members.count(client) == 1;
    if (kind == "HERE") {
      ++here_;
      REQUIRE_FALSE(is_ready);
    } else if (kind == "ENTER") {
      REQUIRE((is_ready && !is_member));
    } else if (kind == "MOVE") {
      REQUIRE((is_ready && is_member));
      REQUIRE(time > members[client]);
    } else {
      REQUIRE(kind == "LEAVE");
      REQUIRE((is_member || !is_ready));
    }
  }

  void check_place(const std::string& km, const std::string& bearing, const std::string& coordinates) const {
    const auto centre = protocol::point_of(centre_coordinates);
    const auto point = protocol::point_of(coordinates);
    std::string expected_km;
    area::append_km(expected_km, area::distance(centre, point));
    std::string expected_bearing;
    area::append_bearing(expected_bearing, area::polar(centre, point).bearing);
    REQUIRE(km == expected_km);
    REQUIRE(bearing == expected_bearing);
  }

  std::map<std::string, std::int64_t> last_time_;
  std::string centre_;
  std::uint64_t here_ = 0;
};

}  // namespace herd::node::watches
