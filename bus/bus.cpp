#include "bus/bus.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "bus/check.hpp"
#include "bus/mutants.hpp"
#include "bus/zmq_options.hpp"

namespace herd::bus {

using protocol::Nanoseconds;
using protocol::Now;

namespace {

constexpr int kMessagesATurn = 256;           // then clients and outputs get their turn
constexpr std::size_t kCopyBytesBelow = 512;  // copying a small body costs less than counting its owners

// A signal to the process makes even calls that do not wait fail with EINTR, before they have done anything, and cppzmq
// throws it.
template <typename Call>
auto uninterrupted(Call call) {
  for (;;) {
    try {
      return call();
    } catch (const zmq::error_t& problem) {
      if (problem.num() != EINTR) throw;
    }
  }
}

bool receive(zmq::socket_t& socket, zmq::message_t& frame, zmq::recv_flags flags) {
  return uninterrupted([&] { return socket.recv(frame, flags); }).has_value();
}

bool send(zmq::socket_t& socket, zmq::message_t& frame, zmq::send_flags flags) {
  return uninterrupted([&] { return socket.send(frame, flags | zmq::send_flags::dontwait); }).has_value();
}

bool is_writable(zmq::socket_t& socket) {
  return (uninterrupted([&] { return socket.get(zmq::sockopt::events); }) & ZMQ_POLLOUT) != 0;
}

// Hands a shared body to ZeroMQ without copying it; its I/O thread lets go of it when it is sent.
zmq::message_t share(const std::shared_ptr<const std::string>& body) {
  if (body->size() < kCopyBytesBelow) return {body->data(), body->size()};
  using Owner = std::shared_ptr<const std::string>;
  const auto release = [](void*, void* owner) { delete static_cast<Owner*>(owner); };
  // ZeroMQ only reads it: the interface has no const.
  return {const_cast<char*>(body->data()), body->size(), release, new Owner(body)};
}

}  // namespace

Bus::Bus(zmq::context_t& context, Replica& replica) : replica_(replica), router_(context, zmq::socket_type::router) {
  set_receiver_options(router_);
  descriptors_.push_back(router_.get(zmq::sockopt::fd));
  for (PeerIndex peer = 0; peer < replica.peers(); ++peer) {
    zmq::socket_t& dealer = dealers_.emplace_back(context, zmq::socket_type::dealer);
    set_sender_options(dealer);
    descriptors_.push_back(dealer.get(zmq::sockopt::fd));
  }
  touched_.assign(descriptors_.size(), true);
  writable_.assign(dealers_.size(), false);
}

protocol::Result<std::unique_ptr<Bus>> Bus::open(zmq::context_t& context, const Addresses& addresses,
                                                 Replica& replica) {
  std::string address = addresses.bind;
  try {
    std::unique_ptr<Bus> bus(new Bus(context, replica));
    bus->router_.bind(address);
    for (PeerIndex peer = 0; peer < replica.peers(); ++peer) {
      address = addresses.peers.at(peer);
      bus->dealers_[peer].connect(address);
    }
    bus->addresses_ = addresses.peers;
    return bus;
  } catch (const zmq::error_t& error) {
    if (error.num() == EADDRINUSE) {
      return protocol::fail("bus address " + address +
                            " is in use: stop the other process or change `bus` in the configuration");
    }
    return protocol::fail("bus address " + address + " cannot be used: " + error.what());
  }
}

bool Bus::receive(Now now) {
  zmq::message_t route;
  Frames frames;
  zmq::message_t extra;
  if (mutated(Mutant::RouterUnread) && std::count(writable_.begin(), writable_.end(), false) > 0) return false;
  for (int count = 0; count < kMessagesATurn; ++count) {
    if (!bus::receive(router_, route, zmq::recv_flags::dontwait)) return false;
    std::size_t size = 0;
    for (bool more = route.more(); more; ++size) {  // the frames of one message come together
      zmq::message_t& frame = size < frames.size() ? frames[size] : extra;
      (void)bus::receive(router_, frame, zmq::recv_flags::none);
      more = frame.more();
    }
    hear(route.to_string_view(), frames, size, now);
  }
  return true;
}

// A header, perhaps a body, and the check; anything else is no message of ours.
void Bus::hear(std::string_view route, const Frames& frames, std::size_t size, Now now) {
  if (size < 2 || size > frames.size()) return replica_.hear_damaged();
  Incoming incoming{route, frames[0].to_string_view(), std::nullopt};
  if (size == frames.size()) incoming.body = frames[1].to_string_view();
  const Check check = check_of(incoming.header, incoming.body);
  if (frames[size - 1].to_string_view() != std::string_view(check.data(), check.size())) return replica_.hear_damaged();
  replica_.hear(incoming, now);
}

void Bus::send(zmq::socket_t& dealer, const Outgoing& message) {
  zmq::message_t header(message.header.data(), message.header.size());
  std::optional<std::string_view> text;
  if (message.body) text = *message.body;
  const Check check = check_of(message.header, text);
  // It was asked whether the socket is writable, so a refusal is the loss of one message, which the link outlives.
  if (!bus::send(dealer, header, zmq::send_flags::sndmore)) return;
  if (message.body) {
    zmq::message_t body = share(message.body);
    (void)bus::send(dealer, body, zmq::send_flags::sndmore);
  }
  zmq::message_t last(check.data(), check.size());
  (void)bus::send(dealer, last, zmq::send_flags::none);
}

void Bus::send_all(PeerIndex peer, Now now) {
  zmq::socket_t& dealer = dealers_[peer];
  for (;;) {
    writable_[peer] = is_writable(dealer);
    if (!writable_[peer]) return;
    const auto message = replica_.take(peer, now);
    if (!message) return;
    send(dealer, *message);
  }
}

// What was on its way is lost, which the link outlives.
void Bus::reopen(PeerIndex peer) {
  uninterrupted([&] { dealers_[peer].disconnect(addresses_[peer]); });
  uninterrupted([&] { dealers_[peer].connect(addresses_[peer]); });
  touched_[peer + 1] = true;
}

void Bus::serve(PeerIndex peer, Now now) {
  if (reopenings_[peer].see(replica_.connected(peer, now), now.steady)) reopen(peer);
  // Asking a socket costs a system call: only those are asked that were touched, or that are known to be writable and
  // wanted.
  if (touched_[peer + 1] || (writable_[peer] && replica_.wants_to_say(peer, now))) send_all(peer, now);
  touched_[peer + 1] = false;
}

bool Bus::pump(Now now) {
  const bool more = receive(now);
  replica_.tick(now);
  if (reopenings_.empty()) reopenings_.assign(dealers_.size(), Reopening(now.steady));
  // Who has just told something is owed an acknowledgement; the others, who are owed what was told, come first.
  for (const bool owed_ack : {false, true}) {
    for (PeerIndex peer = 0; peer < dealers_.size(); ++peer) {
      if (replica_.owes_ack(peer) == owed_ack) serve(peer, now);
    }
  }
  return more;
}

Nanoseconds Bus::next_deadline(Now now) const {
  Nanoseconds deadline = replica_.tick_deadline(now);
  for (PeerIndex peer = 0; peer < dealers_.size(); ++peer) {
    if (!reopenings_.empty()) deadline = std::min(deadline, reopenings_[peer].due());
    if (writable_[peer]) deadline = std::min(deadline, replica_.say_deadline(peer));
  }
  return deadline;
}

void Bus::leave() {
  for (PeerIndex peer = 0; peer < dealers_.size(); ++peer) {
    if (is_writable(dealers_[peer])) send(dealers_[peer], replica_.farewell());
  }
}

}  // namespace herd::bus
