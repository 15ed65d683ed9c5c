// The providers in the order of the configuration. A lookup goes to the first provider and, if that one fails, to the
// next. One timeout covers the whole chain, and an eighth of it is reserved for each later provider, so that a provider
// that hangs does not prevent the answer of the next one.
//
// If all providers fail, the result is the first expired answer that one of them has, else the failure of the first
// provider: it is the one that the operator prefers, and its message says what to do. The failures before an answer are
// listed in its `info_messages`. Pure: the time is a parameter. Used by the worker's thread only; owns the providers.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "node/places/provider.hpp"

namespace herd::node::places {

class Chain {
 public:
  // The most lookups in progress. Further ones fail at once with OVER_QUERY_LIMIT.
  static constexpr std::size_t kMaxLookups = 4096;

  // `timeout` covers the whole chain. Without providers, every lookup fails.
  Chain(Providers providers, protocol::Nanoseconds timeout);

  // Begins a lookup. `lookup` must be new. Returns the result if it is available at once; otherwise poll() returns it
  // later. Every result has a document, here and in poll(), also that of a failure.
  [[nodiscard]] std::optional<LookupResult> ask(LookupId lookup, const Query& query, protocol::Now now);

  // Returns the next finished lookup: answered, failed by all providers, or timed out. Call it until it returns
  // nullopt.
  [[nodiscard]] std::optional<LookupResult> poll(protocol::Now now);

  [[nodiscard]] const Providers& providers() const { return providers_; }

  // The steady time at which poll() must be called even if no provider has finished a lookup; nullopt: never. It may be
  // the deadline of a lookup that has ended.
  [[nodiscard]] std::optional<protocol::Nanoseconds> next_deadline() const;

 private:
  struct Lookup {
    Query query;
    std::size_t provider = 0;             // the current provider
    protocol::Nanoseconds asked{};        // when the lookup began
    std::optional<Status> first_failure;  // status of the first failure
    std::vector<std::string> troubles;    // messages of all failures
    std::optional<Stale> stale;           // the first expired answer
  };
  using Lookups = std::map<LookupId, Lookup>;

  // The time after the beginning of a lookup until which this provider may take.
  [[nodiscard]] protocol::Nanoseconds share(std::size_t provider) const;
  [[nodiscard]] protocol::Nanoseconds deadline_of(const Lookup& lookup) const;
  [[nodiscard]] std::optional<LookupResult> ask_providers(LookupId id, Lookup& lookup, const protocol::Now& now);
  [[nodiscard]] static std::optional<LookupResult> judge(Lookup& lookup, LookupResult result);
  [[nodiscard]] static LookupResult result_of_failures(LookupId id, Lookup& lookup);
  void take(LookupResult result, std::size_t provider, const protocol::Now& now);
  void advance(Lookups::iterator lookup, LookupResult result, const protocol::Now& now);
  void poll_providers(const protocol::Now& now);
  bool expire_lookups(const protocol::Now& now);

  Providers providers_;
  protocol::Nanoseconds timeout_;
  Lookups under_way_;
  // No deadline of a lookup is earlier. It is exact after a search only, so that most calls search nothing.
  protocol::Nanoseconds next_deadline_ = protocol::Nanoseconds::max();
  std::vector<LookupResult> ended_;
};

}  // namespace herd::node::places
