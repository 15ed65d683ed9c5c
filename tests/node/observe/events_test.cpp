#include "node/observe/events.hpp"

#include "node/observe/cell_subscriptions.hpp"
#include "tests/catch.hpp"
#include "tests/node/status_example.hpp"
#include "tests/node/subscriber.hpp"

namespace herd::node {
namespace {

using nlohmann::json;

constexpr protocol::Nanoseconds kWall{1'520'023'934'918'963'997};

struct EventsFixture : MonitorFixture {
  Subscriber viewer{*this, "herd."};
  EventsFixture() {
    if (!receives([](auto news) { return news.stats_wanted; })) throw std::runtime_error("the viewer did not come");
  }

  // Returns the next event, without the common fields.
  Message next_own() {
    auto message = viewer.next().value();
    for (const auto* common : {"v", "node", "seq", "timestamp"}) message.body.erase(common);
    return message;
  }
};

TEST_CASE_METHOD(EventsFixture, "a client's location is published as text and as numbers") {
  bus::RecordView record;
  record.client = "kiwi.cs.ucla.edu";
  record.coordinates = "+34.068930-118.445127";
  record.time_text = "1520023934.918963997";
  record.origin = "Smith";
  publish_client(*monitor, 7, record, kWall);
  const auto message = next_own();
  CHECK(message.topic == "herd.INFO.client.Hill");
  CHECK(message.body == json::parse(R"({"event": "location", "client": "kiwi.cs.ucla.edu",
      "coordinates": "+34.068930-118.445127", "latitude": 34.06893, "longitude": -118.445127,
      "time": "1520023934.918963997", "origin": "Smith", "change": 7})"));
}

TEST_CASE_METHOD(MonitorFixture,
                 "a location is published by the topic of its cell, to those that watch an area with it") {
  bus::RecordView record;
  record.client = "kiwi";
  record.coordinates = "+34.0522-118.2437";
  record.time_text = "5";
  record.origin = "Smith";
  CHECK(!wants_clients(*monitor));
  publish_client(*monitor, 7, record, kWall);
  CHECK(monitor->published() == 0);
  Subscriber angels(*this, "herd.cell.9q5");
  REQUIRE(receives([&](auto) { return wants_clients(*monitor); }));
  CHECK(!monitor->wanted({EventLevel::Info, EventKind::Client}));
  publish_client(*monitor, 7, record, kWall);
  const auto message = angels.next().value();
  CHECK(message.topic == "herd.cell.9q5ctr18.Hill");
  CHECK(message.body.at("event") == "location");
  CHECK(message.body.at("client") == "kiwi");
  CHECK(message.body.at("node") == "Hill");
  CHECK(!message.body.contains("seq"));
  record.coordinates = "+48.8584+2.2945";
  publish_client(*monitor, 7, record, kWall);
  record.coordinates = "";
  publish_client(*monitor, 7, record, kWall);
  CHECK(monitor->published() == 1);
}

TEST_CASE_METHOD(MonitorFixture,
                 "a viewer of all topics gets a location once, and a viewer of areas is cut above their bound") {
  bus::RecordView record;
  record.client = "kiwi";
  record.coordinates = "+1+2";
  Subscriber all(*this, "herd.");
  REQUIRE(receives([](auto news) { return news.stats_wanted; }));
  CHECK(!monitor->wants_cells());
  publish_client(*monitor, 7, record, kWall);
  CHECK(monitor->published() == 1);
  Subscriber greedy(*this, "herd.cell.0");
  REQUIRE(receives([&](auto) { return monitor->wants_cells(); }));
  const std::size_t most = monitor->events_at_once({EventLevel::Info, EventKind::Client});
  CHECK(most == kDeliveriesAtOnce / 2);
  for (std::size_t i = 0; i < kMaxViewerAreas; ++i) {
    greedy.socket().set(zmq::sockopt::subscribe, "herd.cell.1" + to_text(Geohash{i} << 30U).substr(0, 2));
  }
  CHECK(receives([&](auto) { return monitor->viewers().counters().cut == 1; }));
}

TEST_CASE_METHOD(EventsFixture, "coordinates of all signs and lengths become the right numbers") {
  struct Case {
    const char* text;
    double latitude, longitude;
  };
  for (const auto& [text, latitude, longitude] :
       {Case{"+0+0", 0, 0}, Case{"-90-180", -90, -180}, Case{"+90+180", 90, 180}, Case{"-1.5+2.25", -1.5, 2.25},
        Case{"-0.000000000000001-0.5", -1e-15, -0.5}, Case{"+34.5-118.25/", 34.5, -118.25}, Case{"+1+2/", 1, 2},
        Case{"-1.500000000000000000000000000000+179.250000000000000000000000000000/", -1.5, 179.25}}) {
    bus::RecordView record;
    record.coordinates = text;
    publish_client(*monitor, 7, record, kWall);
    const auto body = next_own().body;
    CHECK(body.at("latitude") == latitude);
    CHECK(body.at("longitude") == longitude);
  }
}

TEST_CASE_METHOD(EventsFixture, "a client that was reset has no coordinates") {
  bus::RecordView record;
  record.client = "kiwi";
  record.origin = "Hill";
  publish_client(*monitor, 7, record, kWall);
  CHECK(next_own().body == json::parse(R"({"event": "reset", "client": "kiwi", "origin": "Hill", "change": 7})"));
}

TEST_CASE_METHOD(EventsFixture, "a durable event has the number of the last durable change") {
  publish_durable(*monitor, (1ULL << 60) + 1, kWall);
  const auto message = next_own();
  CHECK(message.topic == "herd.INFO.node.Hill");
  CHECK(message.body == json({{"event", "durable"}, {"change", (1ULL << 60) + 1}}));
}

TEST_CASE_METHOD(EventsFixture, "a client name that is not UTF-8 is shown with the replacement character") {
  bus::RecordView record;
  record.client = "ki\xfewi\"";
  publish_client(*monitor, 7, record, kWall);
  CHECK(next_own().body.at("client") == "ki\xef\xbf\xbdwi\"");
}

TEST_CASE_METHOD(EventsFixture, "each state of a link has its event") {
  for (const auto& [state, event, word] :
       {std::tuple(bus::Connected::Up, "link_opened", "up"), std::tuple(bus::Connected::Half, "link_half", "half"),
        std::tuple(bus::Connected::Down, "link_lost", "down")}) {
    LinkStatus link;
    link.peer = "Smith";
    link.state = state;
    link.lag = 12;
    publish_link(*monitor, link, kWall);
    const auto message = next_own();
    CHECK(message.topic == "herd.INFO.peer.Hill");
    CHECK(message.body == json({{"event", event}, {"peer", "Smith"}, {"state", word}, {"lag", 12}}));
  }
}

TEST_CASE_METHOD(EventsFixture, "trouble has its own level and kind in the topic") {
  publish_trouble(*monitor, {EventLevel::Error, EventKind::Places, "provider_failed", "no key"}, kWall);
  const auto message = next_own();
  CHECK(message.topic == "herd.ERROR.places.Hill");
  CHECK(message.body == json({{"event", "provider_failed"}, {"message", "no key"}}));
}

TEST_CASE_METHOD(EventsFixture, "the stats have the totals, and the rates from the second time on") {
  StatsEvents stats;
  auto status = example_status();
  status.taken.steady = std::chrono::seconds(100);
  stats.publish(*monitor, status);
  CHECK(next_own().body == json::parse(R"({"event": "stats", "uptime_s": 61.5, "ready": true,
      "digest": "0000000000000abc", "clients": 3, "connections": 2, "links_up": 1, "links_half": 1, "links_down": 0,
      "greatest_lag": 1, "iamat_stored": 7, "bus_updates_merged": 0})"));

  status.taken.steady = std::chrono::seconds(102);
  status.counters["iamat_stored"].value = 17;
  stats.publish(*monitor, status);
  const auto second = next_own().body;
  CHECK(second.at("iamat_stored") == 17);
  CHECK(second.at("iamat_stored_per_s") == 5.0);
  CHECK(second.at("bus_updates_merged_per_s") == 0.0);
}

TEST_CASE_METHOD(EventsFixture, "stats for a new viewer, shortly after the regular ones, repeat the previous rates") {
  StatsEvents stats;
  auto status = example_status();
  const auto rate_after = [&](std::chrono::milliseconds step, std::uint64_t more) {
    status.taken.steady += step;
    status.counters["iamat_stored"].value += more;
    stats.publish(*monitor, status);
    return next_own().body.value("iamat_stored_per_s", -1.0);
  };
  CHECK(rate_after(std::chrono::milliseconds(0), 0) == -1.0);
  CHECK(rate_after(std::chrono::milliseconds(1'000), 10) == 10.0);
  CHECK(rate_after(StatsEvents::kLeastSpan - std::chrono::milliseconds(1), 100) == 10.0);
  CHECK(rate_after(std::chrono::milliseconds(1), 0) == 200.0);
}

TEST_CASE("rates are correct for the first viewer, although there was no viewer before") {
  MonitorFixture fixture;
  StatsEvents stats;
  auto status = example_status();
  stats.publish(*fixture.monitor, status);
  Subscriber viewer(fixture, "herd.");
  REQUIRE(fixture.receives([](auto news) { return news.stats_wanted; }));
  status.taken.steady += std::chrono::seconds(1);
  status.counters["iamat_stored"].value += 4;
  stats.publish(*fixture.monitor, status);
  CHECK(viewer.next()->body.at("iamat_stored_per_s") == 4.0);
}

}  // namespace
}  // namespace herd::node
