#include "node/http/server.hpp"

#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <asio/error.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>
#include <cerrno>
#include <exception>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "node/base/accept_backoff.hpp"
#include "node/base/limits.hpp"
#include "node/base/listen_addresses.hpp"
#include "node/http/admission.hpp"
#include "node/http/connection.hpp"

namespace herd::node::http {
namespace {

using asio::ip::tcp;
using protocol::Result;

}  // namespace

class Server::Running {
 public:
  Running(Parts parts, std::vector<tcp::acceptor> acceptors)
      : parts_(std::move(parts)),
        accept_backoff_(*parts_.io),
        sweep_again_(*parts_.io),
        shared_{parts_.router,
                parts_.limits,
                *parts_.figures,
                std::vector<char>(kReadBufferBytes),
                [this](Connection& connection) { forget(connection); },
                [this](std::shared_ptr<Connection> viewer) { serve_soon(std::move(viewer)); },
                [this] { return end_longest_writer(); },
                [this] { open_soon(); },
                parts_.tls} {
    for (tcp::acceptor& acceptor : acceptors) listeners_.push_back({std::move(acceptor)});
    for (Listener& listener : listeners_) wait_for_clients(listener);
    thread_ = std::thread([this] { run(); });
  }

  // Throws only if the thread cannot be joined, which is broken code and ends the process.
  // NOLINTNEXTLINE(bugprone-exception-escape)
  ~Running() {
    parts_.io->stop();
    thread_.join();
    while (!connections_.empty()) connections_.back()->close();
  }

  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

  void use_tls(std::shared_ptr<const TlsContext> tls) {
    asio::post(*parts_.io, [this, tls = std::move(tls)]() mutable { shared_.tls = std::move(tls); });
  }

 private:
  static constexpr std::size_t kReadBufferBytes = std::size_t{16} * 1024;

  struct Listener {
    tcp::acceptor acceptor;
    bool waits = false;
  };

  void run();
  void wait_for_clients(Listener& listener);
  void accept_clients(Listener& listener);
  std::error_code accept_one(tcp::acceptor& acceptor);
  void back_off(const std::error_code& error);
  void begin(tcp::socket socket, const asio::ip::address& from);
  bool make_room(const asio::ip::address& group);
  void turn_away(tcp::socket socket);
  void open_soon();
  void open_next();
  void make_room_for_handshake(const asio::ip::address& group);
  bool end_longest_writer();
  void forget(Connection& connection);
  void serve_soon(std::shared_ptr<Connection> viewer);
  void serve_viewers();
  void wait_for_sweep();

