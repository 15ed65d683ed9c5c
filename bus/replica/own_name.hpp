// Decides whether this process may act as the node that its configuration names. A peer may be linked with another
// process of the same name; it reports that by CONFLICT. While a peer refuses this process, it must not acknowledge
// reports of clients, and is not ready. bus/replica/claims.hpp is the other side of it.
//
// Pure: time is passed in. Owned by the replica; loop thread only. docs/PROTOCOL.md (rules 21 and 22) has the rules.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include "bus/replica/claims.hpp"
#include "bus/store/packed_record.hpp"
#include "protocol/clock.hpp"
#include "protocol/messages.hpp"

namespace herd::bus {

// A process counts as refused for this long after the last CONFLICT that refuses it. It sends HELLO every 500 ms, so
// several CONFLICTs in a row may be lost.
inline constexpr std::chrono::nanoseconds kRefusedFor = 5s;
// After the start nothing is acknowledged for this long, unless a peer answers before. A HELLO that is lost, because
// the peer has no connection yet, is repeated after 500 ms; the rest is for the answer.
inline constexpr std::chrono::nanoseconds kNameWait = 750ms;
static_assert(kNameWait >= kHelloInterval + 200ms);
static_assert(kRefusedFor >= 5 * kHelloInterval);

class OwnName {
 public:
  // `wait`: how long to wait for a peer's answer at the start; 0 for not at all, as it must be without peers.
  explicit OwnName(protocol::Nanoseconds wait) : wait_(wait), may_acknowledge_(wait.count() == 0) {}

  // The peer with this number sent CONFLICT to this incarnation. If it names this incarnation as the other process too,
  // it counts only after such CONFLICTs have come for kReconnected.
  void receive(const protocol::Conflict& conflict, PeerIndex peer, protocol::Now now);
  // The peer sent WELCOME to this incarnation, so it does not refuse this process.
  void welcomed(PeerIndex peer, protocol::Now now);
  // The peer with this number was removed: its reports are void. A conflict that was logged by them gets no end.
  void forget(PeerIndex peer, protocol::Now now);
  // Ends refusals and the wait of the start when their time is over. Call it once per loop iteration.
  void tick(protocol::Now now);

  // If false, replies to clients must wait, and the node is not ready.
  [[nodiscard]] bool may_acknowledge() const { return may_acknowledge_; }

  // A peer's newest report of another process with this name. Of several reports, one that refuses this process is
  // preferred.
  struct Report {
    PeerIndex peer = 0;
    bool keeps_name = false;  // this process keeps the name at that peer; else it is refused
    Claimant other;
    bool operator==(const Report&) const = default;
  };
  [[nodiscard]] std::optional<Report> report(protocol::Now now) const;

  // The report to log now: a new one, one that lasts and was last logged kClaimReported ago, or the end of one.
  struct News {
    Report report;
    bool over = false;
  };
  [[nodiscard]] std::optional<News> take_news(protocol::Now now);

  // The steady time at which tick() or take_news() must be called again; max() for never.
  [[nodiscard]] protocol::Nanoseconds deadline() const;

 private:
  struct Peer {
    protocol::Nanoseconds since{};            // time of the first of its CONFLICTs with the same content ...
    std::optional<protocol::Nanoseconds> at;  // ... and of the last one; nullopt: none, or over
    bool keeps_name = false;
    bool same_incarnation = false;  // the other process has this incarnation: it may be this process, reconnected
    Claimant other;
  };

  [[nodiscard]] Peer& report_of(PeerIndex peer);
  void update(protocol::Now now);
  [[nodiscard]] static bool is_over(const Peer& peer, protocol::Now now);
  [[nodiscard]] static bool counts(const Peer& peer, protocol::Now now);

  std::vector<Peer> reports_;  // by the number of the peer; it grows with the first report of a peer
  protocol::Nanoseconds wait_;
  std::optional<protocol::Nanoseconds> started_at_;  // the first tick
  bool answered_ = false;                            // a peer has sent WELCOME or CONFLICT
  bool may_acknowledge_;
  std::optional<Report> reported_;
  protocol::Nanoseconds reported_at_{};
};

}  // namespace herd::bus
