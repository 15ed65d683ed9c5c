#include "tests/sim/process.hpp"

#include <algorithm>
#include <optional>
#include <utility>

namespace herd::sim {
namespace {

// More messages than this wait for the next iteration, as with the bus.
constexpr std::size_t kMessagesPerIteration = 8;

// The connections to one node, while it receives a message.
class ConnectionsTo : public bus::Connections {
 public:
  ConnectionsTo(Network& network, const Delivery& delivery, Nanoseconds now)
      : network_(network), delivery_(delivery), now_(now) {}
  [[nodiscard]] bool send_back(const std::string& route, const std::string& header) override {
    return network_.send_back(delivery_.to, route, header, now_);
  }
  [[nodiscard]] std::string host() const override { return "host" + std::to_string(delivery_.from); }

 private:
  Network& network_;
  const Delivery& delivery_;
  Nanoseconds now_;
};

}  // namespace

Process::Process(Parts parts, std::unique_ptr<bus::Replica> replica, const bus::Journal::Options& journal)
    : parts_(std::move(parts)),
      replica_(std::move(replica)),
      journal_(parts_.disk, journal),
      loop_({*replica_, *this, journal_, *this}) {
  for (const NodeIndex peer : parts_.peers) outputs_.add({peer, {}});
}

void Process::arrive(Delivery delivery) {
  if (!delivery.back) {
    inbox_.push_back(std::move(delivery));
    return;
  }
  for (Output& output : outputs_) {
    if (output.node == delivery.from) output.back.push_back(delivery);
  }
}

void Process::add_peer(NodeIndex peer, const std::string& name) {
  outputs_.put(replica_->add_peer(name), {peer, {}});
}

// As in production, both connections are closed: that to the peer, and that by which its messages came.
void Process::remove_peer(NodeIndex peer, protocol::Now now) {
  for (bus::PeerIndex number = 0; number < outputs_.end_number(); ++number) {
    if (!outputs_.has(number) || outputs_[number].node != peer) continue;
    parts_.network.reset(parts_.index, peer);
    parts_.network.reset(peer, parts_.index);
    replica_->remove_peer(number, now);
    outputs_.remove(number);
    return;
  }
}

Nanoseconds Process::iterate(protocol::Now now) {
  if (loop_.end_iteration(now)) return now.steady;
  return std::min(loop_.next_deadline(now), parts_.disk.done_at().value_or(Nanoseconds::max()));
}

// ---- the network ----------------------------------------------------------------------------------------------------

bool Process::receive(protocol::Now now) {
  for (std::size_t count = 0; count < kMessagesPerIteration && !inbox_.empty(); ++count) {
    const Delivery delivery = std::move(inbox_.front());
    inbox_.pop_front();
    ConnectionsTo connections(parts_.network, delivery, now.steady);
    bus::Incoming incoming{delivery.route, delivery.message.header, std::nullopt, &connections};
    if (delivery.message.body) incoming.body = *delivery.message.body;
    replica_->receive(incoming, now);
    parts_.note(replica_->store().digest());
  }
  return !inbox_.empty();
}

bool Process::receive_back(bus::PeerIndex peer, protocol::Now now) {
  const std::deque<Delivery> received = std::exchange(outputs_[peer].back, {});
  for (const Delivery& delivery : received) replica_->receive_back(peer, delivery.message.header, now);
  return !received.empty();
}

bool Process::touched(bus::PeerIndex peer) const {
  return !outputs_[peer].back.empty();
}

bool Process::was_writable(bus::PeerIndex peer) const {
  return parts_.network.writable(parts_.index, outputs_[peer].node);
}

void Process::send(bus::PeerIndex peer, const bus::Outgoing& message) {
  parts_.network.send(parts_.index, outputs_[peer].node, message, parts_.now);
}

void Process::reconnect(bus::PeerIndex peer) {
  parts_.network.reset(parts_.index, outputs_[peer].node);
}

// ---- replies and reports --------------------------------------------------------------------------------------------

void Process::answer(Reply reply) {
  if (reply.number > replica_->acknowledged()) {
    waiting_.push_back(std::move(reply));
  } else {
    parts_.answered(reply);
  }
}

void Process::release(bus::ChangeNumber acknowledged) {
  while (!waiting_.empty() && waiting_.front().number <= acknowledged) {
    parts_.answered(waiting_.front());
    waiting_.pop_front();
  }
}

// The number of a report that was not newer may be lower than the one before.
bus::ChangeNumber Process::awaited() const {
  bus::ChangeNumber awaited = 0;
  for (const Reply& reply : waiting_) awaited = std::max(awaited, reply.number);
  return awaited;
}

bool Process::report(protocol::Now /*now*/) {
  (void)replica_->take_events();
  (void)journal_.take_events();
  return false;
}

}  // namespace herd::sim
