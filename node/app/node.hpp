// One running node: everything that it consists of, and the loop that turns it.
//
// The thread that calls run() is the loop. It owns the replica, all sockets but the HTTP server's and the worker's, and
// never blocks but in its wait. One turn handles all that is ready (clients' bytes, answers of places), then pumps the
// bus, so that batches form under load and a lone update leaves at once. docs/ARCHITECTURE.md lists the other threads.
#pragma once

#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>
#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>
#include <zmq.hpp>

#include "bus/replica/replica.hpp"
#include "bus/zmq/bus.hpp"
#include "node/app/admin_socket.hpp"
#include "node/base/descriptor_watch.hpp"
#include "node/base/loop_clock.hpp"
#include "node/base/signals.hpp"
#include "node/clients/counters.hpp"
#include "node/clients/front_end.hpp"
#include "node/config/config.hpp"
#include "node/config/options.hpp"
#include "node/config/state_dir.hpp"
#include "node/http/http_server.hpp"
#include "node/journal/journal.hpp"
#include "node/observe/monitor.hpp"
#include "node/observe/places_report.hpp"
#include "node/observe/reporter.hpp"
#include "node/observe/stats_publisher.hpp"
#include "node/places/client.hpp"
#include "node/places/worker.hpp"
#include "protocol/result.hpp"

namespace herd::node {

class Node {
 public:
  // Binds every address; an Error leaves nothing behind. The log must have been started. `signals` must outlive the
  // node, and so must `directory`, the node's own: the journal's thread keeps its lock in place.
  [[nodiscard]] static protocol::Result<std::unique_ptr<Node>> start(const RunNode& run, Signals& signals,
                                                                     StateDir& directory);
  ~Node();

  // Serves until SIGTERM or SIGINT, then stops cleanly: answers what is in flight, tells the peers what they lack, says
  // BYE. SIGHUP reloads the configuration.
  // False if it had to stop because its disk cannot be relied on.
  [[nodiscard]] bool run();

 private:
  [[nodiscard]] static protocol::Result<std::unique_ptr<Node>> start_all(const RunNode& run, Signals& signals,
                                                                         StateDir& directory);
  Node(const RunNode& run, Signals& signals, const std::filesystem::path& directory, Journal::Opened opened);

  [[nodiscard]] protocol::Result<void> open();
  [[nodiscard]] protocol::Result<void> open_bus();
  [[nodiscard]] std::size_t most_connections() const;  // that there are descriptors for
  [[nodiscard]] protocol::Result<void> open_watching();
  void watch_descriptors();

  void iterate();
  void end_iteration();
  std::uint64_t deliver_places();
  void advance_journal();
  void report();
  void wait_for(protocol::Nanoseconds deadline);
  [[nodiscard]] protocol::Nanoseconds next_deadline() const;
  void run_ready();

  void handle_signals();
  void begin_stop();
  [[nodiscard]] bool stopped() const;
  [[nodiscard]] bool peers_have_all() const;
  void reload();

  [[nodiscard]] Status status() const;
  void add_places(Status& status) const;
  [[nodiscard]] bool ready() const;

  const std::string name_;
  const std::filesystem::path directory_;
  const std::optional<std::string> log_level_;  // of the command line: a reload does not change it
  Config config_;
  Signals& signals_;
  Counters counters_;
  LoopClock clock_;
  protocol::Now started_;

  bus::Replica replica_;
  std::unique_ptr<Journal> journal_;
  bus::ChangeNumber released_ = 0;                              // replies up to here have left
  std::chrono::milliseconds ack_timeout_ = kDefaultAckTimeout;  // how long replies may wait now
  bool disk_lost_ = false;                                      // a sync failed: stop, and answer nothing
  zmq::context_t context_;
  std::unique_ptr<bus::Bus> bus_;
  std::unique_ptr<places::Worker> worker_;
  std::unique_ptr<places::Client> places_;
  PlacesReport places_report_;
  std::unique_ptr<Monitor> monitor_;  // null: not configured
  std::optional<Reporter> reporter_;
  std::optional<StatsPublisher> stats_;  // where there is a monitor

  asio::io_context io_{ASIO_CONCURRENCY_HINT_UNSAFE_IO};  // other threads post to it; only the loop uses its sockets
  asio::steady_timer timer_{io_};
  std::optional<protocol::Nanoseconds> timer_at_;  // armed for then
  std::optional<FrontEnd> front_end_;
  std::optional<AdminSocket> admin_;
  std::vector<std::unique_ptr<DescriptorWatch>> watches_;
  std::unique_ptr<HttpServer> http_;

  bool busy_ = false;  // the last turn left something to do: do not wait
  std::optional<protocol::Nanoseconds> stop_by_;
  protocol::Nanoseconds stop_began_{};
};

}  // namespace herd::node
