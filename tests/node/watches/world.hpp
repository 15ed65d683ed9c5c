// A node without sockets and clock: a store, the area index and the registry of watches, and connections that watch.
//
//   World world;
//   world.report("a", "+1.00-2.0");
//   Connection connection(world);
//   connection.watch(near("t", "+1.00-2.0", 5 * kKm));
//   CHECK(connection.read() == "! t 0 HERE ...");
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "node/area/area_index.hpp"
#include "node/watches/registry.hpp"
#include "node/watches/watcher.hpp"
#include "protocol/point.hpp"
#include "protocol/time_text.hpp"
#include "tests/catch.hpp"

namespace herd::node::watches {

using namespace std::chrono_literals;

inline constexpr std::uint64_t kFeedId = 0x00c5f2a9d4e81b37;
inline constexpr protocol::Millimetres kKm = protocol::kMillimetresPerKm;

// A slice that is over after some questions.
class CountedSlice final : public area::Slice {
 public:
  explicit CountedSlice(std::size_t left = SIZE_MAX) : left_(left) {}
  bool is_over() override {
    if (left_ > 0) --left_;
    return left_ == 0;
  }

 private:
  std::size_t left_;
};

class World {
 public:
  explicit World(bus::ChangeNumber base = 0) : store(1, base) {
    index.start();
    registry.use_feed({kFeedId, base});
    apply();
  }

  // A report of a client, with its time in seconds. The index follows.
  void report(std::string_view client, std::string_view coordinates, std::string_view time,
              std::string_view node = "Hill") {
    put(client, coordinates, time, node, epoch_of(client));
    apply();
  }
  // The same with a time after all former ones.
  void report(std::string_view client, std::string_view coordinates) {
    report(client, coordinates, std::to_string(++seconds_));
  }
  void reset(std::string_view client) {
    put(client, {}, bus::kResetTime, "Hill", epoch_of(client) + 1);
    apply();
  }
  // Changes the store alone.
  void put(std::string_view client, std::string_view coordinates, std::string_view time, std::string_view node,
           std::uint32_t epoch) {
    protocol::Update update;
    update.id = {node, 7, store.feed().tail() + 1};
    update.client = client;
    update.coordinates = coordinates;
    update.time_text = time;
    update.time = *protocol::parse_time(time);
    update.difference = 250ms;
    update.epoch = epoch;
    store.merge(update, bus::kFromClient);
  }
  // What the node does once per loop iteration.
  void apply() {
    CountedSlice slice;
    index.follow(slice, [this](std::span<const area::Moved> moved) { registry.apply(moved); });
  }
  void advance(std::chrono::nanoseconds time) {
    now.steady += time;
    now.wall += time;
  }
  [[nodiscard]] std::uint32_t epoch_of(std::string_view client) const {
    const auto record = store.find(client);
    return record ? record->epoch : 0;
  }
  // The client's AT line, with its line end.
  [[nodiscard]] std::string at(std::string_view client) const {
    const auto record = store.find(client);
    return "AT " + std::string(record->origin) + " +0.250000000 " + std::string(client) + " " +
           std::string(record->coordinates.view()) + " " + std::string(record->time_text.view()) + "\n";
  }
  [[nodiscard]] bus::ChangeNumber tail() const { return store.feed().tail(); }

  bus::Store store;
  area::AreaIndex index{store};
  WatchLimits limits;
  WatchCounters counters;
  WatchRegistry registry{store, index, limits, counters};
  protocol::Now now{1h, std::chrono::seconds{1'700'000'000}};

 private:
  int seconds_ = 1000;
};

// One connection that watches.
class Connection {
 public:
  explicit Connection(World& world, Sight sight = {}) : watcher(world.registry, std::move(sight), 1), world_(world) {}

  // Returns the reply: the WATCHING line, or `?`.
  std::string watch(const protocol::Watch& command) {
    auto answer = watcher.watch(command, world_.now);
    const auto* accepted = std::get_if<Watcher::Accepted>(&answer);
    return accepted != nullptr ? accepted->line : "?";
  }
  // All that is due.
  std::string read() {
    std::string text;
    while (read_some(text, SIZE_MAX)) {
    }
    return text;
  }
  // Appends what one write() appends. Returns whether more is due.
  bool read_some(std::string& text, std::size_t limit, std::size_t slice_questions = SIZE_MAX) {
    CountedSlice slice(slice_questions);
    Output out{text, limit, slice, world_.now};
    return watcher.write(out);
  }

  Watcher watcher;

 private:
  World& world_;
};

// Commands. Their texts must outlive them.
inline protocol::Watch watch_of(std::string_view tag, decltype(protocol::Watch::what) what) {
  protocol::Watch watch;
  watch.tag = tag;
  watch.what = what;
  return watch;
}
inline protocol::Watch near(std::string_view tag, std::string_view coordinates, protocol::Millimetres radius) {
  return watch_of(tag, protocol::Circle{{{}, protocol::point_of(coordinates)}, radius});
}
inline protocol::Watch near_client(std::string_view tag, std::string_view client, protocol::Millimetres radius) {
  return watch_of(tag, protocol::Circle{{client, {}}, radius});
}
inline protocol::Watch within(std::string_view tag, std::string_view south_west, std::string_view north_east) {
  return watch_of(tag, protocol::Box{protocol::point_of(south_west), protocol::point_of(north_east)});
}
inline protocol::Watch one(std::string_view tag, std::string_view client) {
  return watch_of(tag, protocol::WatchedClients{client, false});
}
inline protocol::Watch prefix(std::string_view tag, std::string_view prefix) {
  return watch_of(tag, protocol::WatchedClients{prefix, true});
}
inline protocol::Watch all(std::string_view tag) {
  return watch_of(tag, protocol::AllClients{});
}
inline protocol::Watch from(protocol::Watch watch, bus::ChangeNumber number, std::uint64_t feed_id = kFeedId) {
  watch.options.from = protocol::ResumeFrom{feed_id, number};
  return watch;
}

}  // namespace herd::node::watches
