// Anti-entropy with one peer: now and then the two stores are compared by the sums of their buckets, and what this one
// lacks is fetched. Cursors make that unnecessary as long as everything is right; this finds and heals what they cannot
// notice. docs/PROTOCOL.md (Digests) has the rules.
//
// Pure: time comes in, messages go out, chance comes from a seed. Owned by the replica beside the peer's link, used on
// the loop's thread only. Bounded: one round, one pull and one answer of each kind are under way at most.
//
// What is merely in flight never counts as a difference: a bucket is compared only where the link's cursors say that
// each side has merged all that the other has changed in it. So a herd under full load compares, and pulls nothing.
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
  protocol::Nanoseconds round_min = 30s;     // from one round to the next, at random ...
  protocol::Nanoseconds round_max = 60s;     // ... so that a herd's nodes do not all compare at once
  protocol::Nanoseconds again = 2500ms;      // to the round that follows a difference; above `unchanged`
  protocol::Nanoseconds unchanged = 2s;      // a difference that stays as it is for so long is believed
  protocol::Nanoseconds answer_within = 5s;  // or the round, or the pull, is given up
};

class Reconciler {
 public:
  // `known_feed`: of the peer, as a journal remembers it; 0: none. A peer with another is compared with at once.
  Reconciler(ReconcileLimits limits, std::uint64_t seed, std::uint64_t known_feed)
      : limits_(limits), random_(seed), known_feed_(known_feed) {}

  // Begins a round where one is due, and gives up what was not answered. Once a turn, after the link's tick.
  void tick(Link& link, protocol::Now now);
  // When tick() next has something to do, in steady time; max() for never.
  [[nodiscard]] protocol::Nanoseconds tick_deadline(const Link& link) const;

  // What the peer says. An Error if a frame of sums cannot be read.
  [[nodiscard]] protocol::Result<void> receive(const protocol::Digest& digest, std::optional<std::string_view> sums,
                                               const Link& link, const Store& store, protocol::Now now);
  void receive(const protocol::Pull& pull, const Link& link, protocol::Now now);
  // Its updates are merged.
  void receive(const protocol::Answer& answer, protocol::Now now);

  // What to say next. It counts as said when it is taken.
  [[nodiscard]] std::optional<Outgoing> take(const Link& link, const Store& store);
  [[nodiscard]] bool wants_to_send() const { return owe_ask_ || owe_digest_ || owe_pull_ || owe_answer_; }

  // Rising only.
  [[nodiscard]] std::uint64_t rounds() const { return round_; }
  [[nodiscard]] std::uint64_t buckets_pulled() const { return buckets_pulled_; }

 private:
  // A bucket whose sums differ.
  struct Suspect {
    std::uint64_t ours = 0;
    std::uint64_t theirs = 0;
    protocol::Nanoseconds since{};  // they have been these
    unsigned rounds = 0;            // it has differed so often
  };

  void begin_round(Link& link, protocol::Now now);
  [[nodiscard]] protocol::Nanoseconds next_round(protocol::Now now);
  void begin_pull(protocol::Now now);
  void sooner(protocol::Now now);
  void compare(const protocol::Sums& theirs, const protocol::Digest& digest, const Link& link, const Store& store,
               protocol::Now now);
  [[nodiscard]] bool believed(Bucket bucket, std::uint64_t ours, std::uint64_t theirs, protocol::Now now);
  void forget_peer(const Link& link);
  [[nodiscard]] Outgoing digest(const Link& link, const Store& store) const;
  [[nodiscard]] Outgoing pull(const Link& link) const;
  [[nodiscard]] Outgoing answer(const Link& link, const Store& store) const;
  [[nodiscard]] std::uint64_t random();

  ReconcileLimits limits_;
  std::uint64_t random_;
  std::uint64_t known_feed_;
  std::uint64_t peer_incarnation_ = 0;  // of the peer

  // Our rounds.
  std::uint64_t round_ = 0;
  bool scheduled_ = false;
  protocol::Nanoseconds due_at_{};
  bool is_sooner_ = false;    // the next round is due because something differed
  unsigned sooner_left_ = 0;  // such rounds, until one is due by the clock
  bool comparing_ = false;    // a round is under way
  protocol::Nanoseconds asked_at_{};
  std::uint64_t asked_with_ = 0;  // our digest then
  std::unordered_map<Bucket, Suspect> suspects_;

  // Our pulls.
  bool pulling_ = false;
  protocol::Nanoseconds pulled_at_{};
  std::uint64_t pull_number_ = 0;
  std::uint64_t pull_position_ = 0;
  std::vector<Bucket> to_pull_;
  std::uint64_t buckets_pulled_ = 0;

  // What the peer wants to know.
  protocol::Digest asked_;
  protocol::Pull pulled_;

  bool owe_ask_ = false;
  bool owe_digest_ = false;
  bool owe_pull_ = false;
  bool owe_answer_ = false;
};

}  // namespace herd::bus
