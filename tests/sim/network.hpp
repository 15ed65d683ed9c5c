// A virtual network of one-way connections, as DEALER sockets see it: each has a route (what a ROUTER would call it),
// room for a bounded number of messages, and dies with all that is on its way when it is reset. Faults are chances a
// message; partitions forbid a direction for a while.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <queue>
#include <string>
#include <vector>

#include "bus/replica/replica.hpp"
#include "tests/sim/random.hpp"

namespace herd::sim {

using NodeIndex = std::size_t;
using protocol::Nanoseconds;

struct Faults {
  double loss = 0;          // a message vanishes
  double duplicate = 0;     // it arrives twice
  double reorder = 0;       // it may overtake others
  double outlive = 0;       // it arrives although its connection was cut: it stood in somebody's buffer
  double slow_links = 0;    // a direction is slow, by up to slow_max a message, until the heal
  double hollow = 0;        // the updates of a batch are gone: the receiver acknowledges what it never saw
  double altered = 0;       // an update of a batch says something else, under the same identity
  bool same_route = false;  // a connection that was made again is not seen as a stranger
  Nanoseconds delay_min{50'000};
  Nanoseconds delay_max{2'000'000};
  Nanoseconds slow_max{600'000'000};
};

struct Delivery {
  Nanoseconds at{};
  std::uint64_t order = 0;  // breaks ties, so that a run is the same everywhere
  NodeIndex from = 0;
  NodeIndex to = 0;
  std::uint64_t generation = 0;  // of the connection; an older one's messages are mostly lost
  bool back = false;             // from the ROUTER at the connection's end to the DEALER that made it
  std::string route;
  bus::Outgoing message;
  bool later(const Delivery& other) const { return at != other.at ? at > other.at : order > other.order; }
};

class Network {
 public:
  Network(std::size_t nodes, Faults faults, Random& random);

  [[nodiscard]] bool writable(NodeIndex from, NodeIndex to) const;
  void send(NodeIndex from, NodeIndex to, const bus::Outgoing& message, Nanoseconds now);

  // From the ROUTER of a node, over the connection that a route names. False: it was cut, or made again.
  [[nodiscard]] bool send_back(NodeIndex from, const std::string& route, const std::string& header, Nanoseconds now);

  [[nodiscard]] std::optional<Nanoseconds> next_at() const;
  // The next message to arrive, or nothing if that one turned out to be lost.
  std::optional<Delivery> pop();

  // The receiver does not read now: the message arrives at `at` instead.
  void postpone(Delivery delivery, Nanoseconds at);

  // The connection is cut and made again: what is on its way is mostly lost, and the receiver sees a stranger.
  void reset(NodeIndex from, NodeIndex to);
  // All connections of a node that died or was born.
  void reset_all(NodeIndex node);
  // What is sent in that direction vanishes without a word.
  void block(NodeIndex from, NodeIndex to, bool blocked) { at(from, to).blocked = blocked; }
  // No faults any more, no direction blocked.
  void heal();
  // Faults again, other slow links among them.
  void disturb(Faults faults);

  // Something was planted (Faults::hollow, altered).
  [[nodiscard]] bool planted() const { return planted_; }
  [[nodiscard]] std::uint64_t messages() const { return messages_; }
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }

 private:
  static constexpr std::size_t kRoom = 16;  // as ZeroMQ's high-water mark

  struct Connection {
    std::uint64_t generation = 1;
    std::size_t on_the_way = 0;
    bool blocked = false;
    Nanoseconds slow{};     // on top of the network's delay
    Nanoseconds last_at{};  // of the message sent last: order is kept where it is not meant to break
  };
  struct Later {
    bool operator()(const Delivery& a, const Delivery& b) const { return a.later(b); }
  };

  [[nodiscard]] Connection& at(NodeIndex from, NodeIndex to) { return connections_[from * nodes_ + to]; }
  [[nodiscard]] const Connection& at(NodeIndex from, NodeIndex to) const { return connections_[from * nodes_ + to]; }
  [[nodiscard]] std::string route_of(NodeIndex from, NodeIndex to) const;
  void put(Delivery delivery, Connection& connection);
  void plant(bus::Outgoing& message);

  std::size_t nodes_;
  Faults faults_;
  Random& random_;
  std::vector<Connection> connections_;
  std::priority_queue<Delivery, std::vector<Delivery>, Later> queue_;
  std::uint64_t order_ = 0;
  std::uint64_t messages_ = 0;
  std::uint64_t bytes_ = 0;
  bool planted_ = false;
};

}  // namespace herd::sim
