#include "tests/sim/network.hpp"

#include <algorithm>
#include <utility>

#include "protocol/body.hpp"
#include "protocol/messages.hpp"

namespace herd::sim {

Network::Network(std::size_t nodes, Faults faults, Random& random)
    : nodes_(nodes), faults_(faults), random_(random), connections_(nodes * nodes) {
  disturb(faults);
}

bool Network::writable(NodeIndex from, NodeIndex to) const {
  return at(from, to).on_the_way < kCapacity;
}

void Network::send(NodeIndex from, NodeIndex to, const bus::Outgoing& message, Nanoseconds now) {
  Connection& connection = at(from, to);
  ++messages_;
  bytes_ += message.header.size() + (message.body ? message.body->size() : 0);
  if (connection.blocked || random_.chance(faults_.loss)) return;
  const int copies = random_.chance(faults_.duplicate) ? 2 : 1;
  for (int copy = 0; copy < copies; ++copy) {
    Delivery delivery;
    delivery.at =
        now + Nanoseconds{random_.between(faults_.delay_min.count(), faults_.delay_max.count())} + connection.slow;
    if (!random_.chance(faults_.reorder)) delivery.at = std::max(delivery.at, connection.last_at);
    delivery.order = ++order_;
    delivery.from = from;
    delivery.to = to;
    delivery.generation = connection.generation;
    delivery.route = route_of(from, to);
    delivery.message = message;
    plant(delivery.message);
    put(std::move(delivery), connection);
  }
}

// The route of the present connection.
std::string Network::route_of(NodeIndex from, NodeIndex to) const {
  std::string route = std::to_string(from) + ">" + std::to_string(to);
  if (!faults_.same_route) route += "#" + std::to_string(at(from, to).generation);
  return route;
}

bool Network::send_back(NodeIndex from, const std::string& route, const std::string& header, Nanoseconds now) {
  const NodeIndex to = std::stoul(route);  // a route begins with the node that made the connection
  if (route != route_of(to, from)) return false;
  ++messages_;
  bytes_ += header.size();
  if (at(from, to).blocked || random_.chance(faults_.loss)) return true;
  Delivery delivery;
  delivery.at = now + Nanoseconds{random_.between(faults_.delay_min.count(), faults_.delay_max.count())};
  delivery.order = ++order_;
  delivery.from = from;
  delivery.to = to;
  delivery.generation = at(to, from).generation;
  delivery.back = true;
  delivery.message = {header, nullptr};
  queue_.push(std::move(delivery));
  return true;
}

// Faults that cursors cannot detect: the message is valid, but its updates are not those that were sent.
void Network::plant(bus::Outgoing& message) {
  if (message.body == nullptr || (faults_.hollow <= 0 && faults_.altered <= 0)) return;
  if (!std::holds_alternative<protocol::Batch>(*protocol::decode(message.header))) return;
  const bool hollow = random_.chance(faults_.hollow);
  if (!hollow && !random_.chance(faults_.altered)) return;
  protocol::Body body;
  (void)protocol::decode_body(*message.body, body);
  if (body.updates.empty()) return;
  planted_ = true;
  protocol::BodyEncoder encoder;
  const std::size_t at = random_.below(body.updates.size());
  const std::string coordinates = "+" + std::to_string(random_.below(90)) + "-7";
  for (std::size_t i = 0; i < body.updates.size() && !hollow; ++i) {
    protocol::Update update = body.updates[i].update;
    if (i == at) update.coordinates = coordinates;
    (void)encoder.add(update);
  }
  message.body = std::make_shared<const std::string>(encoder.finish());
}

void Network::put(Delivery delivery, Connection& connection) {
  connection.last_at = std::max(connection.last_at, delivery.at);
  ++connection.on_the_way;
  queue_.push(std::move(delivery));
}

std::optional<Nanoseconds> Network::next_at() const {
  return queue_.empty() ? std::nullopt : std::optional(queue_.top().at);
}

std::optional<Delivery> Network::pop() {
  Delivery delivery = queue_.top();
  queue_.pop();
  if (delivery.back) {
    const bool is_cut = delivery.generation != at(delivery.to, delivery.from).generation;
    return is_cut ? std::nullopt : std::optional(delivery);
  }
  Connection& connection = at(delivery.from, delivery.to);
  if (delivery.generation == connection.generation) {
    --connection.on_the_way;
    return delivery;
  }
  return random_.chance(faults_.outlive) ? std::optional(delivery) : std::nullopt;
}

void Network::postpone(Delivery delivery, Nanoseconds time) {
  if (delivery.back) {
    delivery.at = time;
    return queue_.push(std::move(delivery));
  }
  Connection& connection = at(delivery.from, delivery.to);
  delivery.at = time;
  delivery.generation =
      connection.generation;  // until it arrives, it counts against the capacity of the present connection
  put(std::move(delivery), connection);
}

void Network::reset(NodeIndex from, NodeIndex to) {
  Connection& connection = at(from, to);
  ++connection.generation;
  connection.on_the_way = 0;
  connection.last_at = {};  // messages that outlive the old connection may arrive after those of the new one
}

void Network::reset_all(NodeIndex node) {
  for (NodeIndex other = 0; other < nodes_; ++other) {
    reset(node, other);
    reset(other, node);
  }
}

void Network::end_faults() {
  const bool same_route = faults_.same_route;
  faults_ = Faults{};
  faults_.same_route = same_route;
  for (Connection& connection : connections_) {
    connection.blocked = false;
    connection.slow = Nanoseconds{};
  }
}

void Network::disturb(Faults faults) {
  faults_ = faults;
  if (faults.slow_links <= 0) return;
  for (Connection& connection : connections_) {
    if (random_.chance(faults.slow_links)) connection.slow = Nanoseconds{random_.between(0, faults.slow_max.count())};
  }
}

}  // namespace herd::sim
