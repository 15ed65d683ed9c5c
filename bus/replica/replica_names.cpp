// The part of bus/replica/replica.hpp about names: which peers there are, which connection belongs to a peer, and
// whether another process uses this node's name.
#include <utility>

#include "bus/replica/replica.hpp"
#include "bus/store/mutants.hpp"
#include "protocol/overloaded.hpp"

namespace herd::bus {

using protocol::Now;

void Replica::accept_claim(PeerIndex index, const Claims::Claim& claim, Now now) {
  peers_.take(index, claim);
  peers_[index].link.receive(claim.hello, now, store_.feed().tail());
}

// A name belongs to a key (rule 25).
bool Replica::may_be(const Incoming& incoming, std::string_view name) {
  return !incoming.authenticated || *incoming.authenticated == name || mutated(Mutant::HelloOfAnotherNameAccepted);
}

// If this WELCOME comes from a process that held a peer's name before, and shows that it is at the configured address,
// it holds the name again (rule 20).
void Replica::regain_name(const protocol::Welcome& welcome, const Incoming& incoming, Now now) {
  const std::string route(incoming.route);
  if (peers_.number_by(route)) return;
  for (PeerIndex index = 0; index < peers_.end_number(); ++index) {
    if (!peers_.has(index)) continue;
    const Connected link = peers_[index].link.connected(now);
    const auto hello = peers_[index].claims.regained(welcome, route, incoming.connections, self_->incarnation, link);
    if (!hello || !may_be(incoming, peers_[index].name)) continue;
    return accept_claim(index, {*hello, route, incoming.connections}, now);
  }
}

void Replica::receive_back(PeerIndex index, std::string_view header, Now now) {
  const auto message = protocol::decode(header);
  if (!message) return events_.refuse(peers_[index].name, "a message cannot be read: " + message.error().message);
  std::visit(protocol::Overloaded{
                 [&](const protocol::Conflict& conflict) { receive_conflict(index, conflict, now); },
                 [&](const auto& /*other*/) { ++events_.counters().messages_unknown; },
             },
             *message);
}

void Replica::receive_conflict(PeerIndex index, const protocol::Conflict& conflict, Now now) {
  if (conflict.incarnations.receiver != self_->incarnation && !mutated(Mutant::ConflictOfAnotherRunUsed)) return;
  own_name_.receive(conflict, index, now);
  if (!conflict.keeps_name) peers_[index].link.handshake().end_backoff();
  update_acknowledged();
}

void Replica::note_conflicts(Now now) {
  using Role = NameConflict::Role;
  if (const auto news = own_name_.take_news(now)) {
    const auto& [peer, keeps_name, other] = news->report;
    events_.note(NameConflict{keeps_name ? Role::Kept : Role::Refused, peers_[peer].name, {}, other, news->over});
  }
  for (Peer& peer : peers_) {
    const std::optional<Claimant> contender = peer.claims.contender(now);
    const Claims::News news = peer.claims.take_news(now);
    if (news == Claims::News::None) continue;
    events_.note(NameConflict{Role::Witness, peer.name, peer.claims.holder(), contender.value_or(Claimant{}),
                              news == Claims::News::Over});
  }
}

// ---- peers that come and go -----------------------------------------------------------------------------------------

PeerIndex Replica::add_peer(std::string name) {
  const PeerIndex number = peers_.add(std::move(name));
  update_acknowledged();
  return number;
}

// The next commit mark does not contain its position any more. If it returns, its feed is read from the beginning.
void Replica::remove_peer(PeerIndex number, Now now) {
  merger_.forget(peers_[number].name);
  own_name_.forget(number, now);
  peers_.remove(number);
  if (!mutated(Mutant::RemovedStillProves)) update_acknowledged();
}

}  // namespace herd::bus
