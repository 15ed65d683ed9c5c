#include "bus/replica/own_name.hpp"

#include <algorithm>

#include "bus/store/mutants.hpp"

namespace herd::bus {

using protocol::Conflict;
using protocol::Nanoseconds;
using protocol::Now;

bool OwnName::is_over(const Peer& peer, Now now) {
  return !peer.at || (now.steady - *peer.at >= kRefusedFor && !mutated(Mutant::RefusalNeverEnds));
}

bool OwnName::counts(const Peer& peer, Now now) {
  return !is_over(peer, now) && (!peer.same_incarnation || *peer.at - peer.since >= kReconnected);
}

OwnName::Peer& OwnName::report_of(PeerIndex peer) {
  if (peer >= reports_.size()) reports_.resize(std::size_t{peer} + 1);
  return reports_[peer];
}

void OwnName::receive(const Conflict& conflict, PeerIndex peer, Now now) {
  Peer& report = report_of(peer);
  const Claimant other{conflict.other_incarnation, conflict.other_address, conflict.other_host};
  if (is_over(report, now) || report.keeps_name != conflict.keeps_name || report.other != other)
    report.since = now.steady;
  report.at = now.steady;
  report.keeps_name = conflict.keeps_name;
  report.same_incarnation = conflict.other_incarnation == conflict.incarnations.receiver;
  report.other = other;
  answered_ = true;
  update(now);
}

void OwnName::welcomed(PeerIndex peer, Now now) {
  Peer& report = report_of(peer);
  if (answered_ && (!report.at || report.keeps_name)) return;
  answered_ = true;
  if (!report.keeps_name) report.at.reset();
  update(now);
}

void OwnName::forget(PeerIndex peer, Now now) {
  if (mutated(Mutant::RemovedStillRefuses)) return;
  report_of(peer) = {};
  if (reported_ && reported_->peer == peer) reported_.reset();
  update(now);
}

void OwnName::tick(Now now) {
  if (!started_at_) started_at_ = now.steady;
  for (Peer& peer : reports_) {
    if (is_over(peer, now)) peer.at.reset();
  }
  update(now);
}

void OwnName::update(Now now) {
  const bool refused = std::any_of(reports_.begin(), reports_.end(),
                                   [&](const Peer& peer) { return !peer.keeps_name && counts(peer, now); });
  const bool waited = started_at_ && now.steady - *started_at_ >= wait_;
  const bool known = answered_ || waited || mutated(Mutant::StartAcknowledges);
  may_acknowledge_ = (known && !refused) || mutated(Mutant::RefusedAcknowledges);
}

std::optional<OwnName::Report> OwnName::report(Now now) const {
  std::optional<Report> found;
  for (std::size_t i = 0; i < reports_.size(); ++i) {
    const Peer& peer = reports_[i];
    if (!counts(peer, now) || (found && (peer.keeps_name || !found->keeps_name))) continue;
    found = Report{static_cast<PeerIndex>(i), peer.keeps_name, peer.other};
  }
  return found;
}

// If several peers report the same conflict, it is logged once.
std::optional<OwnName::News> OwnName::take_news(Now now) {
  const auto present = report(now);
  if (!present) {
    if (!reported_) return std::nullopt;
    const News news{*reported_, true};
    reported_.reset();
    return news;
  }
  const bool same = reported_ && reported_->keeps_name == present->keeps_name &&
                    reported_->other.incarnation == present->other.incarnation;
  if (same && now.steady - reported_at_ < kClaimReported) return std::nullopt;
  reported_ = present;
  reported_at_ = now.steady;
  return News{*present, false};
}

Nanoseconds OwnName::deadline() const {
  Nanoseconds deadline = Nanoseconds::max();
  for (const Peer& peer : reports_) {
    if (peer.at && !mutated(Mutant::RefusalNeverEnds)) deadline = std::min(deadline, *peer.at + kRefusedFor);
  }
  if (!answered_ && !may_acknowledge_ && started_at_) deadline = std::min(deadline, *started_at_ + wait_);
  return deadline;
}

}  // namespace herd::bus
