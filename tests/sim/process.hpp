// One run of a node in the simulator: the production replica, journal and loop over the virtual network and a virtual
// disk. A crash ends it; then the node gets a new one. Owned by the world's node.
#pragma once

#include <compare>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "bus/link/numbered.hpp"
#include "bus/loop/loop.hpp"
#include "bus/replica/replica.hpp"
#include "tests/sim/disk.hpp"
#include "tests/sim/network.hpp"

namespace herd::sim {

// How new a record is. A promise to a client is that no node will have an older record.
struct Age {
  std::uint32_t epoch = 0;
  Nanoseconds time{};
  auto operator<=>(const Age&) const = default;  // NOLINT(modernize-use-nullptr): clang-tidy 14 sees a 0 in it
};

// A reply to an IAMAT: it may leave when `number` is acknowledged.
struct Reply {
  std::string client;
  Age age;
  bus::ChangeNumber number = 0;
};

class Process : private bus::Transport, private bus::LoopHost {
 public:
  struct Parts {
    NodeIndex index = 0;           // in the network
    std::vector<NodeIndex> peers;  // at the start, in the order of the replica's peers
    Network& network;
    const Nanoseconds& now;
    Disk& disk;
    std::function<void(const Reply&)> answered;  // a reply has left
    std::function<void(std::uint64_t)> note;     // something happened that belongs to the trace
  };
  // Everything in `parts` must outlive the process. The journal of the disk contains the begin of the run.
  Process(Parts parts, std::unique_ptr<bus::Replica> replica, const bus::Journal::Options& journal);

  [[nodiscard]] bus::Replica& replica() { return *replica_; }
  [[nodiscard]] const bus::Replica& replica() const { return *replica_; }
  [[nodiscard]] const std::deque<Reply>& waiting() const { return waiting_; }

  // A message arrives: the next iteration receives it.
  void arrive(Delivery delivery);
  // The reply to a report leaves now, or when it may.
  void answer(Reply reply);
  // A reload adds or removes a link to this node.
  void add_peer(NodeIndex peer, const std::string& name);
  void remove_peer(NodeIndex peer, protocol::Now now);
  // The process continues under another index of the network.
  void move_to(NodeIndex index) { parts_.index = index; }

  // The end of one loop iteration. Returns when the next one is due.
  [[nodiscard]] Nanoseconds iterate(protocol::Now now);
  // A sync of its journal failed: the process ends now.
  [[nodiscard]] bool disk_lost() const { return loop_.disk_lost(); }

 private:
  // bus::Transport
  [[nodiscard]] bool receive(protocol::Now now) override;
  bool receive_back(bus::PeerIndex peer, protocol::Now now) override;
  [[nodiscard]] bool touched(bus::PeerIndex peer) const override;
  [[nodiscard]] bool was_writable(bus::PeerIndex peer) const override;
  [[nodiscard]] bool writable(bus::PeerIndex peer) override { return was_writable(peer); }
  void send(bus::PeerIndex peer, const bus::Outgoing& message) override;
  void reconnect(bus::PeerIndex peer) override;
  [[nodiscard]] Nanoseconds due() const override { return Nanoseconds::max(); }

  // bus::LoopHost
  void deliver(protocol::Now) override {}
  void release(bus::ChangeNumber acknowledged) override;
  [[nodiscard]] bus::ChangeNumber awaited() const override;
  [[nodiscard]] bool report(protocol::Now now) override;

  // The connection to a peer.
  struct Output {
    NodeIndex node = 0;
    std::deque<Delivery> back;  // what came back over it
  };

  Parts parts_;
  std::unique_ptr<bus::Replica> replica_;
  bus::Journal journal_;
  bus::Loop loop_;
  std::deque<Delivery> inbox_;
  bus::Numbered<Output> outputs_;  // by link number
  std::deque<Reply> waiting_;      // in order
};

}  // namespace herd::sim
