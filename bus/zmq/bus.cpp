#include "bus/zmq/bus.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "bus/store/mutants.hpp"
#include "bus/zmq/addresses.hpp"
#include "bus/zmq/checksum.hpp"
#include "bus/zmq/zmq_calls.hpp"
#include "bus/zmq/zmq_options.hpp"
#include "protocol/assert.hpp"

namespace herd::bus {

using protocol::Nanoseconds;
using protocol::Now;

namespace {

constexpr int kFramesPerIteration = 1024;  // about 256 messages; then clients and sockets to send on are served
// Frames of a message. One with a wrong number of frames counts as damaged; above this bound its connection is cut too.
constexpr std::size_t kMaxParts = 64;
// The tries to bind the port again, and the number of failures that are more than ZeroMQ's delay: 2 s.
constexpr Nanoseconds kBindInterval = std::chrono::milliseconds(10);
constexpr int kBindFailuresReported = 200;
constexpr int kAnswersPerIteration = 64;      // messages from a peer's ROUTER, which sends at most 20 per second
constexpr std::size_t kCopyBytesBelow = 512;  // copying a small body costs less than sharing its ownership

bool is_intact(const Incoming& message, const zmq::message_t& last) {
  const Checksum checksum = checksum_of(message.header, message.body);
  return last.to_string_view() == std::string_view(checksum.data(), checksum.size());
}

// Gives a shared body to ZeroMQ without copying it. ZeroMQ's I/O thread releases its share when the body is sent.
zmq::message_t share(const std::shared_ptr<const std::string>& body) {
  if (body->size() < kCopyBytesBelow) return {body->data(), body->size()};
  using Owner = std::shared_ptr<const std::string>;
  const auto release = [](void*, void* owner) { delete static_cast<Owner*>(owner); };
  // ZeroMQ only reads it, but its interface has no const.
  return {const_cast<char*>(body->data()), body->size(), release, new Owner(body)};
}

}  // namespace

Bus::Bus(zmq::context_t& context, const Addresses& addresses, Replica& replica, std::optional<BusKeys> keys)
    : context_(context),
      replica_(replica),
      router_(context, zmq::socket_type::router),
      addresses_(addresses.resolver),
      bind_addresses_(addresses.bind) {
  HERD_ASSERT(!addresses.bind.empty());
  const bool encrypted = keys.has_value();
  if (encrypted) encryption_.emplace(context, std::move(*keys));
  set_receiver_options(router_);
  guard_.emplace(context, router_, port_of(addresses.bind.front()), encrypted);
}

protocol::Result<std::unique_ptr<Bus>> Bus::open(zmq::context_t& context, const Addresses& addresses, Replica& replica,
                                                 std::optional<BusKeys> keys) {
  std::unique_ptr<Bus> bus(new Bus(context, addresses, replica, std::move(keys)));
  try {
    bus->bind();
  } catch (const zmq::error_t& error) {
    return protocol::fail(fault_of(addresses.bind.at(bus->bound_.size()), error));
  }
  if (bus->encryption_) {
    if (const auto proven = bus->encryption_->prove(context, bus->bound_.front()); !proven) {
      return tl::unexpected(proven.error());
    }
  }
  for (PeerIndex peer = 0; peer < replica.peers().end_number(); ++peer) {
    if (const auto added = bus->add_peer(peer, addresses.peers.at(peer)); !added) return tl::unexpected(added.error());
  }
  return bus;
}

// A message that seems unfinished to the guard may only be unread: so the ROUTER is read before the second call.
bool Bus::receive(Now now) {
  bool more = read_router(now);
  guard_->read_events(now);
  if (encryption_) {
    if (bind_due_ <= now.steady) bind_again(now);
    note_handshakes(now);
    more = encryption_->serve() || more;
  }
  const auto is_up = [&](PeerIndex peer) { return replica_.connected(peer, now) == Connected::Up; };
  for (const PeerIndex peer : addresses_.update(is_up, now)) dial(peer);
  if (now.steady < guard_->due()) return more;
  const auto is_peer = [this](std::string_view route) { return replica_.peers().number_by(route).has_value(); };
  if (!guard_->cut_offenders(is_peer, now)) return more;
  more = read_router(now) || more;
  (void)guard_->cut_offenders(is_peer, now);
  return more;
}

bool Bus::read_router(Now now) {
  const auto is_full = [](const auto& output) { return !output->writable; };
  if (mutated(Mutant::RouterUnread) && std::any_of(outputs_.begin(), outputs_.end(), is_full)) return false;
  for (int count = 0; count < kFramesPerIteration; ++count) {
    if (incomplete_.begun) {
      receive_frame(now);
      continue;
    }
    if (!bus::receive(router_, incomplete_.route, zmq::recv_flags::dontwait)) return false;
    incomplete_.begun = incomplete_.route.more();
    incomplete_.size = 0;
    incomplete_.wire_bytes = 0;
  }
  return true;
}

// ZeroMQ delivers the frames of a message together, so the next frame is there.
void Bus::receive_frame(Now now) {
  Incomplete& message = incomplete_;
  zmq::message_t& frame = message.size < message.frames.size() ? message.frames[message.size] : message.extra;
  (void)bus::receive(router_, frame, zmq::recv_flags::none);
  message.wire_bytes += wire_bytes(frame);
  ++message.size;
  if (message.size == kMaxParts + 1) guard_->cut_sender(frame, "it sends a message of too many parts", now);
  message.begun = frame.more();
  if (message.begun) return;
  guard_->delivered(message.route.to_string_view(), frame, message.wire_bytes, now);
  receive_message(message.route.to_string_view(), message.frames, message.size, now);
}

// A message of a node is a header, perhaps a body, and the checksum.
void Bus::receive_message(std::string_view route, Frames& frames, std::size_t size, Now now) {
  if (size < 2 || size > frames.size()) return replica_.receive_damaged();
  Incoming incoming{route, frames[0].to_string_view(), std::nullopt, this};
  if (encryption_) incoming.authenticated = authenticate(frames[0], now);
  if (size == frames.size()) incoming.body = frames[1].to_string_view();
  if (!is_intact(incoming, frames[size - 1])) return replica_.receive_damaged();
  received_ = &frames[0];
  replica_.receive(incoming, now);
}

// Reads a message that a peer's ROUTER sent to this node's DEALER: a header and the checksum. Data that is not such a
// message is never counted as delivered, so the guard soon cuts a connection that brings much of it.
void Bus::receive_answer(PeerIndex peer, Now now) {
  zmq::socket_t& dealer = outputs_[peer]->dealer;
  std::array<zmq::message_t, 2> frames;
  zmq::message_t extra;
  std::size_t size = 0;
  for (bool more = true; more; ++size) {  // the frames of a message come together
    zmq::message_t& frame = size < frames.size() ? frames[size] : extra;
    if (!bus::receive(dealer, frame, zmq::recv_flags::dontwait)) return;
    more = frame.more();
  }
  const std::string_view header = frames[0].to_string_view();
  if (size != frames.size() || !is_intact({{}, header, std::nullopt}, frames[1])) return replica_.receive_damaged();
  guard_->answered(frames[1], wire_bytes(frames[0]) + wire_bytes(frames[1]));
  replica_.receive_back(peer, header, now);
}

bool Bus::send_back(const std::string& route, const std::string& header) {
  zmq::message_t to(route.data(), route.size());
  try {
    if (!bus::send(router_, to, zmq::send_flags::sndmore)) return true;  // the queue is full, so it is open
  } catch (const zmq::error_t& problem) {
    if (problem.num() != EHOSTUNREACH) throw;
    return false;
  }
  const Checksum checksum = checksum_of(header, std::nullopt);
  zmq::message_t text(header.data(), header.size());
  zmq::message_t last(checksum.data(), checksum.size());
  (void)bus::send(router_, text, zmq::send_flags::sndmore);
  (void)bus::send(router_, last, zmq::send_flags::none);
  return true;
}

std::string Bus::host() const {
  // libzmq only looks the text up, but its interface has no const.
  const char* text = zmq_msg_gets(const_cast<zmq_msg_t*>(received_->handle()), "Peer-Address");
  std::string_view host(text == nullptr ? "" : text);
  constexpr std::string_view kMapped = "::ffff:";  // before an IPv4 address, on a socket of both families
  const bool is_ipv4 = host.starts_with(kMapped) && host.find('.') != std::string_view::npos;
  if (is_ipv4) host.remove_prefix(kMapped.size());
  return std::string(host);
}

void Bus::send(PeerIndex peer, const Outgoing& message) {
  zmq::socket_t& dealer = outputs_[peer]->dealer;
  zmq::message_t header(message.header.data(), message.header.size());
  std::optional<std::string_view> text;
  if (message.body) text = *message.body;
  const Checksum checksum = checksum_of(message.header, text);
  // The socket was writable. If it refuses the message all the same, one message is lost, which the link repairs.
  if (!bus::send(dealer, header, zmq::send_flags::sndmore)) return;
  if (message.body) {
    zmq::message_t body = share(message.body);
    (void)bus::send(dealer, body, zmq::send_flags::sndmore);
  }
  zmq::message_t last(checksum.data(), checksum.size());
  (void)bus::send(dealer, last, zmq::send_flags::none);
}

// Reading a socket's events also resets its descriptor, so what they show is noted: no later wake-up announces it.
int Bus::look_at(PeerIndex peer) {
  Output& output = *outputs_[peer];
  const int events = uninterrupted([&] { return output.dealer.get(zmq::sockopt::events); });
  output.touched = (events & ZMQ_POLLIN) != 0;
  output.writable = (events & ZMQ_POLLOUT) != 0;
  return events;
}

bool Bus::writable(PeerIndex peer) {
  return (look_at(peer) & ZMQ_POLLOUT) != 0;
}

bool Bus::receive_back(PeerIndex peer, Now now) {
  bool received = false;
  for (int count = 0; count < kAnswersPerIteration && (look_at(peer) & ZMQ_POLLIN) != 0; ++count) {
    receive_answer(peer, now);
    received = true;
  }
  return received;
}

// ---- encryption -----------------------------------------------------------------------------------------------------

// Binds the addresses that are not bound yet.
void Bus::bind() {
  if (encryption_) encryption_->equip_receiver(router_);
  while (bound_.size() < bind_addresses_.size()) {
    uninterrupted([&] { router_.bind(bind_addresses_[bound_.size()]); });
    bound_.push_back(router_.get(zmq::sockopt::last_endpoint));
  }
}

// ZeroMQ's thread releases the port some time after the call of unbind().
void Bus::bind_again(Now now) {
  bind_due_ = Nanoseconds::max();
  try {
    bind();
    bind_failures_ = 0;
  } catch (const zmq::error_t& problem) {
    bind_due_ = now.steady + kBindInterval;
    if (++bind_failures_ == kBindFailuresReported) {
      bind_trouble_ = "bus address " + bind_addresses_[bound_.size()] +
                      " cannot be used again after the change of the key (" + problem.what() +
                      "): stop the other process that uses it";
    }
  }
}

bool Bus::set_keys(BusKeys keys, Now now) {
  HERD_ASSERT(encryption_);
  const Encryption::Changes changes = encryption_->set_keys(std::move(keys));
  if (changes.bind) {  // ZeroMQ ends all connections of the port with it
    for (const std::string& address : bound_) uninterrupted([&] { router_.unbind(address); });
    bound_.clear();
    bind_due_ = now.steady;
  }
  guard_->cut_keys([this](std::string_view key) { return encryption_->is_valid(key); });
  for (const PeerIndex peer : changes.dialled) dial(peer);
  return changes.any;
}

// The name of the node to which a message's key belongs. After a reload that removed the key, messages that were on
// their way still arrive: they belong to no node.
std::string_view Bus::authenticate(zmq::message_t& frame, Now now) {
  const auto name = encryption_->sender_of(frame);
  if (!name) guard_->cut_sender(frame, kKeyGone, now);
  return name.value_or(std::string_view());
}

void Bus::note_handshakes(Now now) {
  for (const auto& [socket, result] : guard_->take_handshakes()) {
    if (socket == 0) {
      encryption_->note_failure();
      continue;
    }
    Dialler& dialler = encryption_->dialler(static_cast<PeerIndex>(socket - 1));
    switch (result) {
      case HandshakeResult::Succeeded:
        dialler.succeeded();
        break;
      case HandshakeResult::Failed:
        dialler.failed(now);
        break;
      case HandshakeResult::Refused:
        dialler.refused(now);
        break;
    }
  }
  for (PeerIndex peer = 0; peer < outputs_.end_number(); ++peer) {
    if (outputs_.has(peer) && encryption_->dialler(peer).take_dial(now)) dial(peer);
  }
}

std::vector<RefusedConnection> Bus::take_refused() {
  return encryption_ ? encryption_->take_refused() : std::vector<RefusedConnection>();
}

Nanoseconds Bus::due() const {
  const Nanoseconds due = std::min({guard_->due(), bind_due_, addresses_.due()});
  return encryption_ ? std::min(due, encryption_->due()) : due;
}

// The bytes that a frame takes in ZMTP.
std::uint64_t Bus::wire_bytes(const zmq::message_t& frame) const {
  const std::uint64_t size = frame.size() + (encryption_ ? kEncryptedFrameBytes : 0);
  return size + (size <= 255 ? 2 : 9);
}

void Bus::leave() {
  for (PeerIndex peer = 0; peer < outputs_.end_number(); ++peer) {
    if (outputs_.has(peer) && writable(peer)) send(peer, replica_.farewell());
  }
}

}  // namespace herd::bus
