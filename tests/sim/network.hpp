// A virtual network of one-way connections, as DEALER sockets see them. Each connection has a route (the identity that
// a ROUTER would give it) and holds a bounded number of messages. A reset of a connection loses the messages on their
// way, or most of them. Faults are probabilities per message; a partition blocks one direction for some time.
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
  double loss = 0;          // a message is lost
  double duplicate = 0;     // it arrives twice
  double reorder = 0;       // it may overtake others
  double outlive = 0;       // it arrives although its connection was reset: it was in a buffer
  double slow_links = 0;    // chance that a direction is slower, by up to slow_max per message, until the faults end
  double hollow = 0;        // a batch loses its updates: the receiver acknowledges updates that it never received
  double altered = 0;       // an update of a batch gets other coordinates, with the same identity
  bool same_route = false;  // a connection that was made again has the same route as before
  Nanoseconds delay_min{50'000};
  Nanoseconds delay_max{2'000'000};
  Nanoseconds slow_max{600'000'000};
};

struct Delivery {
  Nanoseconds at{};
  std::uint64_t order = 0;  // breaks ties, so that a run is the same on every machine
  NodeIndex from = 0;
  NodeIndex to = 0;
  std::uint64_t generation = 0;  // of the connection; messages of an older generation are mostly lost
  bool back = false;             // from the ROUTER back to the DEALER that made the connection
  std::string route;
  bus::Outgoing message;
  bool later(const Delivery& other) const { return at != other.at ? at > other.at : order > other.order; }
};

class Network {
 public:
  Network(std::size_t nodes, Faults faults, Random& random);

  [[nodiscard]] bool writable(NodeIndex from, NodeIndex to) const;
  void send(NodeIndex from, NodeIndex to, const bus::Outgoing& message, Nanoseconds now);

  // Sends from a node's ROUTER back over the connection with this route. False if that connection was reset.
  [[nodiscard]] bool send_back(NodeIndex from, const std::string& route, const std::string& header, Nanoseconds now);

  [[nodiscard]] std::optional<Nanoseconds> next_at() const;
  // Removes the next message to arrive from the queue. Returns nullopt if it was lost with its connection.
  std::optional<Delivery> pop();

  // The receiver does not read now: the message arrives at the time `at` instead.
  void postpone(Delivery delivery, Nanoseconds at);

  // The connection is closed and made again: messages on their way are mostly lost, and the receiver sees a new route.
  void reset(NodeIndex from, NodeIndex to);
  // Resets all connections of a node that died or started.
  void reset_all(NodeIndex node);
  // While blocked, all messages sent in that direction are lost, without an error for the sender.
  void block(NodeIndex from, NodeIndex to, bool blocked) { at(from, to).blocked = blocked; }
  // Ends all faults and unblocks all directions.
  void end_faults();
  // Begins with these faults, and draws the slow links anew.
  void disturb(Faults faults);

  // Whether a message was changed (Faults::hollow, altered).
  [[nodiscard]] bool planted() const { return planted_; }
  [[nodiscard]] std::uint64_t messages() const { return messages_; }
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }

 private:
  static constexpr std::size_t kCapacity = 16;  // as ZeroMQ's high-water mark

  struct Connection {
    std::uint64_t generation = 1;
    std::size_t on_the_way = 0;  // messages sent and not arrived
    bool blocked = false;
    Nanoseconds slow{};     // in addition to the network's delay
    Nanoseconds last_at{};  // arrival of the message sent last: later ones do not overtake it, except by `reorder`
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
