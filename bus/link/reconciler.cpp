#include "bus/link/reconciler.hpp"

#include <algorithm>
#include <bitset>
#include <memory>
#include <utility>

#include "bus/store/mutants.hpp"
#include "protocol/body.hpp"
#include "protocol/limits.hpp"

namespace herd::bus {

using protocol::Answer;
using protocol::Digest;
using protocol::kBuckets;
using protocol::Nanoseconds;
using protocol::Now;
using protocol::Pull;
using protocol::Result;
using protocol::Sums;

namespace {

// Extra rounds between two regular ones: one that follows a PULL of the peer, one that confirms the difference, one
// that sees it repaired.
constexpr unsigned kExtraRounds = 3;
constexpr unsigned kRoundsToPull = 3;  // a bucket that differs in this many rounds is pulled, even if its sums change
// Changes scanned after the cursor: about 1 ms. More of them mean that the peer is still reading the feed.
constexpr std::size_t kMaxChangesScanned = 16'384;
// Records scanned for one ANSWER. Needed beside the bound on its size, because records in flight are not put in.
constexpr std::size_t kMaxRecordsScanned = 4'096;

// The buckets that have a change after `cursor` in our feed which the peer did not send us. nullopt if there are too
// many changes to scan.
std::optional<std::bitset<kBuckets>> in_flight(const Link& link, const Store& store, ChangeNumber cursor) {
  std::bitset<kBuckets> buckets;
  if (mutated(Mutant::InFlightCompared)) return buckets;
  Feed::Reader reader = store.feed().read_after(cursor);
  for (std::size_t count = 0; const auto entry = reader.next(); ++count) {
    if (count == kMaxChangesScanned) return std::nullopt;
    if (!link.sending().known().contains(store, *entry)) buckets.set(bucket_of(store.record_at(entry->index).client));
  }
  return buckets;
}

Outgoing with_body(const protocol::Message& message, std::string body) {
  return {protocol::encode(message), std::make_shared<const std::string>(std::move(body))};
}

}  // namespace

// ---- rounds ---------------------------------------------------------------------------------------------------------

void Reconciler::tick(Link& link, Now now) {
  if (link.handshake().peer_incarnation() != peer_incarnation_) forget_peer(link);
  if (comparing_ && now.steady - asked_at_ >= limits_.answer_within) comparing_ = owe_ask_ = false;
  if (pulling_ && now.steady - pulled_at_ >= limits_.answer_within) {
    pulling_ = owe_pull_ = false;
    to_pull_.clear();
  }
  if (!link.sending().is_open()) return;
  if (!scheduled_) {
    scheduled_ = true;
    due_at_ = next_round(now);
  }
  if (link.receiving().feed_id() != known_feed_ && link.receiving().synchronised()) {
    known_feed_ = link.receiving().feed_id();
    if (!mutated(Mutant::NewFeedNotCompared)) due_at_ = now.steady;
  }
  if (!comparing_ && !pulling_ && now.steady >= due_at_) begin_round(link, now);
}

Nanoseconds Reconciler::tick_deadline(const Link& link) const {
  if (comparing_) return asked_at_ + limits_.answer_within;
  if (pulling_) return pulled_at_ + limits_.answer_within;
  return link.sending().is_open() && scheduled_ ? due_at_ : Nanoseconds::max();
}

void Reconciler::begin_round(Link& link, Now now) {
  if (!mutated(Mutant::RoundWithoutHello)) link.handshake().request_hello();
  ++round_;
  comparing_ = owe_ask_ = true;
  asked_at_ = now.steady;
  if (!std::exchange(extra_due_, false)) extra_left_ = kExtraRounds;
  due_at_ = next_round(now);
}

Nanoseconds Reconciler::next_round(Now now) {
  const auto spread = static_cast<std::uint64_t>((limits_.round_max - limits_.round_min).count()) + 1;
  return now.steady + limits_.round_min + Nanoseconds{static_cast<std::int64_t>(random() % spread)};
}

// Call it when a difference was seen. The next round comes soon, unless kExtraRounds did not settle the difference.
void Reconciler::schedule_extra_round(Now now) {
  if (extra_due_ || extra_left_ == 0) return;
  if (!mutated(Mutant::SoonerWithoutEnd)) --extra_left_;
  extra_due_ = true;
  due_at_ = std::min(due_at_, now.steady + limits_.again);
}

void Reconciler::forget_peer(const Link& link) {
  peer_incarnation_ = link.handshake().peer_incarnation();
  suspects_.clear();
  to_pull_.clear();
  comparing_ = pulling_ = false;
  owe_ask_ = owe_digest_ = owe_pull_ = owe_answer_ = false;
}

// The generator splitmix64, which is good enough for jitter.
std::uint64_t Reconciler::random() {
  random_ += 0x9e3779b97f4a7c15ULL;
  std::uint64_t mixed = random_;
  mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9ULL;
  mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebULL;
  return mixed ^ (mixed >> 31);
}

// ---- received messages ----------------------------------------------------------------------------------------------

Result<void> Reconciler::receive(const Digest& digest, std::optional<std::string_view> sums, const Link& link,
                                 const Store& store, Now now) {
  if (!link.handshake().is_current(digest.incarnations)) return {};
  if (!digest.answer) {
    asked_ = digest;
    owe_digest_ = true;
    return {};
  }
  if (!comparing_ || owe_ask_ || digest.round != round_) return {};
  comparing_ = false;
  if (!sums) {
    if (digest.digest == asked_with_) suspects_.clear();
    return {};
  }
  const auto theirs = std::make_unique<Sums>();
  if (auto read = protocol::decode_sums(*sums, *theirs); !read) return read;
  compare(*theirs, digest, link, store, now);
  return {};
}

void Reconciler::compare(const Sums& theirs, const Digest& digest, const Link& link, const Store& store, Now now) {
  const auto unsettled = in_flight(link, store, digest.merged);
  if (!unsettled) return;
  for (Bucket bucket = 0; bucket < kBuckets; ++bucket) {
    const std::uint64_t ours = store.digests().sums()[bucket];
    if (ours == theirs.of[bucket]) {
      suspects_.erase(bucket);
    } else if (!theirs.unsettled[bucket] && !(*unsettled)[bucket] &&
               must_be_pulled(bucket, ours, theirs.of[bucket], now)) {
      to_pull_.push_back(bucket);
      suspects_.erase(bucket);
    }
  }
  if (!suspects_.empty() || !to_pull_.empty()) schedule_extra_round(now);
  if (to_pull_.empty()) return;
  buckets_pulled_ += to_pull_.size();
  pull_position_ = 0;
  begin_pull(now);
}

// Notes that the bucket differs in this round. True if it has differed for long enough to be pulled.
bool Reconciler::must_be_pulled(Bucket bucket, std::uint64_t ours, std::uint64_t theirs, Now now) {
  Suspect& suspect = suspects_[bucket];
  ++suspect.rounds;
  if (mutated(Mutant::DifferencePulledAtOnce)) return true;
  const bool same = suspect.rounds > 1 && suspect.ours == ours && suspect.theirs == theirs;
  if (!same) {
    suspect.ours = ours;
    suspect.theirs = theirs;
    suspect.since = now.steady;
  }
  if (same && now.steady - suspect.since >= limits_.unchanged) return true;
  return suspect.rounds >= kRoundsToPull && !mutated(Mutant::ChangingBucketNotPulled);
}

void Reconciler::begin_pull(Now now) {
  pulling_ = owe_pull_ = true;
  pulled_at_ = now.steady;
  ++pull_number_;
}

void Reconciler::receive(const Pull& pull, const Link& link, Now now) {
  if (!link.handshake().is_current(pull.incarnations)) return;
  pulled_ = pull;
  owe_answer_ = true;
  if (!mutated(Mutant::PulledNodeDoesNotPull)) schedule_extra_round(now);
}

void Reconciler::receive(const Answer& answer, Now now) {
  if (!pulling_ || answer.number != pull_number_) return;
  pulling_ = owe_pull_ = false;
  const std::size_t asked = std::min(to_pull_.size(), protocol::kMaxPulledBuckets);
  if (answer.done > asked || (answer.done == 0 && answer.position == pull_position_)) {  // impossible, or no progress
    to_pull_.clear();
    return;
  }
  to_pull_.erase(to_pull_.begin(), to_pull_.begin() + static_cast<std::ptrdiff_t>(answer.done));
  pull_position_ = answer.done < asked ? answer.position : 0;
  if (!to_pull_.empty()) begin_pull(now);
}

// ---- messages to send -----------------------------------------------------------------------------------------------

std::optional<Outgoing> Reconciler::take(const Link& link, const Store& store) {
  if (std::exchange(owe_ask_, false)) {
    asked_with_ = store.digest();
    return Outgoing{protocol::encode(Digest{link.handshake().incarnations(), round_, false, asked_with_,
                                            link.receiving().position().cursor}),
                    nullptr};
  }
  if (std::exchange(owe_digest_, false)) return digest(link, store);
  if (std::exchange(owe_pull_, false)) return pull(link);
  if (std::exchange(owe_answer_, false)) return answer(link, store);
  return std::nullopt;
}

Outgoing Reconciler::digest(const Link& link, const Store& store) const {
  const Digest answer{link.handshake().incarnations(), asked_.round, true, store.digest(),
                      link.receiving().position().cursor};
  Outgoing without_sums{protocol::encode(answer), nullptr};
  if (answer.digest == asked_.digest) return without_sums;
  const auto unsettled = in_flight(link, store, link.sending().cursors().merged);
  if (!unsettled) return without_sums;
  const auto sums = std::make_unique<Sums>(Sums{store.digests().sums(), *unsettled});
  return with_body(answer, protocol::encode_sums(*sums));
}

Outgoing Reconciler::pull(const Link& link) const {
  Pull request{link.handshake().incarnations(), pull_number_, pull_position_, {}};
  const std::size_t count = std::min(to_pull_.size(), protocol::kMaxPulledBuckets);
  request.buckets.assign(to_pull_.begin(), to_pull_.begin() + static_cast<std::ptrdiff_t>(count));
  return {protocol::encode(request), nullptr};
}

// A position in a bucket is 1 + the index of the record at which the next ANSWER continues; 0 is the bucket's first
// record.
Outgoing Reconciler::answer(const Link& link, const Store& store) const {
  const ChangeNumber acknowledged =
      mutated(Mutant::InFlightSent) ? store.feed().tail() : link.sending().cursors().merged;
  protocol::BodyEncoder encoder;
  Answer answer{link.handshake().incarnations(), pulled_.number, 0, 0};
  std::size_t scanned = 0;
  UpdateTexts texts;
  for (const Bucket bucket : pulled_.buckets) {
    RecordIndex at = store.digests().first(bucket);
    const auto position = static_cast<RecordIndex>(pulled_.position - 1);
    const bool goes_on = answer.done == 0 && pulled_.position > 0 && store.has(pulled_.position - 1);
    if (goes_on && bucket_of(store.record_at(position).client) == bucket && !mutated(Mutant::PositionForgotten))
      at = position;
    for (; at != BucketDigests::kEnd; at = store.next_in_bucket(at)) {
      const bool within_bounds = encoder.size() < protocol::kMaxBatchUpdates && scanned++ < kMaxRecordsScanned;
      if (within_bounds && (store.number_of(at) > acknowledged || encoder.add(store.update_at(at, texts)))) continue;
      answer.position = std::uint64_t{at} + 1;
      return with_body(answer, encoder.finish());
    }
    ++answer.done;
  }
  return with_body(answer, encoder.finish());
}

}  // namespace herd::bus
