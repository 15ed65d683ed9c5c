// One running node: all its parts, and its event loop.
//
// The thread that calls run() is the loop's thread. It owns the replica, and all sockets except those of the HTTP
// server and of the places worker. It blocks only in its wait for the next event. One loop iteration handles everything
// that is ready (input of clients, answers of the places worker); bus/loop/loop.hpp ends it. So batches form under
// load, and a lone update leaves at once. docs/ARCHITECTURE.md lists the other threads.
#pragma once

#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>
#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>
#include <zmq.hpp>

#include "bus/loop/journal.hpp"
#include "bus/loop/loop.hpp"
#include "bus/replica/replica.hpp"
#include "bus/zmq/bus.hpp"
#include "node/api/answerer.hpp"
#include "node/api/viewers.hpp"
#include "node/app/admin_socket.hpp"
#include "node/app/counter_table.hpp"
#include "node/app/name_resolver.hpp"
#include "node/app/own_report.hpp"
#include "node/base/descriptor_watch.hpp"
#include "node/base/loop_clock.hpp"
#include "node/base/service_manager.hpp"
#include "node/base/signals.hpp"
#include "node/clients/counters.hpp"
#include "node/clients/front_end.hpp"
#include "node/config/config.hpp"
#include "node/config/options.hpp"
#include "node/config/state_dir.hpp"
#include "node/config/token_table.hpp"
#include "node/config/viewer_keys.hpp"
#include "node/http/http_server.hpp"
#include "node/journal/file_disk.hpp"
#include "node/journal/journal_log.hpp"
#include "node/observe/monitor.hpp"
#include "node/observe/places_report.hpp"
#include "node/observe/reporter.hpp"
#include "node/observe/stats_publisher.hpp"
#include "node/places/client.hpp"
#include "node/places/worker.hpp"
#include "protocol/result.hpp"

namespace herd::node {

class Node : private bus::LoopHost {
 public:
  // Recovers the store from the journal, binds every address, and starts the other threads. After an Error, nothing of
  // the node is left; its text states what is wrong and what to do. The log must be started before. `signals` and
  // `directory` must outlive the node. `directory` is the node's state directory, locked; the journal's thread restores
  // its lock file.
  [[nodiscard]] static protocol::Result<std::unique_ptr<Node>> start(const RunNode& run, Signals& signals,
                                                                     StateDir& directory);
  ~Node() override;

  // Serves until SIGTERM or SIGINT. Then stops cleanly: answers the commands already received, sends the peers the
  // changes that they lack, and then BYE; at most 5 s. SIGHUP reloads the configuration. Returns false if the node
  // stops because a sync of its journal failed.
  [[nodiscard]] bool run();

 private:
  [[nodiscard]] static protocol::Result<std::unique_ptr<Node>> start_all(const RunNode& run, Signals& signals,
                                                                         StateDir& directory);
  Node(const RunNode& run, Signals& signals, const std::filesystem::path& directory, FileDisk::Opened opened);

  [[nodiscard]] protocol::Result<void> open();
  [[nodiscard]] protocol::Result<void> open_bus();
  [[nodiscard]] std::size_t most_connections() const;  // how many the limit of open files allows
  [[nodiscard]] protocol::Result<void> open_watching();
  [[nodiscard]] protocol::Result<void> open_http();
  [[nodiscard]] http::TokenGuard::Tables http_tokens(const std::shared_ptr<const TokenTable>& tokens) const;
  void watch_descriptors();
  void watch_bus();

  void iterate();
  void end_iteration();
  // bus::LoopHost
  void deliver(protocol::Now now) override;
  void release(bus::ChangeNumber acknowledged) override;
  [[nodiscard]] bus::ChangeNumber awaited() const override;
  [[nodiscard]] bool report(protocol::Now now) override;
  void wait_for(protocol::Nanoseconds deadline);
  [[nodiscard]] protocol::Nanoseconds next_deadline() const;
  void run_ready();

