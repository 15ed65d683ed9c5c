#include "node/places/chain.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace herd::node::places {
namespace {

Finding failure(LookupId lookup, Status status, std::string_view message) {
  return {lookup, status, empty_document(status, message)};
}

}  // namespace

Chain::Chain(Providers providers, protocol::Nanoseconds timeout)
    : providers_(std::move(providers)), timeout_(timeout) {}

protocol::Nanoseconds Chain::share(std::size_t provider) const {
  const auto still_to_come = static_cast<std::int64_t>(providers_.size() - provider - 1);
  return std::max(timeout_ - timeout_ / 8 * still_to_come, timeout_ / 8);
}

void Chain::ask(LookupId lookup, const Query& query, protocol::Now now) {
  if (providers_.empty()) {
    ended_.push_back(failure(lookup, Status::UnknownError, "no provider of places is working: see the node's log"));
    return;
  }
  if (under_way_.size() >= kMaxLookups) {
    ended_.push_back(
        failure(lookup, Status::OverQueryLimit, "too many lookups of places are under way: ask again later"));
    return;
  }
  under_way_.emplace(lookup, Lookup{query, 0, now.steady, std::nullopt});
  providers_.front()->ask(lookup, query, now.steady + share(0));
}

std::optional<Finding> Chain::poll(protocol::Now now) {
  if (ended_.empty()) {
    do {
      poll_providers(now);
    } while (give_up_late_ones(now));  // whoever was asked instead may know at once
  }
  if (ended_.empty()) {
    return std::nullopt;
  }
  Finding finding = std::move(ended_.back());  // their order is nobody's business: each goes to its own asker
  ended_.pop_back();
  return finding;
}

// In their order, so that a lookup that is handed on to a provider that knows at once ends in the same pass.
void Chain::poll_providers(protocol::Now now) {
  for (std::size_t provider = 0; provider < providers_.size(); ++provider) {
    while (auto finding = providers_[provider]->poll(now)) {
      take(std::move(*finding), provider);
    }
  }
}

void Chain::take(Finding finding, std::size_t provider) {
  const auto lookup = under_way_.find(finding.lookup);
  if (lookup == under_way_.end() || lookup->second.provider != provider) {
    return;  // given up meanwhile
  }
  if (is_answer(finding.status)) {
    under_way_.erase(lookup);
    ended_.push_back(std::move(finding));
    return;
  }
  give_to_next(lookup, std::move(finding));
}

void Chain::give_to_next(Lookups::iterator lookup, Finding failure) {
  auto& [id, state] = *lookup;
  if (!state.first_failure) {
    state.first_failure = std::move(failure);
  }
  if (++state.provider < providers_.size()) {
    providers_[state.provider]->ask(id, state.query, state.asked + share(state.provider));
    return;
  }
  ended_.push_back(std::move(*state.first_failure));
  under_way_.erase(lookup);
}

bool Chain::give_up_late_ones(protocol::Now now) {
  bool any = false;
  for (auto lookup = under_way_.begin(); lookup != under_way_.end();) {
    const auto here = lookup++;
    const std::size_t provider = here->second.provider;
    if (now.steady >= here->second.asked + share(provider)) {
      any = true;
      providers_[provider]->forget(here->first);
      give_to_next(here, failure(here->first, Status::UnknownError,
                                 fmt::format("the places provider {} did not answer in time: ask again later",
                                             providers_[provider]->name())));
    }
  }
  return any;
}

void Chain::add_descriptors(std::vector<zmq_pollitem_t>& items) const {
  for (const auto& provider : providers_) {
    provider->add_descriptors(items);
  }
}

std::optional<protocol::Nanoseconds> Chain::next_deadline() const {
  std::optional<protocol::Nanoseconds> next;
  const auto consider = [&next](protocol::Nanoseconds deadline) { next = std::min(next.value_or(deadline), deadline); };
  for (const auto& [id, lookup] : under_way_) {
    consider(lookup.asked + share(lookup.provider));
  }
  for (const auto& provider : providers_) {
    if (const auto deadline = provider->next_deadline()) {
      consider(*deadline);
    }
  }
  return next;
}

}  // namespace herd::node::places
