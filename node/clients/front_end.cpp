#include "node/clients/front_end.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>

#include <algorithm>
#include <asio/error.hpp>
#include <asio/post.hpp>
#include <cerrno>
#include <string>
#include <system_error>
#include <utility>

#include "node/base/address.hpp"
#include "node/base/limits.hpp"
#include "node/base/listen_addresses.hpp"

namespace herd::node {
namespace {

using asio::ip::tcp;
using protocol::Result;

// The reply to a client that speaks HTTP. It names the node's HTTP port.
std::string answer_to_http(const Address& http) {
  const std::string text =
      http.port == 0
          ? "This port does not speak HTTP, and this node has no HTTP port: set `http` of the node in herd.toml.\n"
          : fmt::format("This port does not speak HTTP: use the HTTP port of this node, {}.\n", to_string(http));
  return fmt::format(
      "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{}",
      text.size(), text);
}

}  // namespace

FrontEnd::FrontEnd(Parts parts)
    : parts_(std::move(parts)),
      asking_(parts_.replica.store(), parts_.clock),
      commands_({parts_.replica, parts_.config, parts_.counters, figures_.counts, warnings_, parts_.clock, asking_}),
      authenticator_(parts_.counters),
      reports_({commands_, authenticator_, parts_.replica, figures_.times, parts_.clock, parts_.ack_timeout}),
      http_answer_(answer_to_http(parts_.http)),
      session_parts_{commands_, parts_.config,  parts_.counters, warnings_,    parts_.clock,      buffers_,
                     memory_,   authenticator_, figures_,        http_answer_, parts_.ack_timeout},
      ready_(parts_.io, poll_.descriptor(), [this] { serve_ready(); }),
      accept_backoff_(parts_.io),
      sweep_again_(parts_.io),
      read_buffer_(kReadBufferBytes) {}

Result<void> FrontEnd::listen(const Address& address) {
  auto acceptors = listen_on_all(parts_.io, address,
                                 {.key = "clients",
                                  .send_buffer_bytes = static_cast<int>(kSendBufferBytes),
                                  .receive_buffer_bytes = static_cast<int>(kReceiveBufferBytes)});
  if (!acceptors) return tl::unexpected(acceptors.error());
  for (tcp::acceptor& acceptor : *acceptors) listeners_.push_back({std::move(acceptor)});
  for (Listener& listener : listeners_) wait_for_clients(listener);
  wait_for_sweep();
  return {};
}

std::uint16_t FrontEnd::port() const {
  std::error_code error;
  return listeners_.front().acceptor.local_endpoint(error).port();
}

void FrontEnd::deliver(places::Ticket ticket, std::string_view document) {
  const auto lookup = lookups_.find(ticket);
  if (lookup == lookups_.end()) {
    return;
  }
  const ServedPtr served = lookup->second.served.lock();
  const ReplyQueue::SlotId slot = lookup->second.slot;
  lookups_.erase(lookup);
  if (served && served->connection.is_open()) {
    served->connection.session().answer(slot, document);
    send_soon(served);
  }
}

void FrontEnd::send_soon(const ServedPtr& served) {
  if (!std::exchange(served->in_to_send, true)) to_send_.push_back(served);
}

void FrontEnd::send_delivered() {
  for (const ServedPtr& served : std::exchange(to_send_, {})) {
    served->in_to_send = false;
    if (served->connection.is_open()) serve(served);
  }
}

void FrontEnd::release(bus::ChangeNumber acknowledged) {
  reports_.release(acknowledged);
  for (const ServedPtr& served : std::exchange(unacknowledged_, {})) {
    served->in_unacknowledged = false;
    if (!served->connection.is_open()) continue;
    served->connection.session().release(acknowledged);
    serve(served);  // puts it back into the list if it still waits
  }
}

bus::ChangeNumber FrontEnd::awaited() const {
  bus::ChangeNumber awaited = reports_.awaited();
  for (const ServedPtr& served : unacknowledged_) awaited = std::max(awaited, served->connection.session().awaited());
  return awaited;
}

std::optional<protocol::Nanoseconds> FrontEnd::next_deadline() const {
  const auto events = asking_.next_due();
  const auto reports = reports_.next_deadline();
  return events && reports ? std::min(*events, *reports) : std::max(events, reports);  // nullopt is the least
}

void FrontEnd::stop(protocol::Nanoseconds deadline) {
  stops_at_ = deadline;
  reports_.stop();
  std::error_code error;
  for (Listener& listener : listeners_) listener.acceptor.close(error);
  accept_backoff_.cancel();
  const std::vector<ServedPtr> all = connections_;  // a copy, because serve() removes closed connections from the list
  for (const ServedPtr& served : all) {
    served->connection.finish();
    serve(served);
  }
}

void FrontEnd::wait_for_clients(Listener& listener) {
  if (std::exchange(listener.waits, true)) return;
  listener.acceptor.async_wait(tcp::acceptor::wait_read, [this, &listener](const std::error_code& error) {
    listener.waits = false;
    if (!error) accept_clients(listener);
  });
}

void FrontEnd::accept_clients(Listener& listener) {
  tcp::acceptor& acceptor = listener.acceptor;
  for (std::size_t count = 0; count < kMaxAcceptsInOneGo && acceptor.is_open(); ++count) {
    tcp::endpoint client;
    auto size = static_cast<socklen_t>(client.capacity());
    Socket socket(accept4(acceptor.native_handle(), client.data(), &size, SOCK_NONBLOCK | SOCK_CLOEXEC));
    const std::error_code error(socket.is_open() ? 0 : errno, std::system_category());
    if (error == std::errc::operation_would_block) {
      break;
    }
    if (error && !is_of_one_client(error)) {
      back_off(error);
      return;
    }
    if (!error) {
      accept_backoff_.succeeded();
      client.resize(size);
      begin(std::move(socket), client);
    }
  }
  if (acceptor.is_open()) {
    wait_for_clients(listener);
  }
}

// Stops accepting for a while, then tries again on the listeners that do not wait for clients.
void FrontEnd::back_off(const std::error_code& error) {
  const bool is_first = accept_backoff_.failed([this] {
    for (Listener& listener : listeners_) {
      if (!listener.waits && listener.acceptor.is_open()) accept_clients(listener);
    }
  });
  if (is_first && warnings_.allows(ClientWarning::AcceptFailed, parts_.clock.now())) {
    spdlog::warn("event=accept_failed connections={} reason=\"{}\"", connections(), error.message());
  }
}

// Whether the client may connect. When all places are taken, an address with fewer connections than another takes a
// place from that one.
bool FrontEnd::admit(const tcp::endpoint& client) {
  const std::size_t most_of_address = parts_.config.max_connections_per_address;
  if (most_of_address > 0 && addresses_.connections_of(client.address()) >= most_of_address) {
    ++parts_.counters.connections_refused_by_address;
    refuse(client, "max_connections_per_address");
    return false;
  }
  if (connections() < std::min(parts_.config.max_connections, parts_.most_connections)) return true;
  if (ClientAddresses::Member* member = addresses_.to_displace_for(client.address())) {
    displace(*member, client);
    return true;
  }
  ++parts_.counters.connections_refused;
  refuse(client, connections() >= parts_.config.max_connections ? "max_connections" : "the limit of open files");
  return false;
}

void FrontEnd::refuse(const tcp::endpoint& client, std::string_view limit) {
  if (!warnings_.allows(ClientWarning::ConnectionRefused, parts_.clock.now())) return;
  spdlog::warn("event=connection_refused from={} connections={} reason=\"{} is reached\"", text_of(client),
               connections(), limit);
}

void FrontEnd::displace(ClientAddresses::Member& member, const tcp::endpoint& newcomer) {
  const ServedPtr served = connections_[static_cast<Served&>(member).index];
  ++parts_.counters.connections_displaced;
  if (warnings_.allows(ClientWarning::ConnectionDisplaced, parts_.clock.now())) {
    spdlog::warn("event=connection_displaced from={} by={} connections={} reason=\"its address has most connections\"",
                 served->connection.session().from(), text_of(newcomer), connections());
  }
  served->connection.close("all places are taken, and its address has most connections");
  forget(served);
}

void FrontEnd::begin(Socket socket, const tcp::endpoint& client) {
  if (!admit(client)) return;
  std::error_code error;
  socket.set_options(error);
  if (error) {
    return;  // the client has closed it
  }
  ++parts_.counters.connections_accepted;
  spdlog::debug("event=connection_opened from={}", text_of(client));
  const Session::Origin origin{ClientAddresses::network_of(client.address()), handshakes_.is_on()};
  const auto served = std::make_shared<Served>(std::move(socket), session_parts_, text_of(client), origin);
  addresses_.add(*served, client.address());
  if (origin.tls) served->connection.expect_tls(handshakes_, *served->address);
  served->index = connections_.size();
  connections_.push_back(served);
  serve(served);
}

// Reads from all ready connections before it serves the first. A program that waits for replies of several connections
// then finds the other replies when the first one wakes it. serve() closes no other connection, so the list of ready
// ones stays valid.
void FrontEnd::serve_ready() {
  const auto served = [this](const SocketPoll::Ready& ready) {
    return connections_[static_cast<const Served*>(ready.owner)->index];
  };
  const auto ready = poll_.take_ready();
  for (const SocketPoll::Ready& one : ready) {
    Connection& connection = served(one)->connection;
    const bool can_receive = one.to_receive && connection.wants_to_receive();
    if (can_receive || connection.receives_when_writable()) connection.receive(read_buffer_);
  }
  for (const SocketPoll::Ready& one : ready) serve(served(one));
}

void FrontEnd::arm() {
  handshakes_.new_iteration();
  ready_.arm();
  if (!to_receive_.empty()) asio::post(parts_.io, [this] { receive_ahead(); });
}

// Continues with the connections that the kernel does not report: TLS has read ahead, or their handshakes wait for a
// step. It runs before serve_ready(), so handshakes take their steps in the order in which they began. Each connection
// reads once, so that none of them keeps the loop; at most kMaxHandshakes wait for a step.
void FrontEnd::receive_ahead() {
  const std::vector<ServedPtr> all = std::exchange(to_receive_, {});
  for (const ServedPtr& served : all) {
    served->in_to_receive = false;
    if (served->connection.has_input()) served->connection.receive(read_buffer_);
  }
  for (const ServedPtr& served : all) serve(served);
}

void FrontEnd::serve(const ServedPtr& served) {
  Connection& connection = served->connection;
  connection.send();
  if (std::exchange(served->events_wait, false)) write_soon(served);
  begin_outstanding(served);
  if (!connection.is_open()) {
    forget(served);
    return;
  }
  if (connection.session().awaited() != 0 && !served->in_unacknowledged) {
    served->in_unacknowledged = true;
    unacknowledged_.push_back(served);
  }
  if (connection.has_input() && !std::exchange(served->in_to_receive, true)) to_receive_.push_back(served);
  if (connection.session().token_refused_at() && !std::exchange(served->in_wrong_tokens, true)) {
    wrong_tokens_.push_back(served);
  }
  const SocketPoll::Interest wanted{connection.wants_to_receive(), connection.wants_to_send()};
  if (!poll_.watch(connection.descriptor(), served.get(), served->watched, wanted)) {
    connection.close("epoll cannot watch its socket");
    forget(served);
    return;
  }
  served->watched = wanted;
}

// Answers the wrong tokens of which the delay is over. All have the same delay, so the oldest is the first.
void FrontEnd::refuse_tokens() {
  while (!wrong_tokens_.empty()) {
    const ServedPtr served = wrong_tokens_.front().lock();
    if (served && served->connection.is_open()) {
      Session& session = served->connection.session();
      if (*session.token_refused_at() > parts_.clock.now().steady) return;
      served->in_wrong_tokens = false;
      session.refuse_token();
      serve(served);
    }
    wrong_tokens_.pop_front();
  }
}

// Removes a closed connection from the list. The last connection of the list moves to its index.
void FrontEnd::forget(const ServedPtr& served) {
  const std::size_t index = served->index;
  if (index >= connections_.size() || connections_[index] != served) {
    return;  // removed before
  }
  addresses_.remove(*served);
  connections_[index] = std::move(connections_.back());
  connections_[index]->index = index;
  connections_.pop_back();
}

void FrontEnd::wait_for_sweep() {
  sweep_again_.expires_after(kSweepPeriod);
  sweep_again_.async_wait([this](const std::error_code& cancelled) {
    if (!cancelled) {
      sweep();
      if (!stops_at_ || !idle()) {
        wait_for_sweep();
      }
    }
  });
}

void FrontEnd::sweep() {
  warnings_.report_suppressed(parts_.clock.now());
  refuse_tokens();
  std::size_t visits = std::min(connections(), std::max(kSweepAtLeast, connections() / kSweepParts + 1));
  if (stops_at_) {
    visits = connections();
  }
  const bool is_out_of_time = stops_at_ && parts_.clock.now().steady >= *stops_at_;
  for (; visits > 0; --visits) {
    sweep_index_ = sweep_index_ < connections() ? sweep_index_ : 0;
    const ServedPtr served = connections_[sweep_index_];
    if (is_out_of_time) {
      served->connection.close("node stops");
    } else {
      served->connection.close_if_overdue();
      if (served->connection.is_open() && served->connection.session().end_if_revoked()) serve(served);
    }
    if (served->connection.is_open()) {
      ++sweep_index_;
    } else {
      forget(served);
    }
  }
}

}  // namespace herd::node
