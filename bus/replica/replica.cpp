#include "bus/replica/replica.hpp"

#include <algorithm>
#include <functional>
#include <limits>
#include <utility>

#include "bus/store/mutants.hpp"
#include "protocol/assert.hpp"
#include "protocol/installation.hpp"
#include "protocol/limits.hpp"
#include "protocol/overloaded.hpp"
#include "protocol/unreachable.hpp"

namespace herd::bus {

using protocol::Batch;
using protocol::Hello;
using protocol::Message;
using protocol::Nanoseconds;
using protocol::Now;
using protocol::Update;
using protocol::Welcome;

namespace {

// The reason for which a HELLO of other protocol versions is refused, and which side to upgrade.
std::string version_mismatch(const Hello& hello, const std::string& node) {
  static_assert(protocol::kOldestProtocolVersion == protocol::kProtocolVersion, "the text names one version");
  const bool is_older = hello.version < protocol::kOldestProtocolVersion;
  const std::string spoken =
      hello.oldest_version == hello.version
          ? "version " + std::to_string(hello.version)
          : "versions " + std::to_string(hello.oldest_version) + " to " + std::to_string(hello.version);
  return "it speaks " + spoken + " of the bus protocol, this node " + std::to_string(protocol::kProtocolVersion) +
         ": upgrade " + (is_older ? hello.node + " to this release" : node + " to the release of " + hello.node);
}

// The reason for which a HELLO is refused that came over a connection with the key of another node, or of no node.
std::string key_mismatch(std::string_view owner) {
  if (owner.empty()) return "its key was removed or revoked";
  return "it uses the key of node '" + std::string(owner) +
         "': give each node a key of its own, with `" HERD_COMMAND " keygen`";
}

}  // namespace

Replica::Replica(const Options& options) : Replica(options, empty_state(options.self.feed_id, options.hash_seed)) {}

Replica::Replica(Options options, RecoveredState recovered)
    : self_(std::make_unique<Self>(options.self)),
      random_id_(std::move(options.random_id)),
      durability_(options.durability),
      store_(std::move(recovered.store)),
      planner_({recovered.run.feed_id, recovered.run.base, options.self.incarnation}, std::move(recovered.runs),
               recovered.cursor, recovered.sequence, options.planner),
      own_name_(options.peers.empty() ? Nanoseconds{} : options.name_wait),
      peers_(*self_, {options.limits, options.reconcile, options.jitter_seed}),
      reports_(options.reports),
      events_(options.propagation),
      merger_(*self_, store_, recent_, events_),
      sender_(store_, recent_, events_.counters()) {
  self_->feed_id = recovered.run.feed_id;
  HERD_ASSERT(options.peers.size() < protocol::kMaxNodes && self_->incarnation != 0 && self_->feed_id != 0);
  for (std::string& name : options.peers) {
    const auto restored = std::find_if(recovered.cursors.begin(), recovered.cursors.end(),
                                       [&](const PeerCursor& durable) { return durable.peer == name; });
    peers_.begin_with(std::move(name), restored == recovered.cursors.end() ? PeerCursor{} : *restored);
  }
  update_acknowledged();
}

namespace {

bool is_same_report(const RecordView& known, const protocol::Iamat& report) {
  return known.coordinates == report.coordinates && known.time_text == report.time_text;
}

}  // namespace

AcceptOutcome Replica::accept(const protocol::Iamat& report, Now now, const Store::ClientKey& client) {
  const Nanoseconds difference = now.wall - report.time;
  std::uint32_t epoch = 0;
  const Store::Slot slot = store_.locate(client);
  if (slot.found()) {
    const RecordFields& known = slot.known;
    if (report.time <= known.time) {
      const ChangeNumber number = mutated(Mutant::RedundantReplyDoesNotWait) ? 0 : known.number;
      const bool same = report.time == known.time && is_same_report(store_.record_at(slot.index()), report);
      return {same ? Accepted::Duplicate : Accepted::NotNewer, difference, number};
    }
    epoch = mutated(Mutant::EpochNotTakenOver) ? 0 : known.epoch;
  }
  const Update update{next_id(), epoch, report.client, report.coordinates, report.time_text, report.time, difference};
  return {Accepted::Stored, difference, store_own(update, slot)};
}

ResetOutcome Replica::reset(std::string_view client, Now now) {
  const Store::Slot slot = store_.locate(client);
  if (!slot.found()) return {Reset::Unknown, 0, 0};
  const RecordView known = store_.record_at(slot.index());
  if (is_reset(known)) return {Reset::Already, known.epoch, slot.known.number};
  if (known.epoch == std::numeric_limits<std::uint32_t>::max()) return {Reset::TooOften, known.epoch, 0};
  const std::uint32_t epoch = known.epoch + (mutated(Mutant::ResetKeepsEpoch) ? 0 : 1);
  const Update update{next_id(), epoch, client, {}, kResetTime, {}, now.wall};
  return {Reset::Done, update.epoch, store_own(update, slot)};
}

// The identity of the next update of which this node is the origin.
protocol::UpdateId Replica::next_id() const {
  const std::uint64_t run = mutated(Mutant::IdentityByFeed) ? self_->feed_id : self_->incarnation;
  return {self_->node, run, store_.feed().tail() + 1};
}

// Stores an update of which this node is the origin, with the identity next_id(). It must be greater than the record,
// in the store's order.
ChangeNumber Replica::store_own(const Update& update, const Store::Slot& slot) {
  const Store::Merged merged = store_.merge(update, kFromClient, slot);
  HERD_ASSERT(merged == Store::Merged::Changed || mutated(Mutant::ResetKeepsEpoch) ||
              mutated(Mutant::EpochNotTakenOver));
  return update.id.number;
}

void Replica::receive(const Incoming& incoming, Now now) {
  const auto message = protocol::decode(incoming.header);
  if (!message) return events_.refuse({}, "a message cannot be read: " + message.error().message);
  const auto receive_from_peer = [&](const auto& of_peer) {
    const auto number = peers_.number_by(incoming.route);
    // A stranger, or a peer that has just reconnected: then its HELLO follows. Or a connection of which the key belongs
    // to another node since a reload.
    if (!number || !may_be(incoming, peers_[*number].name)) {
      ++events_.counters().messages_refused;
      return;
    }
    peers_[*number].received.count(incoming.header, incoming.body.value_or(""));
    receive(FromPeer{peers_[*number], *number, incoming, now}, of_peer);
    if (durability_.replicas > 0) update_acknowledged();
  };
  std::visit(protocol::Overloaded{
                 receive_from_peer,
                 [&](const Hello& hello) { receive_hello(incoming, hello, now); },
                 [&](const Welcome& welcome) {
                   regain_name(welcome, incoming, now);
                   receive_from_peer(welcome);
                 },
                 [&](const protocol::UnknownMessage& /*unknown*/) { ++events_.counters().messages_unknown; },
             },
             *message);
}

void Replica::receive_damaged() {
  ++events_.counters().messages_damaged;
  events_.note(PeerRefused{{}, "a message was damaged on its way, or its sender is no node of this release"});
}

void Replica::receive_hello(const Incoming& incoming, const Hello& hello, Now now) {
  if (hello.oldest_version > protocol::kProtocolVersion || hello.version < protocol::kOldestProtocolVersion) {
    return events_.refuse(hello.node, version_mismatch(hello, self_->node));
  }
  if (hello.herd != self_->herd) {
    return events_.refuse(hello.node, "it belongs to herd '" + hello.herd + "', this node to '" + self_->herd +
                                          "': check `name` in [herd] and the addresses of the nodes");
  }
  if (!may_be(incoming, hello.node)) return events_.refuse(hello.node, key_mismatch(*incoming.authenticated));
  const auto number = peers_.number_of(hello.node);
  if (!number) {
    return events_.refuse(
        hello.node, "it is no configured peer of this node: list each of the two nodes in the `peers` of the other");
  }
  if (hello.incarnation == 0 || hello.feed_id == 0) {
    return events_.refuse(hello.node, "its HELLO has no incarnation or no feed id");
  }
  Peer& peer = peers_[*number];
  const Claims::Claim claim{hello, std::string(incoming.route), incoming.connections};
  if (mutated(Mutant::FirstRouteStays) && !peer.claims.route().empty()) {
    return peer.link.receive(hello, now, store_.feed().tail());
  }
  switch (peer.claims.judge(claim, self_->incarnation, peer.link.connected(now), now)) {
    case Claims::Verdict::Accepted:
      return accept_claim(*number, claim, now);
    case Claims::Verdict::Refused:
    case Claims::Verdict::Late:
      ++events_.counters().messages_refused;
      return;
  }
  protocol::unreachable();
}

void Replica::receive(const FromPeer& from, const Welcome& welcome) {
  Link& link = from.peer.link;
  if (link.handshake().is_current(welcome.incarnations)) own_name_.welcomed(from.index, from.now);
  const OurFeed feed{planner_.runs(), store_.feed().tail(), planner_.cursor()};
  renew_if_foreign(link.receive(welcome, from.now, feed), from.peer, from.now);
  update_acknowledged();
}

void Replica::receive(const FromPeer& from, const protocol::Ack& ack) {
  renew_if_foreign(from.peer.link.receive(ack, from.now, store_.feed().tail()), from.peer, from.now);
}

void Replica::receive(const FromPeer& from, const Batch& batch) {
  ++events_.counters().batches_received;
  if (!from.peer.link.accepts(batch, from.now)) return;
  const BodyMerger::Merged merged = merger_.merge_batch(body_of(from));
  if (mutated(Mutant::PoisonBlocks) && !merged.is_readable) return;
  if (mutated(Mutant::EmptyBatchUnanswered) && merged.updates == 0) return;
  from.peer.link.merged(batch);
}

void Replica::receive(const FromPeer& from, const protocol::Digest& digest) {
  Reconciler& reconciler = from.peer.reconciler;
  const std::uint64_t pulled = reconciler.buckets_pulled();
  const auto received = reconciler.receive(digest, from.incoming.body, from.peer.link, store_, from.now);
  events_.counters().buckets_pulled += reconciler.buckets_pulled() - pulled;
  if (!received) events_.refuse(from.peer.name, "its digest cannot be read: " + received.error().message);
}

void Replica::receive(const FromPeer& from, const protocol::Pull& pull) {
  from.peer.reconciler.receive(pull, from.peer.link, from.now);
}

// An ANSWER contains only records that the cursors cover. So each of its updates that changes the store repairs a
// divergence.
void Replica::receive(const FromPeer& from, const protocol::Answer& answer) {
  if (!from.peer.link.handshake().is_current(answer.incarnations)) return;
  const std::size_t repaired = merger_.merge_answer(body_of(from)).changed;
  events_.counters().divergences_healed += repaired;
  if (repaired > 0) events_.note(DivergenceRepaired{from.peer.name, repaired});
  from.peer.reconciler.receive(answer, from.now);
}

void Replica::receive(const FromPeer& from, const protocol::Pong& pong) {
  from.peer.link.receive(pong, from.now);
  if (reports_ != nullptr) reports_->receive(pong.reports, from.peer.name, from.now);
}

void Replica::tick(Now now) {
  const bool may_acknowledge = own_name_.may_acknowledge();
  own_name_.tick(now);
  if (own_name_.may_acknowledge() != may_acknowledge) update_acknowledged();
  note_conflicts(now);
  for (Peer& peer : peers_) {
    const std::uint64_t before = peer.link.round_trip().timeouts();
    peer.link.tick(now);
    events_.counters().timeouts += peer.link.round_trip().timeouts() - before;
    const std::uint64_t rounds = peer.reconciler.rounds();
    peer.reconciler.tick(peer.link, now);
    events_.counters().digest_rounds += peer.reconciler.rounds() - rounds;
    const Connected state = peer.link.connected(now);
    if (state == peer.announced) continue;
    peer.announced = state;
    events_.note(LinkChanged{peer.name, state, lag_of(peer)});
  }
}

std::optional<Outgoing> Replica::take(PeerIndex index, Now now) {
  auto message = next_message(index, now);
  if (message) peers_[index].sent.count(message->header, message->body ? std::string_view(*message->body) : "");
  return message;
}

std::optional<Outgoing> Replica::next_message(PeerIndex index, Now now) {
  Peer& peer = peers_[index];
  if (auto message = peer.link.take_message(now, store_.feed().tail())) {
    auto* pong = std::get_if<protocol::Pong>(&*message);
    if (pong != nullptr && reports_ != nullptr) pong->reports = reports_->for_peer(peer.name, now);
    return Outgoing{protocol::encode(*message), nullptr};
  }
  if (auto message = peer.reconciler.take(peer.link, store_)) return message;
  return sender_.take(peer.link, index, planner_.cursor(), now);
}

// ---- durability -----------------------------------------------------------------------------------------------------

std::vector<PeerCursor> Replica::peer_cursors() const {
  std::vector<PeerCursor> cursors;
  cursors.reserve(peers_.size());
  for (const Peer& peer : peers_) cursors.push_back(peer.link.receiving().as_peer_cursor(peer.name));
  return cursors;
}

void Replica::flush_written() {
  std::vector<PeerCursor> cursors = planner_.flush_written(store_);
  if (mutated(Mutant::DurableCursorsTakenAfter)) cursors = peer_cursors();
  for (const PeerCursor& durable : cursors) {
    for (Peer& peer : peers_) {
      if (peer.name == durable.peer) peer.link.receiving().durable(durable);
    }
  }
  update_acknowledged();
}

void Replica::update_acknowledged() {
  if (!own_name_.may_acknowledge()) {
    acknowledged_ = 0;
    return;
  }
  acknowledged_ = durability_.journal ? planner_.durable() : std::numeric_limits<ChangeNumber>::max();
  if (durability_.replicas == 0) return;
  std::vector<ChangeNumber> proven;
  proven.reserve(std::max<std::size_t>(peers_.size(), durability_.replicas));
  for (const Peer& peer : peers_) proven.push_back(peer.link.sending().proven());
  if (proven.size() < durability_.replicas) proven.resize(durability_.replicas);  // too few peers prove nothing
  const auto kth = proven.begin() + static_cast<std::ptrdiff_t>(durability_.replicas) - 1;
  std::nth_element(proven.begin(), kth, proven.end(), std::greater<>());
  acknowledged_ = std::min(acknowledged_, *kth);
}

void Replica::set_replicas(std::size_t replicas, const LinkLimits& limits) {
  durability_.replicas = replicas;
  if (replicas == 0) {
    for (Peer& peer : peers_) peer.link.sending().await(0);
  }
  peers_.acknowledge_as(limits);
  update_acknowledged();
}

void Replica::await(ChangeNumber number) {
  if (durability_.replicas == 0) return;
  for (Peer& peer : peers_) peer.link.sending().await(number);
}

// ---------------------------------------------------------------------------------------------------------------------

Outgoing Replica::farewell() const {
  return {protocol::encode(protocol::Bye{self_->incarnation}), nullptr};
}

Nanoseconds Replica::tick_deadline(Now now) const {
  Nanoseconds deadline = own_name_.deadline();
  for (const Peer& peer : peers_) {
    deadline = std::min(
        {deadline, peer.claims.deadline(), peer.link.tick_deadline(now), peer.reconciler.tick_deadline(peer.link)});
  }
  return deadline;
}

Nanoseconds Replica::send_deadline(PeerIndex peer) const {
  return peers_[peer].link.send_deadline();
}

// Counts entries, because the difference of two change numbers is no count: each start of a node skips 2^40 of them.
std::size_t Replica::lag_of(const Peer& peer) const {
  return store_.feed().count_after(peer.link.sending().cursors().merged);
}

PeerStatus Replica::peer_status(PeerIndex index, Now now) const {
  const Peer& peer = peers_[index];
  return {peer.name,
          peer.link.connected(now),
          peer.link.sending().cursors(),
          lag_of(peer),
          peer.link.round_trip().average(),
          peer.link.round_trip().skew(),
          peer.claims.contender(now),
          peer.sent,
          peer.received};
}

void Replica::check_invariants() const {
  store_.check_invariants();
  const ChangeNumber tail = store_.feed().tail();
  HERD_ASSERT(planner_.durable() <= planner_.cursor() && planner_.cursor() <= tail);
  HERD_ASSERT(own_name_.may_acknowledge() || acknowledged_ == 0);
  HERD_ASSERT(peers_.size() >= durability_.replicas || acknowledged_ == 0);
  peers_.check_invariants(tail);
}

bool Replica::synchronised() const {
  return std::all_of(peers_.begin(), peers_.end(),
                     [](const Peer& peer) { return peer.link.receiving().synchronised(); });
}

}  // namespace herd::bus
