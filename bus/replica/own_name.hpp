// Whether this process may act as the node that its configuration names, as far as its peers say: one of them may be
// linked with another process of that name. docs/PROTOCOL.md (One name, two processes) has the rules.
//
// Pure: time comes in. Owned by the replica, used on the loop's thread only.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "bus/replica/claims.hpp"
#include "protocol/clock.hpp"
#include "protocol/messages.hpp"

namespace herd::bus {

// A process is refused for so long after a CONFLICT says so. It asks every 500 ms, so several of them may be lost.
inline constexpr std::chrono::nanoseconds kRefusedFor = 5s;
// At the start nothing is acknowledged for so long, unless a peer answers before. A first HELLO that found its peer
// without a link is said again after 500 ms, and the answer may take the rest.
inline constexpr std::chrono::nanoseconds kNameWait = 750ms;
static_assert(kNameWait >= kHelloInterval + 200ms);
static_assert(kRefusedFor >= 5 * kHelloInterval);

class OwnName {
 public:
  // `wait`: at the start, for a peer's answer; 0 for none, as where there are no peers.
  OwnName(std::size_t peers, protocol::Nanoseconds wait)
      : reports_(peers), wait_(wait), may_acknowledge_(wait.count() == 0) {}

  // The peer of that index says so, to this incarnation. One that names this incarnation as the other process's counts
  // only when they have come for kReconnected.
  void receive(const protocol::Conflict& conflict, std::size_t peer, protocol::Now now);
  // It says WELCOME to this incarnation: it is not refused there.
  void welcomed(std::size_t peer, protocol::Now now);
  // Notices what is over. Once a turn.
  void tick(protocol::Now now);

  // False: replies must wait, and the node is not ready.
  [[nodiscard]] bool may_acknowledge() const { return may_acknowledge_; }

  // What peers said lately of another process with this name. Of several, one: a refusal first.
  struct Report {
    std::size_t peer = 0;
    bool keeps_name = false;  // this process keeps the name there; else it is refused
    Claimant other;
    bool operator==(const Report&) const = default;
  };
  [[nodiscard]] std::optional<Report> report(protocol::Now now) const;

  // A report to be logged: a new one, one that goes on kClaimReported after it was logged last, or the end.
  struct News {
    Report report;
    bool over = false;
  };
  [[nodiscard]] std::optional<News> take_news(protocol::Now now);

  // When tick() or take_news() has next something to notice, in steady time; max() for never.
  [[nodiscard]] protocol::Nanoseconds deadline() const;

 private:
  struct Peer {
    protocol::Nanoseconds since{};            // of the first of its CONFLICTs that say the same ...
    std::optional<protocol::Nanoseconds> at;  // ... and of the last one, until it is over
    bool keeps_name = false;
    bool same_incarnation = false;  // the other process has this one's incarnation, or is this one
    Claimant other;
  };

  void update(protocol::Now now);
  [[nodiscard]] static bool is_over(const Peer& peer, protocol::Now now);
  [[nodiscard]] static bool counts(const Peer& peer, protocol::Now now);

  std::vector<Peer> reports_;
  protocol::Nanoseconds wait_;
  std::optional<protocol::Nanoseconds> started_at_;  // the first tick
  bool answered_ = false;                            // a peer has said WELCOME or CONFLICT
  bool may_acknowledge_;
  std::optional<Report> reported_;
  protocol::Nanoseconds reported_at_{};
};

}  // namespace herd::bus