  Parts parts_;
  std::vector<Listener> listeners_;
  AcceptBackoff accept_backoff_;
  asio::steady_timer sweep_again_;
  bool sweeps_ = false;
  bool opens_ = false;  // open_next() is posted
  Connection::Shared shared_;
  std::vector<std::shared_ptr<Connection>> connections_;
  std::vector<std::shared_ptr<Connection>> to_serve_;  // viewers with more of their stream to send
  std::thread thread_;
};

// The connection catches what a page throws. Any other exception comes from Asio, for want of a resource such as
// memory.
void Server::Running::run() {
  while (!parts_.io->stopped()) {
    try {
      parts_.io->run();
    } catch (const std::exception& problem) {
      spdlog::error("event=http_failed reason=\"{}\"", problem.what());
    }
  }
}

// ---- accepting -----------------------------------------------------------------------------------------------------

void Server::Running::wait_for_clients(Listener& listener) {
  if (std::exchange(listener.waits, true)) return;
  listener.acceptor.async_wait(tcp::acceptor::wait_read, [this, &listener](const std::error_code& error) {
    listener.waits = false;
    if (!error) accept_clients(listener);
  });
}

void Server::Running::accept_clients(Listener& listener) {
  for (std::size_t count = 0; count < kMaxAcceptsInOneGo; ++count) {
    const std::error_code error = accept_one(listener.acceptor);
    if (error == std::errc::operation_would_block) break;
    if (error && !is_of_one_client(error)) return back_off(error);
    if (!error) accept_backoff_.succeeded();
  }
  wait_for_clients(listener);
}

std::error_code Server::Running::accept_one(tcp::acceptor& acceptor) {
  tcp::endpoint client;
  auto size = static_cast<socklen_t>(client.capacity());
  const int descriptor = accept4(acceptor.native_handle(), client.data(), &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (descriptor < 0) return {errno, std::system_category()};
  client.resize(size);
  tcp::socket socket(*parts_.io);
  std::error_code error;
  socket.assign(client.protocol(), descriptor, error);
  if (error) {
    ::close(descriptor);
    return error;
  }
  socket.non_blocking(true, error);  // accept4 has set the flag; Asio must know it
  begin(std::move(socket), client.address());
  return {};
}

void Server::Running::back_off(const std::error_code& error) {
  const bool is_first = accept_backoff_.failed([this] {
    for (Listener& listener : listeners_) {
      if (!listener.waits) accept_clients(listener);
    }
  });
  if (is_first) {
    spdlog::warn("event=http_accept_failed connections={} reason=\"{}\"", connections_.size(), error.message());
  }
}

void Server::Running::begin(tcp::socket socket, const asio::ip::address& from) {
  const asio::ip::address group = group_of(from);
  if (!make_room(group)) return turn_away(std::move(socket));
  std::error_code ignored;
  socket.set_option(tcp::no_delay(true), ignored);
  auto connection = std::make_shared<Connection>(std::move(socket), group, shared_);
  connection->index = connections_.size();
  connections_.push_back(connection);
  ++shared_.figures.accepted;
  shared_.figures.connections = connections_.size();
  if (!std::exchange(sweeps_, true)) wait_for_sweep();
  connection->begin();
}

// Returns whether one more connection of that address is admitted. May close another connection for it.
bool Server::Running::make_room(const asio::ip::address& group) {
  std::vector<Occupant> occupants;
  occupants.reserve(connections_.size());
  for (const auto& one : connections_) occupants.push_back({one->group(), one->can_be_evicted(), one->waits_since()});
  const auto [is_admitted, to_evict] =
      admit(group, occupants, {parts_.limits.connections, parts_.limits.connections_an_address});
  if (to_evict) connections_[*to_evict]->evict();
  return is_admitted;
}

void Server::Running::turn_away(tcp::socket socket) {
  ++shared_.figures.turned_away;
  if (shared_.tls) return;  // a handshake for a refusal would cost more than the request; the destructor closes
  const auto response = text_response(503, "too many connections: try again later");
  const std::string text = head_of(response, {false, std::chrono::system_clock::now()}) + response.body;
  std::error_code ignored;
  socket.send(asio::buffer(text), 0, ignored);
  socket.shutdown(tcp::socket::shutdown_send, ignored);
  // Unread bytes of a request would make close() send a reset, which can destroy the response.
  socket.read_some(asio::buffer(shared_.read_buffer), ignored);
}

// ---- TLS -----------------------------------------------------------------------------------------------------------

void Server::Running::open_soon() {
  if (!std::exchange(opens_, true)) asio::post(*parts_.io, [this] { open_next(); });
}

// One step of one handshake; the next one is posted, so that the thread accepts and answers in between.
void Server::Running::open_next() {
  opens_ = false;
  std::vector<Connection*> waiting;
  std::vector<Occupant> occupants;
  for (const auto& one : connections_) {
    if (!one->waits_for_turn()) continue;
    waiting.push_back(one.get());
    occupants.push_back({one->group(), true, one->waits_since()});
  }
  if (waiting.empty()) return;  // they were closed
  const auto next = waiting[next_in_turn(occupants)]->shared_from_this();
  if (waiting.size() > 1) open_soon();
  if (!next->is_opening_tls()) make_room_for_handshake(next->group());
  next->take_turn();
}

// Closes the handshake under way that has waited longest if one more of that address would exceed a bound.
void Server::Running::make_room_for_handshake(const asio::ip::address& group) {
  std::vector<Connection*> under_way;
  std::vector<Occupant> occupants;
  for (const auto& one : connections_) {
    if (!one->is_opening_tls()) continue;
    under_way.push_back(one.get());
    occupants.push_back({one->group(), true, one->waits_since()});
  }
  const auto [is_admitted, to_evict] =
      admit(group, occupants, {parts_.limits.handshakes, parts_.limits.handshakes_an_address});
  if (to_evict) under_way[*to_evict]->evict();
}

// ---- slow clients --------------------------------------------------------------------------------------------------

// Evicts, of the connections that hold an untaken response, the one without progress for longest. False if none does.
bool Server::Running::end_longest_writer() {
  const auto holds_longer = [](const auto& one, const auto& other) {
    if (one->holds_bytes() != other->holds_bytes()) return one->holds_bytes();
    return one->waits_since() < other->waits_since();
  };
  const auto found = std::min_element(connections_.begin(), connections_.end(), holds_longer);
  if (found == connections_.end() || !(*found)->holds_bytes()) return false;
  (*found)->evict();
  return true;
}

void Server::Running::forget(Connection& connection) {
  const std::size_t index = connection.index;
  connections_[index] = std::move(connections_.back());
  connections_[index]->index = index;
  connections_.pop_back();
  shared_.figures.connections = connections_.size();
}

// ---- viewers and deadlines -----------------------------------------------------------------------------------------

void Server::Running::serve_soon(std::shared_ptr<Connection> viewer) {
  if (to_serve_.empty()) asio::post(*parts_.io, [this] { serve_viewers(); });
  to_serve_.push_back(std::move(viewer));
}

void Server::Running::serve_viewers() {
  std::vector<std::shared_ptr<Connection>> viewers = std::exchange(to_serve_, {});
  const std::size_t now = std::min(viewers.size(), kMaxViewersInOneGo);
  // The rest is queued first: a viewer that has still more to send after this iteration queues after it.
  to_serve_.assign(viewers.begin() + static_cast<std::ptrdiff_t>(now), viewers.end());
  if (!to_serve_.empty()) asio::post(*parts_.io, [this] { serve_viewers(); });
  for (std::size_t i = 0; i < now; ++i) viewers[i]->serve_stream();
}

void Server::Running::wait_for_sweep() {
  sweep_again_.expires_after(kSweepPeriod);
  sweep_again_.async_wait([this](const std::error_code& cancelled) {
    if (cancelled) return;
    const auto now = Connection::Clock::now();
    // From the end: forget() fills the gap of a closed connection with the last one, which is checked already.
    for (std::size_t index = connections_.size(); index-- > 0;) connections_[index]->check_deadline(now);
    sweeps_ = !connections_.empty();
    if (sweeps_) wait_for_sweep();
  });
}

// ---- the server ----------------------------------------------------------------------------------------------------

Result<std::unique_ptr<Server>> Server::start(const Address& address, Parts parts) {
  auto acceptors = listen_on_all(
      *parts.io, address,
      {.key = "http", .send_buffer_bytes = kSendBufferBytes, .receive_buffer_bytes = kReceiveBufferBytes});
  if (!acceptors) return tl::unexpected(acceptors.error());
  return std::unique_ptr<Server>(new Server(std::make_unique<Running>(std::move(parts), std::move(*acceptors))));
}

Server::Server(std::unique_ptr<Running> running) : running_(std::move(running)) {}

Server::~Server() = default;

void Server::use_tls(std::shared_ptr<const TlsContext> tls) {
  running_->use_tls(std::move(tls));
}

}  // namespace herd::node::http
