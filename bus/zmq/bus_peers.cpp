// The part of bus/zmq/bus.hpp about the connections to peers: they come and go while the node runs.
#include <utility>

#include "bus/zmq/addresses.hpp"
#include "bus/zmq/bus.hpp"
#include "bus/zmq/zmq_calls.hpp"
#include "bus/zmq/zmq_options.hpp"

namespace herd::bus {

namespace {

// The number by which the guard knows the DEALER of a link.
std::size_t guarded(PeerIndex peer) {
  return std::size_t{peer} + 1;
}

}  // namespace

protocol::Result<void> Bus::add_peer(PeerIndex peer, const std::string& address) {
  zmq::socket_t dealer(context_, zmq::socket_type::dealer);
  set_sender_options(dealer);
  const int descriptor = dealer.get(zmq::sockopt::fd);
  outputs_.put(peer, std::make_unique<Output>(Output{std::move(dealer), descriptor, address}));
  addresses_.set(peer, address);
  if (encryption_) encryption_->add_peer(peer, replica_.peers()[peer].name);
  guard_->add(guarded(peer), outputs_[peer]->dealer, port_of(address));
  try {
    dial(peer);
    return {};
  } catch (const zmq::error_t& error) {
    remove_peer(peer);
    return protocol::fail(fault_of(address, error));
  }
}

void Bus::remove_peer(PeerIndex peer) {
  guard_->end_route(replica_.peers()[peer].claims.route());
  guard_->remove(guarded(peer));
  if (encryption_) encryption_->remove_peer(peer);
  outputs_.remove(peer);
  addresses_.remove(peer);
}

protocol::Result<bool> Bus::set_address(PeerIndex peer, const std::string& address) {
  if (outputs_[peer]->configured == address) return false;
  hang_up(peer);
  outputs_[peer]->configured = address;
  addresses_.set(peer, address);
  guard_->set_port(guarded(peer), port_of(address));
  try {
    dial(peer);
    return true;
  } catch (const zmq::error_t& error) {
    return protocol::fail(fault_of(address, error));
  }
}

// Messages on their way are lost, which the link repairs.
void Bus::reconnect(PeerIndex peer) {
  addresses_.reconnecting(peer);
  dial(peer);
}

// Ends the connection to a peer, if there is one, and opens another, if an address and a key of the peer are known.
// ZeroMQ uses the keys that are set at this moment.
void Bus::dial(PeerIndex peer) {
  hang_up(peer);
  Output& output = *outputs_[peer];
  const std::string& endpoint = addresses_.endpoint(peer);
  if (endpoint.empty() || (encryption_ && !encryption_->equip_sender(output.dealer, peer))) return;
  uninterrupted([&] { output.dealer.connect(endpoint); });
  output.dialled = endpoint;
}

void Bus::hang_up(PeerIndex peer) {
  Output& output = *outputs_[peer];
  output.touched = true;
  if (output.dialled.empty()) return;
  uninterrupted([&] { output.dealer.disconnect(output.dialled); });
  output.dialled.clear();
}

// ---- descriptors ----------------------------------------------------------------------------------------------------

std::vector<int> Bus::descriptors() const {
  std::vector<int> all{router_.get(zmq::sockopt::fd), guard_->descriptor(0)};
  for (PeerIndex peer = 0; peer < outputs_.end_number(); ++peer) {
    if (!outputs_.has(peer)) continue;
    all.push_back(outputs_[peer]->descriptor);
    all.push_back(guard_->descriptor(guarded(peer)));
  }
  if (encryption_) all.push_back(encryption_->descriptor());
  return all;
}

// The ROUTER is read in each iteration, so nothing has to be noted for it.
void Bus::note_readable(int descriptor) {
  if (encryption_ && descriptor == encryption_->descriptor()) return encryption_->touched();
  if (descriptor == guard_->descriptor(0)) return guard_->touched(0);
  for (PeerIndex peer = 0; peer < outputs_.end_number(); ++peer) {
    if (!outputs_.has(peer)) continue;
    if (descriptor == outputs_[peer]->descriptor) outputs_[peer]->touched = true;
    if (descriptor == guard_->descriptor(guarded(peer))) guard_->touched(guarded(peer));
  }
}

}  // namespace herd::bus
