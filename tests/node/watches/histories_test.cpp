// Random histories: clients move, are reset and report at several nodes at one time; connections with all kinds of
// watches read at once, rarely, or a few bytes at a time, and resume at any number that they have read. Whenever a
// reader has read everything, it must know exactly the clients inside, and the newest report of each.
#include <array>
#include <memory>
#include <random>
#include <set>

#include "protocol/overloaded.hpp"
#include "tests/node/watches/reader.hpp"
#include "tests/node/watches/world.hpp"

using namespace herd::node;
using namespace herd::node::watches;
using herd::protocol::Point;

namespace {

constexpr std::array<std::string_view, 12> kClients{"a0", "a1", "a2", "a3", "a4", "a5",
                                                    "b0", "b1", "b2", "b3", "b4", "c"};

// Places about a kilometre from each other, on both sides of the antimeridian, and a few far away.
std::string drawn_place(std::mt19937_64& random) {
  static constexpr std::array<std::string_view, 5> kLatitudes{"+10.00", "+10.01", "+10.02", "+10.03", "+10.04"};
  static constexpr std::array<std::string_view, 6> kLongitudes{"+179.98", "+179.99", "+180",
                                                               "-180.0",  "-179.99", "-179.98"};
  static constexpr std::array<std::string_view, 4> kFar{"+50-100", "+90+20", "-90.0-7", "+10.0+0"};
  if (random() % 8 == 0) return std::string(kFar[random() % kFar.size()]);
  return std::string(kLatitudes[random() % kLatitudes.size()]) +
         std::string(kLongitudes[random() % kLongitudes.size()]);
}

herd::protocol::Watch drawn_watch(std::mt19937_64& random) {
  herd::protocol::Watch watch;
  switch (random() % 9) {
    case 0:
      watch = near("t", "+10.02+180", 1'500'000);
      break;
    case 1:
      watch = near_client("t", "c", 1'500'000);
      break;
    case 2:
      watch = near_client("t", "a0", 2'300'000);
      break;
    case 3:
      watch = within("t", "+10.01+179.99", "+10.03-179.99");
      break;
    case 4:
      watch = all("t");
      break;
    case 5:
      watch = prefix("t", "a");
      break;
    case 6:
      watch = one("t", "a3");
      break;
    case 7:
      watch = within("t", "+10.02-180", "+90-179");
      break;
    default:
      watch = near("t", "+90+0", 20'016 * kKm);
      break;
  }
  const bool is_circle = std::holds_alternative<herd::protocol::Circle>(watch.what);
  const bool is_clients = std::holds_alternative<herd::protocol::WatchedClients>(watch.what);
  if (!is_clients && random() % 4 == 0) watch.options.prefix = "b";
  if (is_circle && random() % 4 == 0) watch.options.slack = 1'100'000;
  const bool may_dwell = is_circle || std::holds_alternative<herd::protocol::Box>(watch.what);
  if (may_dwell && random() % 4 == 0) watch.options.dwell = 5s;
  if (random() % 4 == 0) watch.options.every = 7s;
  if (random() % 4 == 0) watch.options.beat = 6s;
  return watch;
}

// One reader with its watch, over several connections.
struct Subject {
  herd::protocol::Watch command;
  unsigned style = 0;  // 0: reads at once; 1: rarely; 2: a few bytes at a time
  std::unique_ptr<Connection> connection;
  Reader reader;
  std::vector<Reader> saved;  // states from which it may resume
};

struct Expected {
  std::set<std::string> least;
  std::set<std::string> most;
};

bool contains(const World& world, const herd::protocol::Watch& command, std::string_view client, Point point,
              herd::protocol::Millimetres slack) {
  const auto in_circle = [&](const herd::protocol::Circle& circle) {
    Point centre = circle.centre.point;
    if (!circle.centre.client.empty()) {
      const auto record = world.store.find(circle.centre.client);
      if (client == circle.centre.client || !record || herd::bus::is_reset(*record)) return false;
      centre = herd::protocol::point_of(record->coordinates);
    }
    return area::distance(centre, point) <= circle.radius + slack;
  };
  const auto in_box = [&](const herd::protocol::Box& box) {
    if (point.latitude < box.south_west.latitude || point.latitude > box.north_east.latitude) return false;
    if (point.latitude == herd::protocol::kMaxLatitude) return true;
    // Both boxes of these tests cross the antimeridian, or begin at it.
    const auto east_of = [](std::int32_t from, std::int32_t to) {
      return (std::int64_t{to} - from + 2 * std::int64_t{herd::protocol::kMaxLongitude}) %
             (2 * std::int64_t{herd::protocol::kMaxLongitude});
    };
    return east_of(box.south_west.longitude, point.longitude) <=
           east_of(box.south_west.longitude, box.north_east.longitude);
  };
  return client.starts_with(command.options.prefix) &&
         std::visit(herd::protocol::Overloaded{
                        in_circle,
                        in_box,
                        [&](const herd::protocol::WatchedClients& clients) {
                          return clients.is_prefix ? client.starts_with(clients.id) : client == clients.id;
                        },
                        [](const herd::protocol::AllClients&) { return true; },
                    },
                    command.what);
}

Expected expected(const World& world, const herd::protocol::Watch& command) {
  Expected sets;
  for (const std::string_view client : kClients) {
    const auto record = world.store.find(client);
    if (!record || herd::bus::is_reset(*record)) continue;
    const Point point = herd::protocol::point_of(record->coordinates);
    if (contains(world, command, client, point, 0)) sets.least.emplace(client);
    if (contains(world, command, client, point, command.options.slack)) sets.most.emplace(client);
  }
  return sets;
}

class History {
 public:
  explicit History(std::uint64_t seed) : random_(seed), world_(random_() % 2 == 0 ? 0 : 1'000'000) {
    for (std::size_t i = 0; i < kClients.size(); ++i) change();
    world_.put("c", "+10.02+180", std::to_string(++seconds_), "Hill", world_.epoch_of("c"));
    world_.put("a0", "+10.01+180", std::to_string(++seconds_), "Hill", world_.epoch_of("a0"));
    world_.apply();
    for (unsigned i = 0; i < 6; ++i) {
      Subject& subject = subjects_.emplace_back();
      subject.command = drawn_watch(random_);
      subject.style = i % 3;
      begin(subject, {});
    }
  }

  void step() {
    for (std::uint64_t changes = random_() % 4; changes > 0; --changes) change();
    if (random_() % 200 == 0) {
      for (unsigned i = 0; i < 300; ++i) change();
    }
    if (random_() % 3 == 0) world_.advance(std::chrono::seconds{random_() % 5});
    if (random_() % 4 != 0) world_.apply();
    for (Subject& subject : subjects_) visit(subject);
    world_.registry.check_invariants();
  }

  // All read everything, and all delays have passed.
  void end() {
    world_.apply();
    for (Subject& subject : subjects_) read_all(subject);
    world_.advance(100s);
    for (Subject& subject : subjects_) {
      read_all(subject);
      compare(subject, true);
    }
  }

 private:
  void change() {
    const std::string_view client = kClients[random_() % kClients.size()];
    const auto record = world_.store.find(client);
    const std::uint32_t epoch = world_.epoch_of(client);
    const std::string place = drawn_place(random_);
    if (record && random_() % 12 == 0) {
      world_.put(client, {}, "0", "Hill", epoch + 1);
    } else if (record && !herd::bus::is_reset(*record) && random_() % 6 == 0) {
      world_.put(client, place, std::string(record->time_text.view()), random_() % 2 == 0 ? "Smith" : "Zed", epoch);
    } else if (record && !herd::bus::is_reset(*record) && random_() % 4 == 0) {
      world_.put(client, std::string(record->coordinates.view()), std::to_string(++seconds_), "Hill", epoch);
    } else {
      world_.put(client, place, std::to_string(++seconds_), "Hill", epoch);
    }
  }

  void begin(Subject& subject, std::optional<std::uint64_t> number) {
    subject.connection = std::make_unique<Connection>(world_);
    auto command = subject.command;
    if (number) command = from(command, *number);
    const std::string reply = subject.connection->watch(command);
    if (reply == "?") {
      subject.connection.reset();
      return;
    }
    const bool is_resumed = reply == "WATCHING t 00c5f2a9d4e81b37 resumed\n";
    REQUIRE((is_resumed || reply == "WATCHING t 00c5f2a9d4e81b37 new\n"));
    subject.reader.begin(is_resumed);
    const auto* circle = std::get_if<herd::protocol::Circle>(&subject.command.what);
    if (circle != nullptr && circle->centre.client.empty()) subject.reader.centre_coordinates = circle_text(*circle);
  }

  static std::string circle_text(const herd::protocol::Circle& circle) {
    return circle.centre.point.latitude == herd::protocol::kMaxLatitude ? "+90+0" : "+10.02+180";
  }

  void visit(Subject& subject) {
    if (subject.connection == nullptr || random_() % 25 == 0) return reconnect(subject);
    if (subject.style == 0) read_all(subject);
    if (subject.style == 1 && random_() % 10 == 0) read_all(subject);
    if (subject.style == 2) read_some(subject, random_() % 300, random_() % 10 + 2);
  }

  void reconnect(Subject& subject) {
    if (subject.saved.empty() || random_() % 3 == 0) return begin(subject, std::nullopt);
    subject.reader = subject.saved[random_() % subject.saved.size()];
    begin(subject, subject.reader.number);
  }

  bool read_some(Subject& subject, std::size_t limit, std::size_t questions) {
    std::string text;
    const bool is_more = subject.connection->read_some(text, limit, questions);
    if (!world_.index.is_current()) REQUIRE((text.empty() && is_more));
    {
      std::string all_lines;
      for (const std::string& line : subject.reader.lines) all_lines += line + "\n";
      INFO(all_lines << "---\n" << text);
      subject.reader.read(text);
    }
    if (subject.reader.is_ready && subject.reader.number > 0 && random_() % 4 == 0)
      subject.saved.push_back(subject.reader);
    if (!is_more) compare(subject, false);
    return is_more;
  }

  void read_all(Subject& subject) {
    if (subject.connection == nullptr || !world_.index.is_current()) return;
    while (read_some(subject, SIZE_MAX, SIZE_MAX)) {
    }
  }

  void compare(const Subject& subject, bool is_end) {
    if (subject.connection == nullptr) return;
    std::string all_lines;
    for (const std::string& line : subject.reader.lines) all_lines += line + "\n";
    INFO(all_lines);
    const Expected sets = expected(world_, subject.command);
    for (const std::string& client : sets.least) {
      INFO(client);
      if (is_end || subject.command.options.dwell.count() == 0) REQUIRE(subject.reader.members.count(client) == 1);
    }
    for (const auto& [client, time] : subject.reader.members) {
      INFO(client);
      REQUIRE(sets.most.count(client) == 1);
      const std::int64_t newest = world_.store.find(client)->time / 1s;
      if (is_end || subject.command.options.every.count() == 0) REQUIRE(time == newest);
    }
  }

  std::mt19937_64 random_;
  World world_;
  std::int64_t seconds_ = 1000;
  std::vector<Subject> subjects_;
};

}  // namespace

TEST_CASE("a reader that has read everything knows exactly the clients inside, however it reads and resumes",
          "[slow]") {
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    INFO("seed " << seed);
    History history(seed);
    for (unsigned step = 0; step < 150; ++step) history.step();
    history.end();
  }
}
