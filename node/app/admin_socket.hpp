// Commands of an operator to a running node, over the unix socket `control` in the node's state directory. Only the
// directory's owner may connect. A connection sends one line, and gets one line back, a JSON object:
//
//   reset-client CLIENT     {"result":"done","node":"Hill","epoch":2}
//   reload                  {"result":"done","node":"Hill","refused":["its certificate cannot be read: …"]}
//
// "result" of a reset is "done", "already" (it is reset and has not reported since), "unknown" (no record), or "error",
// which comes with a "message" only. "done" and "already" wait until the reset is acknowledged, as a reply to an IAMAT
// does. A reload is done when its reply comes; "refused" has a sentence for each part that the node did not apply.
//
// Used on the loop's thread only; owns the socket, its file, and the connections. Nothing here blocks.
#pragma once

#include <asio/io_context.hpp>
#include <asio/local/stream_protocol.hpp>
#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bus/replica/replica.hpp"
#include "node/base/accept_backoff.hpp"
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
    const std::chrono::milliseconds& ack_timeout;      // how long a reset may wait to be acknowledged; may change
    std::function<std::vector<std::string>()> reload;  // reads the configuration again; returns what was refused
  };

  // The parts must outlive the admin socket. After its destruction, `io` must not run handlers any more.
  explicit AdminSocket(const Parts& parts);
  ~AdminSocket();
  AdminSocket(const AdminSocket&) = delete;
  AdminSocket& operator=(const AdminSocket&) = delete;

  // Opens `directory`/control, and replaces the file that a killed node left there. The directory must be this node's,
  // and locked. If the file is removed or replaced later, it is created again within about a second
  // (node/base/socket_file.hpp). The Error names the path and the reason.
  [[nodiscard]] protocol::Result<void> listen(const std::filesystem::path& directory);

  // Changes up to and including this number are acknowledged: sends the replies that waited for them.
  void release(bus::ChangeNumber acknowledged);
  // The greatest change number that a reply waits for; 0 if no reply waits.
  [[nodiscard]] bus::ChangeNumber awaited() const;

  // Accepts no more connections. Resets that still wait to be acknowledged get an error reply.
  void stop();

 private:
  struct Session;
  using SessionPtr = std::shared_ptr<Session>;

  void take_socket();
  void accept();
  void read(const SessionPtr& session);
  void execute(const SessionPtr& session, std::string_view line);
  void reset_client(const SessionPtr& session, std::string_view client);
  void wait_for_acknowledgement(const SessionPtr& session, bus::ChangeNumber number, std::string reply);
  void answer(const SessionPtr& session, std::string reply);

  Parts parts_;
  asio::local::stream_protocol::acceptor acceptor_;
  AcceptBackoff accept_backoff_;
  std::unique_ptr<SocketFile> file_;             // nullptr: not listening
  std::optional<DescriptorWatch> socket_ready_;  // file_ has a new listening socket
  bool is_stopped_ = false;
  std::vector<std::weak_ptr<Session>> sessions_;
};

}  // namespace herd::node
