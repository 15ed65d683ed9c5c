#include "bus/zmq/connection_guard.hpp"

#include <arpa/inet.h>
#include <linux/tcp.h>  // its tcp_info says more than that of netinet/tcp.h
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <utility>

#include "bus/zmq/zmq_calls.hpp"

namespace herd::bus {

using namespace std::chrono_literals;
using protocol::Nanoseconds;
using protocol::Now;

namespace {

// How often connections are looked at: while a stranger's is open, and else. ZeroMQ's thread reads up to some 10 MB of
// small frames between two looks, which take ten times that in memory.
constexpr Nanoseconds kLookAtStrangers = 20ms;
constexpr Nanoseconds kLookAtPeers = 50ms;

// A monitor's message: the event (2 bytes) and its value (4 bytes, here the descriptor), in the machine's byte order;
// then the address.
constexpr std::size_t kEventBytes = 6;

// Names of monitors are of the process, which may have several buses, and a closed one's are free only by and by.
std::atomic<std::uint64_t> next_monitor{0};

bool is_same(const sockaddr_storage& one, const sockaddr_storage& other) {
  if (one.ss_family != other.ss_family) return false;
  return one.ss_family == AF_INET6 ? std::memcmp(&one, &other, sizeof(sockaddr_in6)) == 0
                                   : std::memcmp(&one, &other, sizeof(sockaddr_in)) == 0;
}

std::uint16_t port_of(const sockaddr_storage& address) {
  return ntohs(address.ss_family == AF_INET6 ? reinterpret_cast<const sockaddr_in6&>(address).sin6_port
                                             : reinterpret_cast<const sockaddr_in&>(address).sin_port);
}

std::string host_of(const sockaddr_storage& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const auto& six = reinterpret_cast<const sockaddr_in6&>(address).sin6_addr;
  const auto& four = reinterpret_cast<const sockaddr_in&>(address).sin_addr;
  const bool mapped = address.ss_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&six);
  const void* bytes = mapped                          ? static_cast<const void*>(&six.s6_addr[12])
                      : address.ss_family == AF_INET6 ? static_cast<const void*>(&six)
                                                      : static_cast<const void*>(&four);
  const int family = mapped ? AF_INET : address.ss_family;
  return inet_ntop(family, bytes, text.data(), text.size()) != nullptr ? text.data() : "?";
}

// Both ends of a connected socket; false if the descriptor is none.
bool ends_of(int descriptor, sockaddr_storage& here, sockaddr_storage& there) {
  here = there = {};
  socklen_t here_size = sizeof here;
  socklen_t there_size = sizeof there;
  return getsockname(descriptor, reinterpret_cast<sockaddr*>(&here), &here_size) == 0 &&
         getpeername(descriptor, reinterpret_cast<sockaddr*>(&there), &there_size) == 0 &&
         (here.ss_family == AF_INET || here.ss_family == AF_INET6);
}

// Bytes that ZeroMQ has read; false if the kernel does not say. What comes between the two calls makes it less, not
// more.
bool read_bytes(int descriptor, std::uint64_t& bytes) {
  tcp_info info{};
  socklen_t size = sizeof info;
  int unread = 0;
  if (getsockopt(descriptor, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return false;
  if (size < offsetof(tcp_info, tcpi_bytes_received) + sizeof info.tcpi_bytes_received) return false;
  if (ioctl(descriptor, FIONREAD, &unread) != 0) return false;
  const auto left = static_cast<std::uint64_t>(std::max(unread, 0));
  bytes = info.tcpi_bytes_received > left ? info.tcpi_bytes_received - left : 0;
  return true;
}

}  // namespace

ConnectionGuard::ConnectionGuard(zmq::context_t& context, std::vector<zmq::socket_t*> sockets)
    : sockets_(std::move(sockets)) {
  for (zmq::socket_t* socket : sockets_) {
    const std::string address = "inproc://connections-" + std::to_string(next_monitor++);
    const int events = socket == sockets_.front() ? ZMQ_EVENT_ACCEPTED : ZMQ_EVENT_CONNECTED;
    if (zmq_socket_monitor(socket->handle(), address.c_str(), events) != 0) throw zmq::error_t();
    zmq::socket_t& monitor = monitors_.emplace_back(context, zmq::socket_type::pair);
    monitor.set(zmq::sockopt::linger, 0);
    // Without a bound: ZeroMQ's thread would else wait for this one. An event is 200 bytes, and comes once a
    // connection.
    monitor.set(zmq::sockopt::rcvhwm, 0);
    monitor.connect(address);
    descriptors_.push_back(monitor.get(zmq::sockopt::fd));
  }
  touched_.assign(monitors_.size(), true);
}

ConnectionGuard::~ConnectionGuard() {
  // First these: an event for a monitor that is gone would be waited for.
  for (zmq::socket_t* socket : sockets_) (void)zmq_socket_monitor(socket->handle(), nullptr, 0);
}

void ConnectionGuard::read_events(Now now) {
  for (std::size_t monitor = 0; monitor < monitors_.size(); ++monitor) {
    if (!touched_[monitor]) continue;
    touched_[monitor] = false;
    zmq::message_t event;
    zmq::message_t address;
    while (receive(monitors_[monitor], event, zmq::recv_flags::dontwait)) {
      if (event.more()) (void)receive(monitors_[monitor], address, zmq::recv_flags::none);
      if (event.size() != kEventBytes) continue;
      std::int32_t descriptor = -1;
      std::memcpy(&descriptor, static_cast<const char*>(event.data()) + 2, sizeof descriptor);
      opened(monitor, descriptor, now);
    }
  }
}

void ConnectionGuard::opened(std::size_t monitor, int descriptor, Now now) {
  Connection connection;
  if (!ends_of(descriptor, connection.here, connection.there)) return;  // it is gone again
  connection.account.accepted = monitor == 0;
  const sockaddr_storage& known = connection.account.accepted ? connection.here : connection.there;
  if (monitor >= ports_.size() || port_of(known) != ports_[monitor]) return;
  connection.account.host = host_of(connection.there);
  connection.account.since = now.steady;
  newest_ = nullptr;
  Connection& durable = connections_[descriptor] = std::move(connection);
  // The kernel may choose, for a connection to a port of this host on which no node listens, just this port.
  if (is_same(durable.here, durable.there)) {
    cut(descriptor, durable,
        "it is connected to itself: the port is one that the system gives to outgoing connections");
    connections_.erase(descriptor);
    return;
  }
  due_ = std::min(due_, now.steady + kLookAtStrangers);
  const auto strangers = std::count_if(connections_.begin(), connections_.end(), [](const auto& entry) {
    return entry.second.account.accepted && !entry.second.account.of_peer;
  });
  if (static_cast<std::size_t>(strangers) > kMaxStrangers) due_ = now.steady;
}

// The connection that a message came by. The descriptor in its frames is looked for only when the route is not known.
ConnectionGuard::Connection* ConnectionGuard::sender(std::string_view route, zmq::message_t& frame, Now now) {
  if (newest_ != nullptr && newest_->route == route) return newest_;
  newest_ = nullptr;
  for (auto& [descriptor, connection] : connections_) {
    if (!route.empty() && connection.route == route) return newest_ = &connection;
  }
  const int descriptor = zmq_msg_get(frame.handle(), ZMQ_SRCFD);
  if (descriptor < 0) return nullptr;
  touched_[0] = true;  // it may have been opened, and have spoken, since the monitors were read
  read_events(now);
  const auto found = connections_.find(descriptor);
  if (found == connections_.end() || !found->second.account.accepted) return nullptr;
  found->second.route = route;
  return newest_ = &found->second;
}

void ConnectionGuard::delivered(std::string_view route, zmq::message_t& last, std::uint64_t wire_bytes, Now now) {
  if (Connection* connection = sender(route, last, now)) connection->account.delivered += wire_bytes;
}

void ConnectionGuard::answered(zmq::message_t& last, std::uint64_t wire_bytes) {
  const auto found = connections_.find(zmq_msg_get(last.handle(), ZMQ_SRCFD));
  if (found != connections_.end() && !found->second.account.accepted) found->second.account.delivered += wire_bytes;
}

void ConnectionGuard::cut_sender(zmq::message_t& frame, std::string_view reason, Now now) {
  const int descriptor = zmq_msg_get(frame.handle(), ZMQ_SRCFD);
  touched_[0] = true;
  read_events(now);
  const auto found = connections_.find(descriptor);
  if (found == connections_.end() || !found->second.account.accepted) return;
  cut(descriptor, found->second, reason);
  newest_ = nullptr;
  connections_.erase(found);
}

bool ConnectionGuard::cut_offenders(const IsPeer& is_peer, Now now) {
  bool strangers = false;
  std::vector<int> descriptors;
  std::vector<ConnectionAccount*> accounts;
  for (auto entry = connections_.begin(); entry != connections_.end();) {
    auto& [descriptor, connection] = *entry;
    ConnectionAccount& account = connection.account;
    sockaddr_storage here;
    sockaddr_storage there;
    if (!ends_of(descriptor, here, there) || !is_same(here, connection.here) || !is_same(there, connection.there) ||
        !read_bytes(descriptor, account.received)) {
      newest_ = nullptr;
      entry = connections_.erase(entry);
      continue;
    }
    // A message of the connection that had this descriptor before may have been counted.
    account.delivered = std::min(account.delivered, account.received);
    account.of_peer = account.accepted && !connection.route.empty() && is_peer(connection.route);
    strangers = strangers || (account.accepted && !account.of_peer);
    descriptors.push_back(descriptor);
    accounts.push_back(&account);
    ++entry;
  }
  const Judgement judgement = judge(accounts);
  for (const Verdict& verdict : judgement.cuts) {
    const auto found = connections_.find(descriptors[verdict.account]);
    cut(found->first, found->second, verdict.reason);
    newest_ = nullptr;
    connections_.erase(found);
  }
  due_ = connections_.empty() ? Nanoseconds::max() : now.steady + (strangers ? kLookAtStrangers : kLookAtPeers);
  return judgement.look_again;
}

// To connect a socket to no address resets its connection and forgets what it has not read, so that ZeroMQ reads no
// more of it. shutdown() would leave that to be read, and a port in TIME_WAIT. Between the look at the ends and the
// call the descriptor could become another's only if ZeroMQ closed it just then: that other connection would break as
// by a network's fault.
void ConnectionGuard::cut(int descriptor, const Connection& connection, std::string_view reason) {
  sockaddr_storage here;
  sockaddr_storage there;
  if (!ends_of(descriptor, here, there) || !is_same(here, connection.here) || !is_same(there, connection.there)) return;
  const sockaddr nowhere{AF_UNSPEC, {}};
  (void)connect(descriptor, &nowhere, sizeof nowhere);
  ++cuts_;
  if (news_.size() >= kMaxCutsKept) return;
  news_.push_back({connection.account.host + " port " + std::to_string(port_of(connection.there)), std::string(reason),
                   connection.account.waiting()});
}

std::vector<ConnectionCut> ConnectionGuard::take_cuts() {
  return std::exchange(news_, {});
}

}  // namespace herd::bus
