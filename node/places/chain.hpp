// The providers in the order of the configuration. A lookup goes to the first; where that fails, to the next. One
// timeout covers the whole chain, and each provider still to come keeps an eighth of it, so that a first provider that
// hangs does not take the answer from a second one that would have had it. Where all fail, the first one's failure is
// the answer: it is the one the operator wanted most, and its message says what to do; unless one of them still has an
// older answer, which is better than none. What went wrong on the way to an answer stands in its `info_messages`. Pure:
// time comes in. Used by the worker's thread.
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
  // Providers under way are asked for no more than this at a time: beyond it, OVER_QUERY_LIMIT at once.
  static constexpr std::size_t kMaxLookups = 4096;

  // No providers at all: every lookup fails. `timeout` covers the chain.
  Chain(Providers providers, protocol::Nanoseconds timeout);

  // Begins a lookup; `lookup` was never used before. What is known at once is returned, and poll() does not have it.
  [[nodiscard]] std::optional<LookupResult> ask(LookupId lookup, const Query& query, protocol::Now now);

  // The next lookup that has come to its end, by an answer, by failing everywhere or by its time. Call until nothing.
  // A document stands in every finding, here and from ask(), also in that of a failure.
  [[nodiscard]] std::optional<LookupResult> poll(protocol::Now now);

  [[nodiscard]] const Providers& providers() const { return providers_; }

  void add_descriptors(std::vector<zmq_pollitem_t>& items) const;

  // When poll() must be called even if nothing is ready, on the steady clock.
  [[nodiscard]] std::optional<protocol::Nanoseconds> next_deadline() const;

 private:
  struct Lookup {
    Query query;
    std::size_t provider = 0;       // who is being asked
    protocol::Nanoseconds asked{};  // when the chain was
    std::optional<Status> first_failure;
    std::vector<std::string> troubles;  // of each failure
    std::optional<Stale> stale;         // the first one that there was
  };
  using Lookups = std::map<LookupId, Lookup>;

  // Until when, counted from the beginning, this provider may take.
  [[nodiscard]] protocol::Nanoseconds share(std::size_t provider) const;
  [[nodiscard]] std::optional<LookupResult> ask_providers(LookupId id, Lookup& lookup);
  [[nodiscard]] static std::optional<LookupResult> judge(Lookup& lookup, LookupResult result);
  [[nodiscard]] static LookupResult answer_in_vain(LookupId id, Lookup& lookup);
  void take(LookupResult result, std::size_t provider);
  void go_on(Lookups::iterator lookup, LookupResult result);
  void poll_providers(protocol::Now now);
  bool give_up_late_ones(protocol::Now now);

  Providers providers_;
  protocol::Nanoseconds timeout_;
  Lookups under_way_;
  std::vector<LookupResult> ended_;
};

}  // namespace herd::node::places
