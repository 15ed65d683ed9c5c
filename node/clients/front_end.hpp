// The clients' side of a node: listens, and serves every connection. All of it runs on the loop's thread, inside the
// io_context that the loop turns; nothing here blocks. It owns the listening sockets, the connections, the poll that
// knows which of them are ready, one read buffer that all of them borrow, and what each lookup of places is for.
//
// Everything that happens to a connection goes through serve(): send what can be sent, ask what must be asked, and wait
// for what the connection then wants.
#pragma once

#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/steady_timer.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <unordered_map>
#include <utility>
#include <vector>

#include "node/base/descriptor_watch.hpp"
#include "node/base/loop_clock.hpp"
#include "node/base/socket.hpp"
#include "node/base/socket_poll.hpp"
#include "node/clients/client_warnings.hpp"
#include "node/clients/commands.hpp"
#include "node/clients/connection.hpp"
#include "node/clients/counters.hpp"
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
    const ClientsConfig& config;  // may change between two turns: a reload
    Counters& counters;
    const LoopClock& clock;
    // Asks for places and returns at once; deliver() is called once for each ticket, and not before this has returned.
    std::function<places::Ticket(const places::Query&)> ask;
    const std::chrono::milliseconds& ack_timeout = kDefaultAckTimeout;  // for a reply to be acknowledged; may change
    std::size_t most_connections = SIZE_MAX;  // that there are descriptors for, whatever the configuration says
    Address http = {};                        // where this node serves HTTP; port 0: nowhere
  };

  // What it is given must outlive it, and `io` must not be run any more once it is gone.
  explicit FrontEnd(Parts parts);
  FrontEnd(const FrontEnd&) = delete;
  FrontEnd& operator=(const FrontEnd&) = delete;

  // Opens the clients' port, at every address of a host name. The name is looked up, which may block: call it at the
  // start. The Error says which address cannot be listened on, and why.
  [[nodiscard]] protocol::Result<void> listen(const Address& address);

  // Waits for clients to be ready once more. Called at the end of a turn: one serves at most SocketPoll::kMostAtOnce.
  void arm() { ready_.arm(); }

  // The port that is listened on, also where 0 was asked for.
  [[nodiscard]] std::uint16_t port() const;

  // The answer to a lookup: a JSON document without newlines at its end. Its client may be gone. It leaves with
  // send_delivered(), so that the replies of a connection that are known by then take one system call.
  void deliver(places::Ticket ticket, std::string_view document);
  void send_delivered();

  // Updates up to this change number are acknowledged now: replies that waited for them leave.
  void release(bus::ChangeNumber acknowledged);

  // The greatest change number that a reply waits for; 0: none does.
  [[nodiscard]] bus::ChangeNumber awaited() const;

  // Stops listening and reading. What was read is still answered, until `deadline` in steady time.
  void stop(protocol::Nanoseconds deadline);

  // After stop(): every connection is gone.
  [[nodiscard]] bool idle() const { return connections_.empty(); }

  [[nodiscard]] std::size_t connections() const { return connections_.size(); }

 private:
  // A connection, and what its socket is watched for.
  struct Served {
    Served(Socket socket, const Session::Parts& parts, std::string from)
        : connection(std::move(socket), parts, std::move(from)) {}

    Connection connection;
    std::size_t place = 0;  // in connections_
    SocketPoll::Interest watched;
    bool waits_for_release = false;  // stands in waiting_
    bool has_delivered = false;      // stands in delivered_
  };
  using ServedPtr = std::shared_ptr<Served>;

  struct Listener {
    asio::ip::tcp::acceptor acceptor;
    bool waits = false;  // for clients; else it backs off, or it is closed
  };

  struct Asked {
    std::weak_ptr<Served> by;
    ReplyQueue::SlotId slot;
  };

  void wait_for_clients(Listener& listener);
  void accept_clients(Listener& listener);
  void back_off(const std::error_code& error);
  void begin(Socket socket, const asio::ip::tcp::endpoint& client);
  void serve_ready();
  void serve(const ServedPtr& served);
  void forget(const ServedPtr& served);
  void wait_for_sweep();
  void sweep();

  Parts parts_;
  ClientWarnings warnings_;
  Commands commands_;
  BufferPool buffers_;
  ReplyMemory memory_;
  std::string http_answer_;
  Session::Parts session_parts_;
  std::vector<Listener> listeners_;  // one for each address; none is added after listen()
  SocketPoll poll_;
  DescriptorWatch ready_;
  asio::steady_timer accept_again_;
  bool backs_off_ = false;  // accepting failed, and has not succeeded since: warned of once
  asio::steady_timer sweep_again_;
  std::vector<char> read_buffer_;
  std::vector<ServedPtr> connections_;
  std::vector<ServedPtr> waiting_;    // have replies that wait to be acknowledged
  std::vector<ServedPtr> delivered_;  // have answers that send_delivered() sends
  std::size_t sweep_place_ = 0;       // where in connections_ the next sweep goes on
  std::unordered_map<places::Ticket, Asked> asked_;
  std::optional<protocol::Nanoseconds> stops_at_;
};

}  // namespace herd::node
