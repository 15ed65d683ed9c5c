#include "bus/replica/claims.hpp"

#include <utility>

#include "bus/link/link_limits.hpp"
#include "bus/store/mutants.hpp"

namespace herd::bus {

using protocol::Conflict;
using protocol::Hello;
using protocol::Nanoseconds;
using protocol::Now;

namespace {

constexpr Nanoseconds kLongAgo = Nanoseconds::min() / 2;

Claimant claimant_of(const Claims::Claim& claim) {
  return {claim.hello.incarnation, claim.hello.address, claim.connections ? claim.connections->host() : ""};
}

using protocol::Incarnations;

// False if the connection is closed.
bool send_conflict(Connections& connections, const std::string& route, const Incarnations& incarnations,
                   bool keeps_name, const Claimant& other) {
  return connections.send_back(
      route, protocol::encode(Conflict{incarnations, keeps_name, other.incarnation, other.address, other.host}));
}

}  // namespace

Claims::Verdict Claims::judge(const Claim& claim, std::uint64_t own_incarnation, Connected link, Now now) {
  if (holder_.route.empty() || claim.route == holder_.route || claim.connections == nullptr) return Verdict::Accepted;
  const bool holds = link == Connected::Up || mutated(Mutant::SilentHolderKeepsName);
  if (!holds || mutated(Mutant::NewestHelloWins)) return Verdict::Accepted;
  const Claimant contender = claimant_of(claim);
  const auto notify_contender = [&] {
    if (mutated(Mutant::ContenderNotNotified)) return true;
    return send_conflict(*claim.connections, claim.route, {own_incarnation, contender.incarnation}, false,
                         holder_.claimant);
  };
  const auto notify_holder = [&] {
    return send_conflict(*claim.connections, holder_.route, {own_incarnation, holder_.claimant.incarnation}, true,
                         contender) ||
           mutated(Mutant::ClosedHolderKeepsName);
  };
  // Spaced, so that a process that claims without a pause does not fill the holder's connection.
  const bool again = contender_ && contender_->incarnation == contender.incarnation;
  if (again && now.steady - seen_at_ < kHelloSpacing) return Verdict::Refused;
  // A HELLO by the former holder's connection may have waited unread since before that connection was closed. Then the
  // holder gets no CONFLICT.
  const bool may_be_late = former_ && former_->route == claim.route;
  if (may_be_late && !notify_contender()) return Verdict::Late;
  if (!notify_holder()) return Verdict::Accepted;
  if (!may_be_late && !notify_contender()) return Verdict::Late;
  if (contender_ != contender || now.steady - seen_at_ >= kClaimShown) {
    reported_at_.reset();
    since_ = now.steady;
  }
  contender_ = contender;
  seen_at_ = now.steady;
  return Verdict::Refused;
}

void Claims::take(const Claim& claim) {
  if (claim.route != holder_.route && !holder_.route.empty()) former_ = std::move(holder_);
  holder_ = {claimant_of(claim), claim.route, claim.hello};
  // It is no longer refused, so take_news() reports the end.
  if (contender_ && contender_->incarnation == holder_.claimant.incarnation) seen_at_ = kLongAgo;
}

std::optional<Hello> Claims::regained(const protocol::Welcome& welcome, const std::string& route,
                                      Connections* connections, std::uint64_t own_incarnation, Connected link) {
  if (!former_ || former_->route != route || connections == nullptr || link == Connected::Up) return std::nullopt;
  const Incarnations expected{former_->claimant.incarnation, own_incarnation};
  if (welcome.incarnations != expected || mutated(Mutant::FormerHolderStaysFormer)) return std::nullopt;
  const Incarnations incarnations{own_incarnation, former_->claimant.incarnation};
  if (!send_conflict(*connections, route, incarnations, true, holder_.claimant)) {
    former_.reset();
    return std::nullopt;
  }
  return former_->hello;
}

std::optional<Claimant> Claims::contender(Now now) const {
  if (!contender_ || now.steady - seen_at_ >= kClaimShown) return std::nullopt;
  const bool may_be_holder = contender_->incarnation == holder_.claimant.incarnation;
  return may_be_holder && seen_at_ - since_ < kReconnected ? std::nullopt : contender_;
}

Claims::News Claims::take_news(Now now) {
  if (!contender_) return News::None;
  if (now.steady - seen_at_ >= kClaimShown) {
    contender_.reset();
    return std::exchange(reported_at_, std::nullopt) ? News::Over : News::None;
  }
  if (!contender(now)) return News::None;
  if (reported_at_ && now.steady - *reported_at_ < kClaimReported) return News::None;
  reported_at_ = now.steady;
  return News::Refused;
}

Nanoseconds Claims::deadline() const {
  return contender_ ? seen_at_ + kClaimShown : Nanoseconds::max();
}

}  // namespace herd::bus
