#include "node/app/providers.hpp"

#include <spdlog/spdlog.h>

#include <chrono>
#include <utility>

#include "node/places/embedded_provider.hpp"
#include "node/places/google_legacy.hpp"
#include "node/places/google_new.hpp"
#include "node/places/place_index.hpp"
#include "node/places/web_provider.hpp"
#include "protocol/assert.hpp"

namespace herd::node::places {
namespace {

std::unique_ptr<Provider> make_embedded(const std::stop_token& stop) {
  const auto begin = std::chrono::steady_clock::now();
  auto index = PlaceIndex::load(embedded_places(), stop);
  if (stop.stop_requested()) return nullptr;
  if (!index) {
    spdlog::error("event=places_not_loaded reason=\"{}\"", index.error().message);
    return nullptr;
  }
  const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begin);
  spdlog::info("event=places_loaded places={} ms={}", index->size(), took.count());
  return std::make_unique<EmbeddedProvider>(std::move(*index));
}

std::unique_ptr<Provider> make_google(const WebApi& api, const std::string& url, const PlacesConfig& config,
                                      HttpFetcher& http) {
  FoundKey found = find_key({config.key_env, config.key_file});
  if (found.key.empty()) {
    spdlog::info("event=places_provider_without_key provider={} reason=\"{}\"", api.name, found.advice);
  }
  const auto parsed = parse_provider_url(url);
  HERD_ASSERT(parsed);  // the configuration has been checked
  return std::make_unique<WebProvider>(http, WebProvider::Options{api, *parsed, std::move(found), config.cache_ttl});
}

std::unique_ptr<Provider> make_provider(const std::string& name, const PlacesConfig& config, HttpFetcher& http,
                                        const std::stop_token& stop) {
  if (name == "google") return make_google(google_new(), config.google_url, config, http);
  if (name == "google-legacy") return make_google(google_legacy(), config.google_legacy_url, config, http);
  return make_embedded(stop);
}

}  // namespace

Providers make_providers(const PlacesConfig& config, HttpFetcher& http, const std::stop_token& stop) {
  Providers providers;
  for (const std::string& name : config.providers) {
    if (auto provider = make_provider(name, config, http, stop)) {
      providers.push_back(std::move(provider));
    }
  }
  return providers;
}

}  // namespace herd::node::places
