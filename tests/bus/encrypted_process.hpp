// A node's replica with an encrypted bus over the loopback interface, in a ZeroMQ context of its own, for tests that
// play the loop by hand.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bus/keys/bus_keys.hpp"
#include "tests/bus/pumped_bus.hpp"
#include "tests/bus/two_replicas.hpp"
#include "tests/catch.hpp"

namespace herd::bus {

struct Process {
  std::unique_ptr<Replica> replica;
  std::unique_ptr<zmq::context_t> context;
  std::unique_ptr<PumpedBus> pumped;
  std::vector<std::string> cuts;     // the reasons
  std::vector<std::string> refused;  // the reasons

  // `peers`: names and addresses.
  struct Peer {
    std::string name;
    std::string address;
  };
  Process(const std::string& name, const std::string& bind, const std::vector<Peer>& peers, const BusKeys& keys) {
    static std::uint64_t incarnation = 0;
    std::vector<std::string> names;
    Bus::Addresses addresses{{bind}, {}};
    for (const Peer& peer : peers) {
      names.push_back(peer.name);
      addresses.peers.push_back(peer.address);
    }
    replica = make_replica(name, names, ++incarnation);
    // A former socket may still hold the port. Each attempt has a context of its own: ZeroMQ closes the sockets of the
    // attempt before in the background, which holds their names.
    for (const protocol::Nanoseconds end = real_time().steady + 10s; !pumped && real_time().steady < end;) {
      context = std::make_unique<zmq::context_t>();
      pumped = PumpedBus::open(*context, addresses, *replica, keys);
    }
    REQUIRE(pumped);
  }

  Bus& bus() { return pumped->bus(); }
  void run_once() {
    pumped->run_once();
    for (const ConnectionCut& cut : bus().take_cuts()) cuts.push_back(cut.reason);
    for (const RefusedConnection& connection : bus().take_refused()) refused.emplace_back(connection.reason);
  }
  [[nodiscard]] Connected link(PeerIndex peer = 0) const { return replica->connected(peer, real_time()); }
};

template <typename Condition>
bool until(const std::vector<Process*>& processes, Condition holds, protocol::Nanoseconds patience = 20s) {
  const protocol::Nanoseconds end = real_time().steady + patience;
  while (!holds()) {
    if (real_time().steady > end) return false;
    for (Process* process : processes) process->run_once();
  }
  return true;
}

}  // namespace herd::bus
