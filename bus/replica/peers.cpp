#include "bus/replica/peers.hpp"

#include <utility>

#include "bus/store/mutants.hpp"
#include "protocol/assert.hpp"
#include "protocol/limits.hpp"

namespace herd::bus {

namespace {

// Between the jitter seeds of two links. Any odd number, so that their rounds are not in step.
constexpr std::uint64_t kJitterStep = 0xd1342543de82ef95ULL;
// More than the attempts, rounds and pulls that one link makes: at most 20 per second.
constexpr std::uint64_t kNumbersOfLink = std::uint64_t{1} << 32;

}  // namespace

// A link that is made while the node runs may be to a peer that had a link before, and messages of that one may still
// be on their way. So its attempts, rounds and pulls have numbers of their own.
Peer Peers::make(std::string name, const PeerCursor& restored) const {
  HERD_ASSERT(!number_of(name) && name != self_->node && peers_.size() + 1 < protocol::kMaxNodes);
  const bool is_first = changes_ == 0 || mutated(Mutant::AttemptsOfRemovedRepeat);
  const std::uint64_t before = is_first ? 0 : links_made_ * kNumbersOfLink;
  Link link(*self_, peers_.free_number(), options_.limits, restored, before + 1);
  const std::uint64_t seed = options_.jitter_seed + links_made_ * kJitterStep;
  Reconciler reconciler(options_.reconcile, seed, link.receiving().feed_id(), before);
  return {std::move(name), std::move(link), std::move(reconciler)};
}

void Peers::begin_with(std::string name, const PeerCursor& restored) {
  peers_.add(make(std::move(name), restored));
  ++links_made_;
}

PeerIndex Peers::add(std::string name) {
  ++changes_;
  const PeerIndex number = peers_.add(make(std::move(name), {}));
  ++links_made_;
  return number;
}

void Peers::acknowledge_as(const LinkLimits& limits) {
  options_.limits.prompt_durable = limits.prompt_durable;
  options_.limits.ack_delay = limits.ack_delay;
  for (Peer& peer : peers_) peer.link.receiving().use(limits);
}

void Peers::remove(PeerIndex number) {
  ++changes_;
  const std::string& route = peers_[number].claims.route();
  if (!route.empty() && !mutated(Mutant::RouteOfRemovedStays)) routes_.erase(route);
  peers_.remove(number);
}

std::optional<PeerIndex> Peers::number_of(std::string_view name) const {
  for (PeerIndex number = 0; number < end_number(); ++number) {
    if (has(number) && peers_[number].name == name) return number;
  }
  return std::nullopt;
}

std::optional<PeerIndex> Peers::number_by(std::string_view route) const {
  const auto found = routes_.find(std::string(route));
  return found == routes_.end() ? std::nullopt : std::optional(found->second);
}

void Peers::take(PeerIndex number, const Claims::Claim& claim) {
  Claims& claims = peers_[number].claims;
  const auto [at, is_new] = routes_.try_emplace(claim.route, number);
  if (!is_new && at->second != number) {
    peers_[at->second].claims.forget_route();
    at->second = number;
  }
  if (!claims.route().empty() && claims.route() != claim.route) routes_.erase(claims.route());
  claims.take(claim);
}

void Peers::check_invariants(ChangeNumber feed_tail) const {
  std::size_t routes = 0;
  for (const Peer& peer : peers_) {
    peer.link.check_invariants(feed_tail);
    HERD_ASSERT(&peers_[*number_of(peer.name)] == &peer);  // no other peer has its name
    const std::string& route = peer.claims.route();
    if (route.empty()) continue;
    ++routes;
    const auto number = number_by(route);
    HERD_ASSERT(number && peers_.has(*number) && &peers_[*number] == &peer);
  }
  HERD_ASSERT(routes_.size() == routes);
}

}  // namespace herd::bus
