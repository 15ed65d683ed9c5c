// The clients' side of a node: listens on the clients' port and serves every connection.
//
// Owned by the node. All of it runs on the loop's thread, inside the loop's io_context. Only listen() may block. It
// owns the listening sockets, the connections, the epoll instance that reports which of them are ready, one read buffer
// that all of them share, and the table of pending lookups.
//
// Every event of a connection ends in serve(): send the output, start the lookups, and update what the socket is
// watched for.
#pragma once

#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/steady_timer.hpp>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <unordered_map>
#include <utility>
#include <vector>

#include "node/base/accept_backoff.hpp"
#include "node/base/descriptor_watch.hpp"
#include "node/base/loop_clock.hpp"
#include "node/base/socket.hpp"
#include "node/base/socket_poll.hpp"
#include "node/clients/access.hpp"
#include "node/clients/asking.hpp"
#include "node/clients/client_addresses.hpp"
#include "node/clients/client_warnings.hpp"
#include "node/clients/command_figures.hpp"
#include "node/clients/commands.hpp"
#include "node/clients/connection.hpp"
#include "node/clients/counters.hpp"
#include "node/clients/handshakes.hpp"
#include "node/clients/reports.hpp"
#include "node/clients/session.hpp"
#include "node/config/config.hpp"
#include "node/places/client.hpp"
#include "protocol/clock.hpp"
#include "protocol/result.hpp"

namespace herd::node {

class FrontEnd {
 public:
  struct Parts {
    asio::io_context& io;
    bus::Replica& replica;
    const ClientsConfig& config;  // a reload may change this and the next between two loop iterations
    const WatchesConfig& watches;
    Counters& counters;
    const LoopClock& clock;
    // Starts a places lookup and returns at once. The owner of the front end later calls deliver() once for each
    // ticket, never from within `ask`.
    std::function<places::Ticket(const places::Query&)> ask;
    // How long a reply may wait for its acknowledgement. May change while the front end exists.
    const std::chrono::milliseconds& ack_timeout = kDefaultAckTimeout;
    std::size_t most_connections = SIZE_MAX;  // how many the limit of open files allows; max_connections applies too
    Address http = {};                        // where this node serves HTTP; port 0: it does not
  };

  // The parts must outlive the front end. After its destruction, `io` must not run handlers any more.
  explicit FrontEnd(Parts parts);
  FrontEnd(const FrontEnd&) = delete;
  FrontEnd& operator=(const FrontEnd&) = delete;

  // Opens the clients' port on every address of a host name. Call it once, at the start: DNS may block. The Error names
  // the address that cannot be opened and the reason.
  [[nodiscard]] protocol::Result<void> listen(const Address& address);

  // New connections speak TLS with this context; nullptr: plain text. Connections that exist are not affected.
  void use_tls(std::shared_ptr<const TlsContext> context) { handshakes_.use(std::move(context)); }

  // Connections need a token of this table; nullptr: none. Those that exist keep a token that is in the table.
  void use_tokens(std::shared_ptr<const TokenTable> table) { authenticator_.use(std::move(table)); }

  // Waits for ready connections again. Call it at the end of each loop iteration: one iteration serves at most
  // SocketPoll::kMostAtOnce connections that the kernel reports, those of which TLS has read ahead, and
  // kHandshakeStepsInOneGo steps of handshakes.
  void arm();

  // The loop iteration is over: the commands that it answered are counted with the time of the clock. Call it after
  // LoopClock::end_iteration().
  void end_iteration() {
    if (figures_.times.has_answered()) figures_.times.end_iteration(parts_.clock.now().steady);
  }

  // The port of the first listening socket: the kernel's choice if listen() got port 0.
  [[nodiscard]] std::uint16_t port() const;

  // Completes the reply of a lookup. `document` is JSON and does not end with a newline. If the connection is closed by
  // now, the document is dropped. The reply waits for send_delivered(), which sends all replies of a connection
  // together.
  void deliver(places::Ticket ticket, std::string_view document);
  void send_delivered();

  // Continues the queries that wait, after the index has followed the store, and sends their answers and the events of
  // watches. Call it at the end of each loop iteration, after the links were served. Returns true if work is left: the
  // next iteration must begin without waiting.
  [[nodiscard]] bool ask();

  // When ask() must be called although nothing has happened, in steady time; nullopt: never.
  [[nodiscard]] std::optional<protocol::Nanoseconds> next_deadline() const;

  // Updates up to and including this change number are acknowledged: sends the replies that waited for them.
  void release(bus::ChangeNumber acknowledged);

  // The greatest change number that a reply waits for; 0 if no reply waits.
  [[nodiscard]] bus::ChangeNumber awaited() const;

