#include "node/places/providers.hpp"

#include <spdlog/spdlog.h>

#include <chrono>
#include <utility>

#include "node/places/embedded_provider.hpp"
#include "node/places/place_index.hpp"

namespace herd::node::places {
namespace {

std::unique_ptr<Provider> make_embedded() {
  const auto begin = std::chrono::steady_clock::now();
  auto index = PlaceIndex::load(embedded_places());
  if (!index) {
    spdlog::error("event=places_not_loaded reason=\"{}\"", index.error().message);
    return nullptr;
  }
  const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begin);
  spdlog::info("event=places_loaded places={} ms={}", index->size(), took.count());
  return std::make_unique<EmbeddedProvider>(std::move(*index));
}

}  // namespace

Providers make_providers(const std::vector<std::string>& names) {
  Providers providers;
  for (const std::string& name : names) {
    auto provider = name == "embedded" ? make_embedded() : nullptr;
    if (provider) {
      providers.push_back(std::move(provider));
    }
  }
  return providers;
}

}  // namespace herd::node::places
