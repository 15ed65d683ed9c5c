// What an operator of this host may tell a running node: a unix socket in the node's state directory, for its owner
// alone. A connection carries one line and is answered with one line, a JSON object:
//
//   reset-client CLIENT     {"result":"done","node":"Hill","epoch":2}, also "already" (it was, and has not been heard
//                           since) and "unknown"; "error" with a "message"
//
// Used on the loop's thread only; owns the socket, its file, and the connections. Nothing here blocks.
#pragma once

#include <asio/io_context.hpp>
#include <asio/local/stream_protocol.hpp>
#include <asio/steady_timer.hpp>
#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bus/replica/replica.hpp"
#include "node/base/descriptor_watch.hpp"
#include "node/base/loop_clock.hpp"
#include "node/base/socket_file.hpp"
#include "node/clients/counters.hpp"
#include "protocol/result.hpp"

namespace herd::node {

class AdminSocket {
 public:
  struct Parts {
    asio::io_context& io;
    bus::Replica& replica;
    Counters& counters;
    const LoopClock& clock;
    const std::chrono::milliseconds& ack_timeout;  // for a reset to be acknowledged; may change
  };

  // What it is given must outlive it, and `io` must not be run any more once it is gone.
  explicit AdminSocket(const Parts& parts);
  ~AdminSocket();
  AdminSocket(const AdminSocket&) = delete;
  AdminSocket& operator=(const AdminSocket&) = delete;

  // Opens `directory`/control; what a killed node left there makes room. The directory must be this node's, locked. If
  // the file is removed or replaced later, it is made again within about a second (node/base/socket_file.hpp).
  [[nodiscard]] protocol::Result<void> listen(const std::filesystem::path& directory);

  // Changes up to this number are acknowledged now: replies that waited for them leave.
  void release(bus::ChangeNumber acknowledged);
  // The greatest change number that a reply waits for; 0: none does.
  [[nodiscard]] bus::ChangeNumber awaited() const;

  // No further connection is taken; those that wait are told that the node stops.
  void stop();

 private:
  struct Session;
  using SessionPtr = std::shared_ptr<Session>;

  void take_socket();
  void accept();
  void back_off();
  void read(const SessionPtr& session);
  void execute(const SessionPtr& session, std::string_view line);
  void reset_client(const SessionPtr& session, std::string_view client);
  void wait_for_acknowledgement(const SessionPtr& session, bus::ChangeNumber number, std::string reply);
  void answer(const SessionPtr& session, std::string reply);

  Parts parts_;
  asio::local::stream_protocol::acceptor acceptor_;
  asio::steady_timer accept_again_;
  std::unique_ptr<SocketFile> file_;  // null: not listening
  std::optional<DescriptorWatch> made_;
  bool is_stopped_ = false;
  std::vector<std::weak_ptr<Session>> sessions_;
};

}  // namespace herd::node
