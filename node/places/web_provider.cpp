#include "node/places/web_provider.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "protocol/reply.hpp"
#include "protocol/unreachable.hpp"

namespace herd::node::places {
namespace {

// Rate of log lines for single failures. A service that keeps failing is reported when it rests.
constexpr RateLimit::Rate kWarnings{.per_second = 0.2, .burst = 5};

constexpr std::size_t kMaxMessageBytes = 500;  // including the service's message of one or two sentences

std::int64_t whole_seconds(protocol::Nanoseconds span) {
  return std::chrono::ceil<std::chrono::seconds>(span).count();
}

}  // namespace

WebProvider::WebProvider(HttpFetcher& http, Options options)
    : api_(options.api),
      key_(std::move(options.key.key)),
      http_(http),
      url_(std::move(options.url)),
      cache_({kCacheBytes, options.cache_ttl}),
      warnings_(kWarnings) {
  figures_.provider = api_.name;
  if (!key_.empty()) return;
  last_failure_ = {Status::RequestDenied, fmt::format("{} has no key: {}", api_.name, options.key.advice)};
  figures_.state = ProviderState::NoKey;
  figures_.trouble = last_failure_.message;
}

std::optional<LookupResult> WebProvider::ask(LookupId lookup, const Query& query, protocol::Nanoseconds deadline,
                                             const protocol::Now& now) {
  if (key_.empty()) return failed(lookup, last_failure_.status, last_failure_.message);
  const Cell cell = cell_of(query);
  if (const auto cached = cache_.find(cell, now.steady); cached && cached->fresh) {
    ++figures_.hits;
    Shown shown = show(*cached->places, query);
    return LookupResult{lookup, shown.status, std::move(shown.document)};
  }
  if (const auto same = fetches_.find(cell); same != fetches_.end()) {
    ++figures_.shared;
    same->second.waiting.push_back({lookup, query});
    return std::nullopt;
  }
  const auto period = breaker_.admit(now.steady);
  if (!period) return fail({lookup, query}, resting(now), now);
  note_state(now);
  ++figures_.misses;
  const Area area{{query.latitude, query.longitude}, cell.radius_m};
  http_.fetch(url_, api_.request(area, key_), now, deadline,
              [this, cell](const HttpOutcome& outcome, const protocol::Now& end) { finish(cell, outcome, end); });
  fetches_.emplace(cell, Fetch{*period, now.steady, {{lookup, query}}});
  return std::nullopt;
}

void WebProvider::forget(LookupId lookup) {
  const auto is_it = [lookup](const auto& each) { return each.lookup == lookup; };
  std::erase_if(found_, is_it);
  for (auto& [cell, fetch] : fetches_) std::erase_if(fetch.waiting, is_it);  // the request continues, for the cache
}

std::optional<LookupResult> WebProvider::poll() {
  if (found_.empty()) return std::nullopt;
  LookupResult result = std::move(found_.front());
  found_.pop_front();
  return result;
}

void WebProvider::finish(const Cell& cell, const HttpOutcome& outcome, const protocol::Now& now) {
  const auto node = fetches_.extract(cell);
  const Fetch& fetch = node.mapped();
  figures_.count_latency(now.steady - fetch.begun);
  auto places = read(outcome);
  if (places) {
    succeed(cell, fetch, std::move(*places), now);
  } else {
    note_failure(fetch, std::move(places.error()), now);
  }
  note_state(now);
}

tl::expected<PlaceList, Failure> WebProvider::read(const HttpOutcome& outcome) const {
  const auto trouble = [this](std::string_view predicate) {
    return tl::unexpected(Failure{Status::UnknownError, fmt::format("{} {}", name(), predicate)});
  };
  switch (outcome.kind) {
    case HttpOutcome::Kind::Replied:
      return api_.read({outcome.status, outcome.body});
    case HttpOutcome::Kind::TimedOut:
      return trouble("did not answer in time: ask again later, or raise `timeout` of [places]");
    case HttpOutcome::Kind::TooLong:
      return trouble("sent an answer that is too long: check its URL in [places]");
    case HttpOutcome::Kind::Failed:
      return trouble(
          fmt::format("sent no complete answer ({}): check the network and its URL in [places]", outcome.trouble));
  }
  protocol::unreachable();
}

void WebProvider::succeed(const Cell& cell, const Fetch& fetch, PlaceList places, const protocol::Now& now) {
  breaker_.succeeded();
  figures_.count_request(places.empty() ? Status::ZeroResults : Status::Ok);
  for (ListedPlace& place : places) {  // clients get these texts, so they must not contain the key
    key_.redact(place.json);
    for (std::string& attribution : place.attributions) key_.redact(attribution);
  }
  for (const Asked& asked : fetch.waiting) {
    Shown shown = show(places, asked.query);
    found_.push_back({asked.lookup, shown.status, std::move(shown.document)});
  }
  cache_.put(cell, std::move(places), now.steady);
  figures_.cached = cache_.size();
  figures_.cached_bytes = cache_.bytes();
}

void WebProvider::note_failure(const Fetch& fetch, Failure failure, const protocol::Now& now) {
  key_.redact(failure.message);  // before the message is cut, because a part of a key is still a secret
  failure.message.resize(std::min(failure.message.size(), kMaxMessageBytes));
  figures_.count_request(failure.status);
  figures_.trouble = failure.message;
  // An invalid request is not the service's fault: the service works.
  if (failure.status == Status::InvalidRequest) {
    breaker_.succeeded();
  } else {
    breaker_.failed(fetch.period, now.steady);
  }
  if (warnings_.allows(now.steady)) {
    spdlog::warn("event=places_request_failed provider={} status={} reason=\"{}\" suppressed={}", name(),
                 to_text(failure.status), protocol::escape_for_log(failure.message),
                 warnings_.take_suppressed(now.steady));
  }
  for (const Asked& asked : fetch.waiting) found_.push_back(fail(asked, failure, now));
  last_failure_ = std::move(failure);
}

LookupResult WebProvider::fail(const Asked& asked, const Failure& failure, const protocol::Now& now) {
  LookupResult result = failed(asked.lookup, failure.status, failure.message);
  if (const auto cached = cache_.find(cell_of(asked.query), now.steady)) {
    ++figures_.stale;
    Shown shown = show(*cached->places, asked.query);
    result.stale = Stale{shown.status, std::move(shown.document),
                         fmt::format("these places of {} are {} s old", name(), whole_seconds(cached->age))};
  }
  return result;
}

Failure WebProvider::resting(const protocol::Now& now) const {
  const auto left = std::max<std::int64_t>(whole_seconds(breaker_.rests_until() - now.steady), 1);
  return {last_failure_.status, fmt::format("{} failed repeatedly and is not asked for {} s; the last failure: {}",
                                            name(), left, last_failure_.message)};
}

void WebProvider::note_state(const protocol::Now& now) {
  const ProviderState before = figures_.state;
  switch (breaker_.state()) {
    case Breaker::State::Closed:
      figures_.state = ProviderState::Ready;
      break;
    case Breaker::State::Open:
      figures_.state = ProviderState::Resting;
      break;
    case Breaker::State::HalfOpen:
      figures_.state = ProviderState::Trying;
      break;
  }
  if (figures_.state == before) return;
  if (figures_.state == ProviderState::Resting) {
    spdlog::warn("event=places_provider_resting provider={} seconds={} reason=\"{}\"", name(),
                 whole_seconds(breaker_.rests_until() - now.steady), protocol::escape_for_log(figures_.trouble));
  } else {
    spdlog::info("event=places_provider_{} provider={}", to_text(figures_.state), name());
  }
}

}  // namespace herd::node::places
