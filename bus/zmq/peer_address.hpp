// Which IP address a node dials to reach one peer. libzmq gets IP addresses only: it would resolve a host name on its
// I/O thread, and a name server that does not answer would stop all links for seconds. If the configuration has an IP
// address, that never changes. If it has a host name:
//
//   - The name is looked up at the start, as soon as the link is not up any more, and then every kAskInterval until it
//     is up again. While the link is up, its address is not questioned.
//   - If the address in use is not among the new ones, the first of those is dialled.
//   - While the link is not up, the addresses take turns, kAddressPatience each.
//   - If a lookup fails or does not end, the known addresses stay in use.
//
// Pure: the bus asks, and passes in the answers. Owned by PeerAddresses, one for each peer; loop thread only.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "bus/zmq/name_resolver.hpp"
#include "protocol/clock.hpp"

namespace herd::bus {

// From the end of a lookup to the next one, while the link is not up. A peer with a new address is found about as soon
// as the name service has it.
inline constexpr protocol::Nanoseconds kAskInterval = std::chrono::seconds(5);
// How long an address is tried before the next one. Longer than libzmq waits for a connection or a handshake (2 s).
inline constexpr protocol::Nanoseconds kAddressPatience = std::chrono::seconds(3);
// A lookup without an answer for so long counts as failed until the answer comes.
inline constexpr protocol::Nanoseconds kAnswerPatience = std::chrono::seconds(5);
// The addresses of one name that are used; further ones are ignored.
inline constexpr std::size_t kMaxAddressesOfName = 16;

// What changed, for the log. Either the name cannot be looked up (`trouble`), or it was, or another address is used.
struct AddressChange {
  std::string host;
  std::string endpoint;  // that is dialled now: tcp://IP:PORT; empty: none is known yet
  std::string trouble;   // why the lookup failed; empty: it did not
};

class PeerAddress {
 public:
  // `configured`: tcp://HOST:PORT. An endpoint of another form is used as it is.
  explicit PeerAddress(std::string configured);

  // The host name to look up; empty if the configuration has an IP address.
  [[nodiscard]] const std::string& host() const { return host_; }
  // The endpoint to dial; empty: none is known yet.
  [[nodiscard]] const std::string& endpoint() const { return endpoint_; }

  // Call it in each loop iteration, for a name only. `is_up`: the state of the link.
  struct Step {
    bool ask = false;   // look host() up now
    bool dial = false;  // endpoint() has changed: dial anew
  };
  [[nodiscard]] Step update(bool is_up, protocol::Now now);
  // The steady time at which update() must be called again; max() for never.
  [[nodiscard]] protocol::Nanoseconds due() const;

  // The connection is opened again although the link may look well: look the name up soon.
  void ask_soon() { ask_due_ = protocol::Nanoseconds{}; }

  // The answer to a lookup of host(), also of one that another peer with the same host began. True: endpoint() has
  // changed: dial anew.
  [[nodiscard]] bool receive(const HostAnswer& answer, protocol::Now now);

  // The newest change since the last call.
  [[nodiscard]] std::optional<AddressChange> take_change();

 private:
  [[nodiscard]] std::string endpoint_of(const std::string& address) const;
  [[nodiscard]] bool use_next(protocol::Now now);
  void note_trouble(const std::string& trouble);
  void announce();

  std::string host_;                               // empty: an IP address
  std::string port_;                               // of a name: the digits
  std::string endpoint_;                           // in use
  std::vector<std::string> endpoints_;             // of the newest answer
  bool is_up_ = false;                             // at the last update()
  bool has_trouble_ = false;                       // the newest lookup failed
  std::optional<protocol::Nanoseconds> asked_at_;  // a lookup is under way since this time
  protocol::Nanoseconds ask_due_{};                // while none is under way and the link is not up: the next one
  protocol::Nanoseconds turn_due_{};               // while the link is not up: when the next address is tried
  std::string announced_;                          // the endpoint in the newest change
  std::optional<AddressChange> change_;            // not taken yet
};

}  // namespace herd::bus
