// Reconciliation with one peer (anti-entropy): compares the two stores by digests, and fetches the records that differ.
//
// As long as all is well the link's cursors keep the stores equal, and reconciliation finds nothing. It detects and
// repairs what cursors cannot notice: a fault in memory, in a peer, or in this program. One round, as this node begins
// it:
//
//   HELLO     ->            both sides state their cursors anew
//   DIGEST    ->            this node's digest of its whole store
//             <- DIGEST     the peer's digest; if it differs, also the hash sums of its 4,096 buckets
//                           equal digests, or no bucket that differs for long enough: the round ends here
//   PULL      ->            the buckets that differ, at most 512 in one PULL
//             <- ANSWER     their records, merged by the store's order; PULL and ANSWER repeat until all are sent
//
// A node repairs only its own store. The peer begins rounds of its own for the records that it lacks, and a PULL makes
// it begin one soon (`again`).
//
// Updates in flight are not a difference. A bucket is compared only if the cursors show that each side has merged all
// changes of the other in it. Even then it is pulled only if it differed in two rounds with the same sums, at least
// `unchanged` apart, or in three rounds with any sums and was not equal in between. So a herd under full load compares
// and pulls nothing.
//
// A difference makes the next round begin soon (`again`). At most three such extra rounds follow a regular one. Rounds
// begin only while the link's stream is open. A new incarnation of the peer ends the round and the pull under way.
//
// Pure: time is passed in, messages are taken out, random numbers come from a seed. Owned by the replica, one for each
// peer, beside its link; loop thread only. Bounded: one round or one pull of this node, and one answer of each kind to
// the peer, are under way at most; a newer request of the peer replaces one that is not answered yet. A comparison
// scans at most 16,384 changes of the feed (about 1 ms), and an ANSWER at most 4,096 records. docs/PROTOCOL.md (rules
// 15 to 17) has the rules.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "bus/link/link.hpp"
#include "bus/link/outgoing.hpp"
#include "bus/store/digest.hpp"
#include "bus/store/store.hpp"
#include "protocol/messages.hpp"
#include "protocol/result.hpp"
#include "protocol/sums.hpp"

namespace herd::bus {

struct ReconcileLimits {
  // Between two regular rounds: a random time in this range, so that the nodes of a herd do not all compare at once.
  protocol::Nanoseconds round_min = 30s;
  protocol::Nanoseconds round_max = 60s;
  protocol::Nanoseconds again = 2500ms;      // from a difference to the extra round that follows; above `unchanged`
  protocol::Nanoseconds unchanged = 2s;      // a bucket is pulled if its two sums differ and stay as they are so long
  protocol::Nanoseconds answer_within = 5s;  // without an answer for this long the round or the pull is abandoned
};

class Reconciler {
 public:
  // `seed`: of the times of rounds. `known_feed`: the peer's feed id as the journal holds it; 0: none. Whenever the
  // peer has another one, a round is due as soon as the link is synchronised. `first_number`: of rounds and pulls; must
  // be above those of a former link to the same peer (rule 29), minus 1.
  Reconciler(ReconcileLimits limits, std::uint64_t seed, std::uint64_t known_feed, std::uint64_t first_number = 0)
      : limits_(limits), random_(seed), known_feed_(known_feed), round_(first_number), pull_number_(first_number) {}

  // Begins a round if one is due, and abandons a round or a pull that was not answered in time. Call it once per loop
  // iteration, after the link's tick().
  void tick(Link& link, protocol::Now now);
  // The steady time at which tick() next has something to do; max() for never.
  [[nodiscard]] protocol::Nanoseconds tick_deadline(const Link& link) const;

  // Messages received from the peer. `sums`: the body frame of a DIGEST, if it has one; an Error if it cannot be
  // decoded; the round then ends without a result. Messages that do not name the present incarnations, and answers to
  // another round or pull, are ignored.
  [[nodiscard]] protocol::Result<void> receive(const protocol::Digest& digest, std::optional<std::string_view> sums,
                                               const Link& link, const Store& store, protocol::Now now);
  void receive(const protocol::Pull& pull, const Link& link, protocol::Now now);
  // Call it after the ANSWER's updates are merged. The caller must have checked its incarnations with
  // Link::is_current().
  void receive(const protocol::Answer& answer, protocol::Now now);

  // The next message to send, or nullopt. It counts as sent when it is taken. Call it after Link::take_message()
  // returned nullopt, so that the HELLO of a round precedes its DIGEST.
  [[nodiscard]] std::optional<Outgoing> take(const Link& link, const Store& store);
  [[nodiscard]] bool wants_to_send() const { return owe_ask_ || owe_digest_ || owe_pull_ || owe_answer_; }

  // The number of the last round that this node began; and how many buckets it asked the peer for since the start.
  [[nodiscard]] std::uint64_t rounds() const { return round_; }
  [[nodiscard]] std::uint64_t buckets_pulled() const { return buckets_pulled_; }

 private:
  // A bucket that has differed, but not for long enough to be pulled.
  struct Suspect {
    std::uint64_t ours = 0;         // our sum ...
    std::uint64_t theirs = 0;       // ... and the peer's in the last round
    protocol::Nanoseconds since{};  // since when both sums have had these values
    unsigned rounds = 0;            // rounds in which it has differed
  };

  void begin_round(Link& link, protocol::Now now);
  [[nodiscard]] protocol::Nanoseconds next_round(protocol::Now now);
  void begin_pull(protocol::Now now);
  void schedule_extra_round(protocol::Now now);
  void compare(const protocol::Sums& theirs, const protocol::Digest& digest, const Link& link, const Store& store,
               protocol::Now now);
  [[nodiscard]] bool must_be_pulled(Bucket bucket, std::uint64_t ours, std::uint64_t theirs, protocol::Now now);
  void forget_peer(const Link& link);
  [[nodiscard]] Outgoing digest(const Link& link, const Store& store) const;
  [[nodiscard]] Outgoing pull(const Link& link) const;
  [[nodiscard]] Outgoing answer(const Link& link, const Store& store) const;
  [[nodiscard]] std::uint64_t random();

  ReconcileLimits limits_;
  std::uint64_t random_;
  std::uint64_t known_feed_;
  std::uint64_t peer_incarnation_ = 0;  // that all below belongs to

  // Our rounds.
  std::uint64_t round_;
  bool scheduled_ = false;
  protocol::Nanoseconds due_at_{};
  bool extra_due_ = false;   // the next round is an extra one, because a difference was seen
  unsigned extra_left_ = 0;  // extra rounds allowed before the next regular one
  bool comparing_ = false;   // a round is under way
  protocol::Nanoseconds asked_at_{};
  std::uint64_t asked_with_ = 0;  // the digest that our DIGEST stated
  std::unordered_map<Bucket, Suspect> suspects_;

  // Our pulls.
  bool pulling_ = false;
  protocol::Nanoseconds pulled_at_{};
  std::uint64_t pull_number_;
  std::uint64_t pull_position_ = 0;
  std::vector<Bucket> to_pull_;  // in order; the first ones are in the present PULL
  std::uint64_t buckets_pulled_ = 0;

  // The peer's requests that are to be answered.
  protocol::Digest asked_;
  protocol::Pull pulled_;

  // Messages that are owed until take() takes them: our DIGEST, the answer to the peer's, our PULL, our ANSWER.
  bool owe_ask_ = false;
  bool owe_digest_ = false;
  bool owe_pull_ = false;
  bool owe_answer_ = false;
};

}  // namespace herd::bus
