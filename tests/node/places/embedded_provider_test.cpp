#include "node/places/embedded_provider.hpp"

#include <nlohmann/json.hpp>

#include "node/app/providers.hpp"
#include "tests/catch.hpp"
#include "tests/node/places/places_table.hpp"

using namespace herd::node::places;
using namespace std::chrono_literals;
using herd::protocol::Now;

namespace {

constexpr Query kHere{.latitude = 0, .longitude = 0, .radius_km = 1, .max = 5};
constexpr Query kElsewhere{.latitude = 50, .longitude = 0, .radius_km = 1, .max = 5};

EmbeddedProvider provider() {
  return EmbeddedProvider(testing::index_of("geonames:1\tA\t0\t0\ttown\tXX\tXX\t0\n"));
}

}  // namespace

TEST_CASE("the embedded provider answers at once") {
  auto embedded = provider();
  const auto first = embedded.ask(1, kHere, 1s, Now{});
  REQUIRE(first);
  CHECK(first->lookup == 1);
  CHECK(first->status == Status::Ok);
  CHECK(nlohmann::json::parse(first->document)["results"].size() == 1);
  const auto second = embedded.ask(2, kElsewhere, 1s, Now{});
  REQUIRE(second);
  CHECK(second->lookup == 2);
  CHECK(second->status == Status::ZeroResults);
  embedded.forget(1);
  CHECK_FALSE(embedded.poll());
}

TEST_CASE("the provider of the default configuration can be created") {
  herd::node::PlacesConfig config;
  config.providers = {"embedded"};
  HttpFetcher http;
  const auto providers = make_providers(config, http);
  REQUIRE(providers.size() == 1);
  CHECK(providers[0]->name() == "embedded");
}
