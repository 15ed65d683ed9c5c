#include "node/places/chain.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <utility>

namespace herd::node::places {
Chain::Chain(Providers providers, protocol::Nanoseconds timeout)
    : providers_(std::move(providers)), timeout_(timeout) {}

protocol::Nanoseconds Chain::share(std::size_t provider) const {
  const auto still_to_come = static_cast<std::int64_t>(providers_.size() - provider - 1);
  return std::max(timeout_ - timeout_ / 8 * still_to_come, timeout_ / 8);
}

void Chain::ask(LookupId lookup, const Query& query, protocol::Now now) {
  if (providers_.empty()) {
    ended_.push_back(failed(lookup, Status::UnknownError, "no provider of places is working: see the node's log"));
    return;
  }
  if (under_way_.size() >= kMaxLookups) {
    ended_.push_back(
        failed(lookup, Status::OverQueryLimit, "too many lookups of places are under way: ask again later"));
    return;
  }
  under_way_.emplace(lookup, Lookup{query, 0, now.steady, {}, {}, {}});
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
    add_info_messages(finding.document, lookup->second.troubles);
    under_way_.erase(lookup);
    ended_.push_back(std::move(finding));
    return;
  }
  give_to_next(lookup, std::move(finding));
}

void Chain::give_to_next(Lookups::iterator lookup, Finding failure) {
  auto& [id, state] = *lookup;
  if (!failure.trouble.empty()) {
    state.troubles.push_back(failure.trouble);
  }
  if (failure.stale && !state.stale) {
    state.stale = std::move(failure.stale);
  }
  if (!state.first_failure) {
    state.first_failure = std::move(failure);
  }
  if (++state.provider < providers_.size()) {
    providers_[state.provider]->ask(id, state.query, state.asked + share(state.provider));
    return;
  }
  ended_.push_back(answer_in_vain(state));
  under_way_.erase(lookup);
}

// Where nobody has answered. The first trouble is the error message already.
Finding Chain::answer_in_vain(Lookup& lookup) {
  Finding& failure = *lookup.first_failure;
  if (lookup.stale) {
    lookup.troubles.push_back(std::move(lookup.stale->age));
    failure.status = lookup.stale->status;
    failure.document = std::move(lookup.stale->document);
    add_info_messages(failure.document, lookup.troubles);
  } else if (lookup.troubles.size() > 1) {
    add_info_messages(failure.document, std::span(lookup.troubles).subspan(1));
  }
  return std::move(failure);
}

bool Chain::give_up_late_ones(protocol::Now now) {
  bool any = false;
  for (auto lookup = under_way_.begin(); lookup != under_way_.end();) {
    const auto here = lookup++;
    const std::size_t provider = here->second.provider;
    if (now.steady >= here->second.asked + share(provider)) {
      any = true;
      providers_[provider]->forget(here->first);
      give_to_next(here, failed(here->first, Status::UnknownError,
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
