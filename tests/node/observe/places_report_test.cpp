#include "node/observe/places_report.hpp"

#include "tests/catch.hpp"
#include "tests/node/subscriber.hpp"

namespace herd::node {
namespace {

using places::Figures;
using places::ProviderFigures;
using places::ProviderState;

ProviderFigures google(ProviderState state, std::uint64_t hits = 0) {
  Figures figures;
  figures.provider = "google";
  figures.state = state;
  figures.trouble = "it is broken";
  figures.hits = hits;
  return {figures};
}

TEST_CASE("each change of a provider's state is published to viewers, and nothing else") {
  MonitorFixture fixture;
  Subscriber viewer(fixture, "herd.");
  REQUIRE(fixture.receives([&](const auto&) {
    return fixture.monitor->wanted({EventLevel::Info, EventKind::Places});
  }));
  PlacesReport report;
  const auto receive = [&](ProviderState state, std::uint64_t hits) {
    report.receive(google(state, hits), fixture.monitor.get(), {});
  };
  receive(ProviderState::Ready, 1);
  receive(ProviderState::Ready, 2);
  receive(ProviderState::Resting, 3);
  receive(ProviderState::Resting, 4);
  receive(ProviderState::Trying, 5);
  receive(ProviderState::Ready, 6);
  CHECK(report.figures().front().hits == 6);
  const auto resting = viewer.next();
  REQUIRE(resting);
  CHECK(resting->topic == "herd.WARNING.places.Hill");
  CHECK(resting->body["event"] == "provider_resting");
  CHECK(resting->body["provider"] == "google");
  CHECK(resting->body["state"] == "resting");
  CHECK(resting->body["message"] == "it is broken");
  const auto trying = viewer.next();
  CHECK(trying->topic == "herd.INFO.places.Hill");
  CHECK(trying->body["event"] == "provider_trying");
  CHECK(viewer.next()->body["event"] == "provider_ready");
  CHECK_FALSE(viewer.next(std::chrono::milliseconds(0)));
}

TEST_CASE("a provider without a key is published at the start, and without a monitor nothing is") {
  MonitorFixture fixture;
  Subscriber viewer(fixture, "herd.INFO.places.");
  REQUIRE(fixture.receives([&](const auto&) {
    return fixture.monitor->wanted({EventLevel::Info, EventKind::Places});
  }));
  PlacesReport().receive(google(ProviderState::NoKey), fixture.monitor.get(), {});
  CHECK(viewer.next()->body["event"] == "provider_no_key");
  PlacesReport silent;
  silent.receive(google(ProviderState::Resting), nullptr, {});
  CHECK(silent.figures().size() == 1);
}

}  // namespace
}  // namespace herd::node
