// Decides which process holds a peer's name if several processes claim it. Causes are a copied configuration, a
// restored virtual machine, or a node that was moved while the old one still runs.
//
// A process claims a name by a HELLO. The holder is the process from which messages are accepted as the peer's. A
// holder that answers keeps the name, and the other process is refused by CONFLICT; else the newest claim wins. Three
// processes at most are remembered: the holder, the one before it, and the last one that was refused (the contender).
//
// Pure: time is passed in; CONFLICT is sent through Connections. Owned by the replica, one for each peer; loop thread
// only. docs/PROTOCOL.md (rules 19 and 20) has the rules.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "bus/link/link_limits.hpp"
#include "bus/link/liveness.hpp"
#include "bus/replica/connections.hpp"
#include "protocol/clock.hpp"
#include "protocol/messages.hpp"

namespace herd::bus {

// A refused claim counts as present for this long after its last HELLO. A refused process repeats it every 500 ms.
inline constexpr std::chrono::nanoseconds kClaimShown = 5s;
// A process that reconnects while its former connection still looks open claims its own name. It does so as long as the
// link counts as up by that connection, and until its next HELLO. If claims of one incarnation last longer, two copies
// of a process make them.
inline constexpr std::chrono::nanoseconds kReconnected = kSilence + kHelloInterval;
// The time after which a conflict that lasts is reported again.
inline constexpr std::chrono::nanoseconds kClaimReported = 60s;

// A process that claims a name. Address and host help people to find it.
struct Claimant {
  std::uint64_t incarnation = 0;
  std::string address;  // the bus address that its HELLO names; empty if it names none
  std::string host;     // the host from which its connection comes; empty if unknown
  bool operator==(const Claimant&) const = default;
};

class Claims {
 public:
  // A HELLO with the peer's name, and the connection that it came by. If `connections` is null, all other connections
  // count as closed.
  struct Claim {
    const protocol::Hello& hello;
    std::string route;
    Connections* connections = nullptr;
  };

  enum class Verdict : std::uint8_t {
    Accepted,  // the process becomes the holder: call take()
    Refused,   // the link is up and the holder's connection is open: ignore the HELLO
    Late,      // the HELLO came by a connection that is closed by now: ignore it
  };

  // Judges a claim. `link`: the present state of the link to the peer. If the claim is refused, CONFLICT is sent to
  // both processes, at most every kHelloSpacing for one contender.
  [[nodiscard]] Verdict judge(const Claim& claim, std::uint64_t own_incarnation, Connected link, protocol::Now now);

  // Makes the claiming process the holder.
  void take(const Claim& claim);

  // Returns the HELLO of the former holder if it gets the name back, else nullopt. It does if the WELCOME came by its
  // connection, which is open, and names this node's incarnation, so it receives this node's messages; and if the link
  // is not up, so the present holder does not. Call take() with that HELLO then.
  [[nodiscard]] std::optional<protocol::Hello> regained(const protocol::Welcome& welcome, const std::string& route,
                                                        Connections* connections, std::uint64_t own_incarnation,
                                                        Connected link);

  // The connection of the holder; empty if there is no holder.
  [[nodiscard]] const std::string& route() const { return holder_.route; }
  void forget_route() { holder_.route.clear(); }
  [[nodiscard]] const Claimant& holder() const { return holder_.claimant; }

  // The process that was refused within kClaimShown, if any. A process with the holder's incarnation counts only if its
  // claims have lasted for kReconnected.
  [[nodiscard]] std::optional<Claimant> contender(protocol::Now now) const;

  // The event to report now. Refused: a new contender, or one that was last reported kClaimReported ago. Over: a
  // reported conflict has ended.
  enum class News : std::uint8_t { None, Refused, Over };
  [[nodiscard]] News take_news(protocol::Now now);
  // The steady time at which take_news() must be called again; max() for never.
  [[nodiscard]] protocol::Nanoseconds deadline() const;

 private:
  struct Process {
    Claimant claimant;
    std::string route;
    protocol::Hello hello;
  };

  Process holder_;
  std::optional<Process> former_;  // the holder before holder_
  std::optional<Claimant> contender_;
  protocol::Nanoseconds since_{};    // the contender's first claim ...
  protocol::Nanoseconds seen_at_{};  // ... and its last one
  std::optional<protocol::Nanoseconds> reported_at_;
};

}  // namespace herd::bus
