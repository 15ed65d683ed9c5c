// A provider that uses a web service, with a cache and a circuit breaker. Concurrent lookups of one cell share a
// request. The differences between services are in their WebApi. Used by the worker's thread; owns the key.
#pragma once

#include <cstddef>
#include <deque>
#include <map>
#include <vector>

#include "node/base/rate_limit.hpp"
#include "node/places/api_key.hpp"
#include "node/places/breaker.hpp"
#include "node/places/cache.hpp"
#include "node/places/http_fetcher.hpp"
#include "node/places/provider.hpp"
#include "node/places/web_api.hpp"

namespace herd::node::places {

class WebProvider final : public Provider {
 public:
  // About 3,000 answers of 20 places: more than the towns in which a node's clients are within a minute.
  static constexpr std::size_t kCacheBytes = std::size_t{32} * 1024 * 1024;

  struct Options {
    WebApi api;
    ProviderUrl url;
    FoundKey key;                       // without a key, every lookup fails at once, and the message says what to do
    protocol::Nanoseconds cache_ttl{};  // how long an answer is fresh
  };
  // `http` must outlive this object, and run its requests until then.
  WebProvider(HttpFetcher& http, Options options);

  [[nodiscard]] std::string_view name() const override { return api_.name; }
  [[nodiscard]] std::optional<LookupResult> ask(LookupId lookup, const Query& query, protocol::Nanoseconds deadline,
                                                const protocol::Now& now) override;
  void forget(LookupId lookup) override;
  [[nodiscard]] std::optional<LookupResult> poll() override;
  [[nodiscard]] const Figures& figures() const override { return figures_; }

 private:
  struct Asked {
    LookupId lookup = 0;
    Query query;
  };
  // A request in progress. Its deadline is that of the first lookup, so that no lookup waits too long.
  struct Fetch {
    Breaker::Period period = 0;
    protocol::Nanoseconds begun{};
    std::vector<Asked> waiting;
  };

  void finish(const Cell& cell, const HttpOutcome& outcome, const protocol::Now& now);
  [[nodiscard]] tl::expected<PlaceList, Failure> read(const HttpOutcome& outcome) const;
  void succeed(const Cell& cell, const Fetch& fetch, PlaceList places, const protocol::Now& now);
  void note_failure(const Fetch& fetch, Failure failure, const protocol::Now& now);
  [[nodiscard]] LookupResult fail(const Asked& asked, const Failure& failure, const protocol::Now& now);
  [[nodiscard]] Failure resting(const protocol::Now& now) const;
  void note_state(const protocol::Now& now);

  WebApi api_;
  ApiKey key_;
  HttpFetcher& http_;
  ProviderUrl url_;
  Cache cache_;
  Breaker breaker_;
  RateLimit warnings_;
  Failure last_failure_;  // without a key: what to do
  Figures figures_;

  std::map<Cell, Fetch> fetches_;
  std::deque<LookupResult> found_;
};

}  // namespace herd::node::places
