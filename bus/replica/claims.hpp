// Which process has a peer's name, where several claim it: a copied configuration, a restored virtual machine, a node
// that was moved while the old one still runs. docs/PROTOCOL.md (One name, two processes) has the rules.
//
// Pure: time comes in, and what is sent goes out by Connections. One for each peer, owned by the replica, used on the
// loop's thread only. It remembers three processes at most: the holder, the one before it, and the last one refused.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "bus/replica/connections.hpp"
#include "bus/link/link.hpp"
#include "protocol/clock.hpp"
#include "protocol/messages.hpp"

namespace herd::bus {

// A claim is shown for so long after it was last made: a refused process makes it every 500 ms.
inline constexpr std::chrono::nanoseconds kClaimShown = 5s;
// A process that connected again, while its former connection still looks open, claims its own name: for as long as
// that connection counts as heard, and until its next HELLO. Longer claims of one incarnation are those of two copies.
inline constexpr std::chrono::nanoseconds kReconnected = kSilence + kHelloInterval;
// How often a claim that goes on is reported again.
inline constexpr std::chrono::nanoseconds kClaimReported = 60s;

// A process that claims a name, for people to find it.
struct Claimant {
  std::uint64_t incarnation = 0;
  std::string address;  // the bus address that its HELLO names; empty if it names none
  std::string host;     // the host from which its connection comes; empty if unknown
  bool operator==(const Claimant&) const = default;
};

class Claims {
 public:
  // A HELLO with the peer's name, and by which connection it came. Without Connections every connection but that one
  // counts as closed.
  struct Claim {
    const protocol::Hello& hello;
    std::string route;
    Connections* connections = nullptr;
  };

  enum class Verdict : std::uint8_t {
    Accepted,  // the process is the peer: take() follows
    Refused,   // the link is up and its process is still there: the HELLO changes nothing
    Late,      // it came by a connection that is closed: the HELLO changes nothing
  };

  // `link`: the state of the link to the peer now. Sends CONFLICT to both processes where the claim is refused.
  [[nodiscard]] Verdict judge(const Claim& claim, std::uint64_t own_incarnation, Connected link, protocol::Now now);

  // The process is the holder from now on.
  void take(const Claim& claim);

  // The HELLO of the holder before this one, if it gets the name back: this message comes by its connection, which is
  // open, and shows that it hears this node, while the holder does not.
  [[nodiscard]] std::optional<protocol::Hello> regained(const protocol::Welcome& welcome, const std::string& route,
                                                        Connections* connections, std::uint64_t own_incarnation,
                                                        Connected link);

  // By which connection the holder's messages come; empty: there is no holder.
  [[nodiscard]] const std::string& route() const { return holder_.route; }
  void forget_route() { holder_.route.clear(); }
  [[nodiscard]] const Claimant& holder() const { return holder_.claimant; }

  // The process that was refused lately, if any. The holder itself is none, unless it claims for longer than
  // kReconnected.
  [[nodiscard]] std::optional<Claimant> contender(protocol::Now now) const;

  // What is to be reported: a refused process that is new, or was last reported kClaimReported ago; or the end.
  enum class News : std::uint8_t { None, Refused, Over };
  [[nodiscard]] News take_news(protocol::Now now);
  // When take_news() must be called again, in steady time; max() for never.
  [[nodiscard]] protocol::Nanoseconds deadline() const;

 private:
  struct Process {
    Claimant claimant;
    std::string route;
    protocol::Hello hello;
  };

  Process holder_;
  std::optional<Process> former_;
  std::optional<Claimant> contender_;
  protocol::Nanoseconds since_{};    // the contender's first claim ...
  protocol::Nanoseconds seen_at_{};  // ... and its last one
  std::optional<protocol::Nanoseconds> reported_at_;
};

}  // namespace herd::bus