  // Stops listening and reading. Commands already received are still answered, until `deadline` in steady time; then
  // the connections are closed.
  void stop(protocol::Nanoseconds deadline);

  // After stop(): whether every connection is closed, and no report over HTTP waits.
  [[nodiscard]] bool idle() const { return connections_.empty() && reports_.idle(); }

  [[nodiscard]] std::size_t connections() const { return connections_.size(); }

  // The queries and watches of all connections, for reports.
  [[nodiscard]] const Asking& asking() const { return asking_; }
  // For the HTTP API, which asks like a connection.
  [[nodiscard]] Asking& asking() { return asking_; }
  [[nodiscard]] Reports& reports() { return reports_; }

  [[nodiscard]] const CommandFigures& figures() const { return figures_; }

  // TLS handshakes under way.
  [[nodiscard]] std::size_t handshakes() const { return handshakes_.under_way(); }

 private:
  // A connection, and its position in the front end's lists.
  struct Served : ClientAddresses::Member {
    Served(Socket socket, const Session::Parts& parts, std::string from, const Session::Origin& origin)
        : connection(std::move(socket), parts, std::move(from), {origin.network, origin.tls, key()}) {}

    // Names this connection in Asking::take_due().
    [[nodiscard]] std::uint64_t key() const { return reinterpret_cast<std::uint64_t>(this); }

    Connection connection;
    std::size_t index = 0;           // in connections_
    SocketPoll::Interest watched;    // what poll_ watches its socket for
    bool in_unacknowledged = false;  // is in unacknowledged_
    bool in_to_send = false;         // is in to_send_
    bool in_to_receive = false;      // is in to_receive_
    bool in_wrong_tokens = false;    // is in wrong_tokens_
    bool in_to_write = false;        // is in to_write_
    bool events_wait = false;        // events are due, and too much output waits
  };
  using ServedPtr = std::shared_ptr<Served>;

  struct Listener {
    asio::ip::tcp::acceptor acceptor;
    bool waits = false;  // an asynchronous wait for clients is pending; else it backs off, or is closed
  };

  // The connection that waits for the answer of a query.
  class Waiter;

  struct PendingLookup {
    std::weak_ptr<Served> served;
    ReplyQueue::SlotId slot;
  };

  void wait_for_clients(Listener& listener);
  void accept_clients(Listener& listener);
  void back_off(const std::error_code& error);
  [[nodiscard]] bool admit(const asio::ip::tcp::endpoint& client);
  void refuse(const asio::ip::tcp::endpoint& client, std::string_view reason);
  void displace(ClientAddresses::Member& member, const asio::ip::tcp::endpoint& newcomer);
  void begin(Socket socket, const asio::ip::tcp::endpoint& client);
  void serve_ready();
  void receive_ahead();
  void send_soon(const ServedPtr& served);
  void write_soon(const ServedPtr& served);
  void note_due_watchers();
  void write_events();
  void serve(const ServedPtr& served);
  void begin_outstanding(const ServedPtr& served);
  void refuse_tokens();
  void forget(const ServedPtr& served);
  void wait_for_sweep();
  void sweep();

  Parts parts_;
  ClientWarnings warnings_;
  Asking asking_;
  CommandFigures figures_;
  Commands commands_;
  BufferPool buffers_;
  ReplyMemory memory_;
  Authenticator authenticator_;
  Reports reports_;
  std::string http_answer_;
  Session::Parts session_parts_;
  std::vector<Listener> listeners_;  // one for each address; none is added after listen()
  SocketPoll poll_;
  DescriptorWatch ready_;
  AcceptBackoff accept_backoff_;
  asio::steady_timer sweep_again_;
  std::vector<char> read_buffer_;
  Handshakes handshakes_;  // these two before connections_, which refer to them
  ClientAddresses addresses_;
  std::vector<ServedPtr> connections_;
  std::vector<ServedPtr> unacknowledged_;  // have replies that wait for an acknowledgement
  std::vector<ServedPtr> to_send_;         // have documents or answers that send_delivered() sends
  std::vector<ServedPtr> to_receive_;      // have input that TLS has read ahead, or wait for a step
  std::deque<ServedPtr> to_write_;         // have events of watches that are due
  // Connections that wait for the answer to a wrong token, in the order of the answers; at most one entry of each.
  std::deque<std::weak_ptr<Served>> wrong_tokens_;
  std::size_t sweep_index_ = 0;  // where in connections_ the next sweep continues
  std::unordered_map<places::Ticket, PendingLookup> lookups_;
  std::optional<protocol::Nanoseconds> stops_at_;
};

}  // namespace herd::node
