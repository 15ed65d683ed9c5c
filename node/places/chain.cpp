#include "node/places/chain.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <utility>

#include "protocol/assert.hpp"

namespace herd::node::places {
Chain::Chain(Providers providers, protocol::Nanoseconds timeout)
    : providers_(std::move(providers)), timeout_(timeout) {}

protocol::Nanoseconds Chain::share(std::size_t provider) const {
  const auto still_to_come = static_cast<std::int64_t>(providers_.size() - provider - 1);
  return std::max(timeout_ - timeout_ / 8 * still_to_come, timeout_ / 8);
}

protocol::Nanoseconds Chain::deadline_of(const Lookup& lookup) const {
  return lookup.asked + share(lookup.provider);
}

std::optional<LookupResult> Chain::ask(LookupId lookup, const Query& query, protocol::Now now) {
  const auto refuse = [lookup](Status status, std::string_view message) {
    return LookupResult{lookup, status, empty_document(status, message)};
  };
  if (providers_.empty()) {
    return refuse(Status::UnknownError, "no provider of places is working: see the node's log");
  }
  if (under_way_.size() >= kMaxLookups) {
    return refuse(Status::OverQueryLimit, "too many lookups of places are under way: ask again later");
  }
  Lookup begun{query, 0, now.steady, {}, {}, {}};
  auto result = ask_providers(lookup, begun, now);
  if (!result) {
    next_deadline_ = std::min(next_deadline_, deadline_of(begun));
    under_way_.emplace(lookup, std::move(begun));
  }
  return result;
}

// Asks the current provider, and the next ones while they fail at once. Returns the lookup's result if one answers or
// none is left.
std::optional<LookupResult> Chain::ask_providers(LookupId id, Lookup& lookup, const protocol::Now& now) {
  for (; lookup.provider < providers_.size(); ++lookup.provider) {
    auto result = providers_[lookup.provider]->ask(id, lookup.query, deadline_of(lookup), now);
    if (!result) return std::nullopt;
    if (auto end = judge(lookup, std::move(*result))) return end;
  }
  return result_of_failures(id, lookup);
}

// Returns an answer as the lookup's result. Records a failure and returns nullopt.
std::optional<LookupResult> Chain::judge(Lookup& lookup, LookupResult result) {
  if (is_answer(result.status)) {
    add_info_messages(result.document, lookup.troubles);
    return result;
  }
  HERD_ASSERT(!result.trouble.empty());
  if (!lookup.first_failure) lookup.first_failure = result.status;
  lookup.troubles.push_back(std::move(result.trouble));
  if (!lookup.stale) lookup.stale = std::move(result.stale);
  return std::nullopt;
}

std::optional<LookupResult> Chain::poll(protocol::Now now) {
  if (ended_.empty()) {
    do {
      poll_providers(now);
    } while (expire_lookups(now));  // the next provider may have the answer in its cache
  }
  if (ended_.empty()) {
    return std::nullopt;
  }
  LookupResult result = std::move(ended_.back());  // the order of results does not matter
  ended_.pop_back();
  return result;
}

// In their order, so that a lookup that moves to a later provider with an immediate answer finishes in the same call.
void Chain::poll_providers(const protocol::Now& now) {
  for (std::size_t provider = 0; provider < providers_.size(); ++provider) {
    while (auto result = providers_[provider]->poll()) {
      take(std::move(*result), provider, now);
    }
  }
}

void Chain::take(LookupResult result, std::size_t provider, const protocol::Now& now) {
  const auto lookup = under_way_.find(result.lookup);
  if (lookup == under_way_.end() || lookup->second.provider != provider) {
    return;  // it has timed out in the meantime
  }
  advance(lookup, std::move(result), now);
}

// Processes the result of the lookup's current provider: finishes the lookup or moves it to the next provider.
void Chain::advance(Lookups::iterator lookup, LookupResult result, const protocol::Now& now) {
  auto& [id, state] = *lookup;
  auto end = judge(state, std::move(result));
  if (!end) {
    ++state.provider;
    end = ask_providers(id, state, now);
  }
  if (end) {
    ended_.push_back(std::move(*end));
    under_way_.erase(lookup);
  }
}

// The result of a lookup that all providers have failed.
LookupResult Chain::result_of_failures(LookupId id, Lookup& lookup) {
  if (lookup.stale) {
    lookup.troubles.push_back(std::move(lookup.stale->age));
    add_info_messages(lookup.stale->document, lookup.troubles);
    return {id, lookup.stale->status, std::move(lookup.stale->document)};
  }
  LookupResult failure{id, *lookup.first_failure, empty_document(*lookup.first_failure, lookup.troubles.front())};
  add_info_messages(failure.document, std::span(lookup.troubles).subspan(1));
  return failure;
}

// Moves lookups to the next provider if the current one has used up its time. Returns whether there were any.
bool Chain::expire_lookups(const protocol::Now& now) {
  if (now.steady < next_deadline_) return false;
  bool any = false;
  for (auto lookup = under_way_.begin(); lookup != under_way_.end();) {
    const auto here = lookup++;
    const std::size_t provider = here->second.provider;
    if (now.steady >= deadline_of(here->second)) {
      any = true;
      providers_[provider]->forget(here->first);
      advance(here,
              failed(here->first, Status::UnknownError,
                     fmt::format("the places provider {} did not answer in time: ask again later",
                                 providers_[provider]->name())),
              now);
    }
  }
  next_deadline_ = protocol::Nanoseconds::max();
  for (const auto& [id, lookup] : under_way_) next_deadline_ = std::min(next_deadline_, deadline_of(lookup));
  return any;
}

std::optional<protocol::Nanoseconds> Chain::next_deadline() const {
  return under_way_.empty() ? std::nullopt : std::optional(next_deadline_);
}

}  // namespace herd::node::places