  void handle_signals();
  void begin_stop();
  [[nodiscard]] bool stopped() const;
  [[nodiscard]] bool peers_have_all() const;
  // Each returns what it did not apply, a sentence for each part.
  std::vector<std::string> reload_and_notify();
  std::vector<std::string> reload();
  [[nodiscard]] std::vector<std::string> reload_keys(const Config& next);
  void use_settings(const Config& fresh, const std::shared_ptr<const TokenTable>& tokens);
  [[nodiscard]] std::vector<std::string> reload_peers_and_replicas(const Config& next, std::size_t replicas);
  [[nodiscard]] std::vector<std::string> reload_peers(const Config& next);
  void set_replicas(std::size_t replicas);
  [[nodiscard]] std::vector<std::string> change_peers(const Config& next);
  [[nodiscard]] std::optional<std::string> add_peer(const std::string& peer, const std::string& address);
  void use_tokens(const std::shared_ptr<const TokenTable>& tokens);

  void notify(protocol::Now now);
  void report_to_peers(protocol::Now now);
  [[nodiscard]] Status status() const;
  [[nodiscard]] std::optional<CounterSources::OfMonitor> monitor_counters() const;
  [[nodiscard]] bool ready() const;
  [[nodiscard]] bool settled() const;
  [[nodiscard]] protocol::Nanoseconds settled_by() const;

  const std::string name_;
  const std::filesystem::path directory_;
  const std::optional<std::string> log_level_;  // from the command line: a reload does not change it
  Config config_;
  std::shared_ptr<const TokenTable> start_tokens_;  // given up by open(); nullptr: neither clients nor pages need one
  std::optional<bus::BusKeys> start_keys_;          // moved to the bus by open_bus(); nullopt: it is not encrypted
  std::optional<ViewerKeys> start_viewers_;  // moved to the monitor by open_watching(); nullopt: it is on loopback
  Signals& signals_;
  ServiceManager manager_;
  Counters counters_;
  LoopClock clock_;
  protocol::Now started_;

  bus::NodeReports reports_;
  OwnReport own_report_{reports_};
  protocol::DurationHistogram propagation_;  // of the replica
  bus::Replica replica_;
  std::unique_ptr<FileDisk> disk_;
  bus::Journal journal_;
  JournalLog journal_log_;
  // How long a reply may wait now: the configured time, or less while another process has this node's name.
  std::chrono::milliseconds ack_timeout_ = kDefaultAckTimeout;
  zmq::context_t context_;
  NameResolver resolver_;
  std::unique_ptr<bus::Bus> bus_;
  std::optional<bus::Loop> loop_;
  std::unique_ptr<places::Client> places_;
  std::uint64_t delivered_at_ = 0;  // how many lookups had been started when deliver() found no more answers
  PlacesReport places_report_;
  std::unique_ptr<Monitor> monitor_;  // nullptr: not configured
  std::optional<Reporter> reporter_;
  std::optional<StatsPublisher> stats_;  // only with a monitor

  asio::io_context io_{ASIO_CONCURRENCY_HINT_UNSAFE_IO};  // other threads post to it; only the loop uses its sockets
  asio::steady_timer timer_{io_};
  std::optional<protocol::Nanoseconds> timer_at_;  // when timer_ expires, in steady time; nullopt: not armed
  std::optional<FrontEnd> front_end_;
  std::optional<api::Viewers> viewers_;  // of the HTTP API, as is the next
  std::optional<api::Answerer> answerer_;
  std::optional<AdminSocket> admin_;
  std::vector<std::unique_ptr<DescriptorWatch>> watches_;
  std::vector<std::unique_ptr<DescriptorWatch>> bus_watches_;  // made anew when peers come or go
  std::unique_ptr<HttpServer> http_;
  std::jthread places_worker_;  // posts to io_

  bool busy_ = false;  // the last iteration left work to do: the next one begins without waiting
  std::optional<protocol::Nanoseconds> stop_by_;  // the deadline of a clean stop, in steady time; nullopt: not stopping
  protocol::Nanoseconds stop_began_{};            // in steady time
};

}  // namespace herd::node
