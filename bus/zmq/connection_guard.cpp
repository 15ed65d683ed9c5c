#include "bus/zmq/connection_guard.hpp"

#include <arpa/inet.h>
#include <linux/tcp.h>  // its tcp_info has more fields than that of netinet/tcp.h
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "bus/zmq/monitored.hpp"
#include "bus/zmq/zap.hpp"
#include "bus/zmq/zmq_calls.hpp"

namespace herd::bus {

using namespace std::chrono_literals;
using protocol::Nanoseconds;
using protocol::Now;

namespace {

// The interval of cut_offenders(): while a stranger's connection is open, and otherwise. Within it ZeroMQ's thread
// reads up to about 10 MB of small frames, which take ten times that in memory.
constexpr Nanoseconds kIntervalWithStrangers = 20ms;
constexpr Nanoseconds kIntervalWithPeers = 50ms;

// Only an encrypted connection has a handshake that says something about its other end. A refusal by ZAP is not among
// the ROUTER's events, because the ZAP server has decided it.
constexpr int kReceiverHandshakes = ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL;
constexpr int kSenderHandshakes = ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH |
                                  ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL;

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

HandshakeResult result_of(std::uint16_t event, bool is_receiver) {
  if (event == ZMQ_EVENT_HANDSHAKE_SUCCEEDED) return HandshakeResult::Succeeded;
  const bool may_go_on = is_receiver || event == ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL;
  return may_go_on ? HandshakeResult::Failed : HandshakeResult::Refused;
}

// Reads both ends of a connected socket. False if the descriptor is not one.
bool ends_of(int descriptor, sockaddr_storage& here, sockaddr_storage& there) {
  here = there = {};
  socklen_t here_size = sizeof here;
  socklen_t there_size = sizeof there;
  return getsockname(descriptor, reinterpret_cast<sockaddr*>(&here), &here_size) == 0 &&
         getpeername(descriptor, reinterpret_cast<sockaddr*>(&there), &there_size) == 0 &&
         (here.ss_family == AF_INET || here.ss_family == AF_INET6);
}

// The bytes that ZeroMQ has read: those that the kernel received, minus those that are unread in the kernel. False if
// the kernel does not report them. Bytes that come between the two calls can only make the result too low.
bool read_bytes(int descriptor, std::uint64_t& bytes) {
  tcp_info info{};
  socklen_t size = sizeof info;
  int unread = 0;
  if (getsockopt(descriptor, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return false;
  if (size < offsetof(tcp_info, tcpi_bytes_received) + sizeof info.tcpi_bytes_received) return false;
  if (ioctl(descriptor, FIONREAD, &unread) != 0) return false;
  const auto in_kernel = static_cast<std::uint64_t>(std::max(unread, 0));
  bytes = info.tcpi_bytes_received > in_kernel ? info.tcpi_bytes_received - in_kernel : 0;
  return true;
}

}  // namespace

ConnectionGuard::ConnectionGuard(zmq::context_t& context, zmq::socket_t& router, std::uint16_t port, bool encrypted)
    : context_(&context), encrypted_(encrypted) {
  sockets_.emplace_back(monitored(router, port, ZMQ_EVENT_ACCEPTED | (encrypted_ ? kReceiverHandshakes : 0)));
}

ConnectionGuard::~ConnectionGuard() {
  for (std::size_t socket = 0; socket < sockets_.size(); ++socket) {
    if (sockets_[socket]) remove(socket);
  }
}

ConnectionGuard::Monitored ConnectionGuard::monitored(zmq::socket_t& socket, std::uint16_t port, int events) {
  zmq::socket_t monitor = monitor_of(*context_, socket, events);
  const int descriptor = monitor.get(zmq::sockopt::fd);
  return {&socket, std::move(monitor), descriptor, port};
}

void ConnectionGuard::add(std::size_t socket, zmq::socket_t& dealer, std::uint16_t port) {
  if (socket >= sockets_.size()) sockets_.resize(socket + 1);
  sockets_[socket].emplace(monitored(dealer, port, ZMQ_EVENT_CONNECTED | (encrypted_ ? kSenderHandshakes : 0)));
}

void ConnectionGuard::remove(std::size_t socket) {
  (void)zmq_socket_monitor(sockets_[socket]->socket->handle(), nullptr, 0);
  sockets_[socket].reset();
  std::erase_if(handshakes_, [&](const HandshakeEnd& end) { return end.socket == socket; });
}

void ConnectionGuard::read_events(Now now) {
  for (std::size_t socket = 0; socket < sockets_.size(); ++socket) {
    if (!sockets_[socket] || !std::exchange(sockets_[socket]->touched, false)) continue;
    while (const auto event = read_event(sockets_[socket]->monitor)) {
      if ((event->event & (ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_CONNECTED)) != 0) {
        opened(socket, event->value, now);
      } else {
        handshakes_.push_back({socket, result_of(event->event, socket == 0)});
      }
    }
  }
}

void ConnectionGuard::opened(std::size_t socket, int descriptor, Now now) {
  Connection connection;
  if (!ends_of(descriptor, connection.here, connection.there)) return;  // closed again already
  connection.account.accepted = socket == 0;
  const sockaddr_storage& known = connection.account.accepted ? connection.here : connection.there;
  if (port_of(known) != sockets_[socket]->port) return;
  connection.account.host = host_of(connection.there);
  connection.account.since = now.steady;
  newest_ = nullptr;
  Connection& added = connections_[descriptor] = std::move(connection);
  // For a connection to a port of this host on which no node listens, the kernel may choose that same port as the
  // source.
  if (is_same(added.here, added.there)) {
    cut(descriptor, added,
        "it is connected to itself: choose a port that the system does not give to outgoing connections");
    connections_.erase(descriptor);
    return;
  }
  due_ = std::min(due_, now.steady + kIntervalWithStrangers);
  const auto strangers = std::count_if(connections_.begin(), connections_.end(), [](const auto& entry) {
    return entry.second.account.accepted && !entry.second.account.of_peer;
  });
  if (static_cast<std::size_t>(strangers) > kMaxStrangers) due_ = now.steady;
}

// The connection that a message came by. `frame`: one of its frames, of which the descriptor is asked only if the route
// is not known.
ConnectionGuard::Connection* ConnectionGuard::sender(std::string_view route, zmq::message_t& frame, Now now) {
  if (newest_ != nullptr && newest_->route == route) return newest_;
  newest_ = nullptr;
  for (auto& [descriptor, connection] : connections_) {
    if (!route.empty() && connection.route == route) return newest_ = &connection;
  }
  const int descriptor = zmq_msg_get(frame.handle(), ZMQ_SRCFD);
  if (descriptor < 0) return nullptr;
  touched(0);  // the connection may be newer than the last call of read_events()
  read_events(now);
  const auto found = connections_.find(descriptor);
  if (found == connections_.end() || !found->second.account.accepted) return nullptr;
  found->second.route = route;
  found->second.key = key_of(frame);
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
  touched(0);
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
    // A message of a former connection with this descriptor may have been counted.
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
  due_ = connections_.empty() ? Nanoseconds::max()
                              : now.steady + (strangers ? kIntervalWithStrangers : kIntervalWithPeers);
  return judgement.look_again;
}

// connect() with AF_UNSPEC resets the connection and discards its unread bytes, so that ZeroMQ reads no more of them.
// shutdown() would leave them to be read, and a port in TIME_WAIT. If ZeroMQ closes the descriptor between ends_of()
// and connect(), another connection may have it: that one would break as by a fault of the network.
bool ConnectionGuard::reset(int descriptor, const Connection& connection) {
  sockaddr_storage here;
  sockaddr_storage there;
  const bool is_open =
      ends_of(descriptor, here, there) && is_same(here, connection.here) && is_same(there, connection.there);
  if (!is_open) return false;
  const sockaddr nowhere{AF_UNSPEC, {}};
  (void)connect(descriptor, &nowhere, sizeof nowhere);
  return true;
}

void ConnectionGuard::cut(int descriptor, const Connection& connection, std::string_view reason) {
  if (!reset(descriptor, connection)) return;
  ++cuts_;
  if (news_.size() >= kMaxCutsKept) return;
  news_.push_back({connection.account.host + " port " + std::to_string(port_of(connection.there)), std::string(reason),
                   connection.account.waiting()});
}

void ConnectionGuard::end_route(std::string_view route) {
  const auto found = std::find_if(connections_.begin(), connections_.end(), [&](const auto& entry) {
    return !route.empty() && entry.second.account.accepted && entry.second.route == route;
  });
  if (found == connections_.end()) return;
  (void)reset(found->first, found->second);
  newest_ = nullptr;
  connections_.erase(found);
}

void ConnectionGuard::cut_keys(const IsValid& is_valid) {
  for (auto entry = connections_.begin(); entry != connections_.end();) {
    const auto& [descriptor, connection] = *entry;
    if (connection.key.empty() || is_valid(connection.key)) {
      ++entry;
      continue;
    }
    cut(descriptor, connection, kKeyGone);
    newest_ = nullptr;
    entry = connections_.erase(entry);
  }
}

std::vector<ConnectionCut> ConnectionGuard::take_cuts() {
  return std::exchange(news_, {});
}

}  // namespace herd::bus
