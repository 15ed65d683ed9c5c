#include "node/app/node.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <asio/post.hpp>
#include <chrono>
#include <csignal>
#include <exception>
#include <utility>

#include "node/app/asking_report.hpp"
#include "node/app/certificates.hpp"
#include "node/app/descriptor_limit.hpp"
#include "node/app/node_options.hpp"
#include "node/app/reload_log.hpp"
#include "node/app/remote_monitor.hpp"
#include "node/base/listen_addresses.hpp"
#include "node/base/random_id.hpp"
#include "node/config/port_range.hpp"
#include "node/config/tokens.hpp"
#include "node/observe/log.hpp"

namespace herd::node {

using protocol::fail;
using protocol::Nanoseconds;
using protocol::Now;
using protocol::Result;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t kHandlersPerIteration = 256;  // of Asio, before the bus is pumped again
constexpr Nanoseconds kStopPatience = 5s;  // how long a clean stop waits for replies to clients and ACKs of peers

}  // namespace

Node::Node(const RunNode& run, Signals& signals, const std::filesystem::path& directory, FileDisk::Opened opened)
    : name_(run.name),
      directory_(directory),
      log_level_(run.log_level),
      config_(run.config),
      start_tokens_(run.tokens),
      start_keys_(run.keys ? std::optional(run.keys->keys) : std::nullopt),
      start_viewers_(run.viewers ? std::optional<ViewerKeys>({run.keys->keys.own, run.viewers->names}) : std::nullopt),
      signals_(signals),
      started_(clock_.now()),
      reports_(run.name),
      replica_(replica_options(run.config, run.name, {reports_, propagation_}), std::move(opened.recovered)),
      disk_(std::move(opened.disk)),
      journal_(*disk_, {.sync = run.config.updates.ack == Acknowledge::Fsync, .live_bytes = opened.live_bytes}),
      journal_log_(directory, run.config.updates.ack) {}

Node::~Node() {
  http_.reset();  // first: its thread posts to the loop's io_context
}

Result<std::unique_ptr<Node>> Node::start(const RunNode& run, Signals& signals, StateDir& directory) {
  try {
    return start_all(run, signals, directory);
  } catch (const std::exception& problem) {  // Asio and ZeroMQ throw if the system gives them no descriptor or memory
    return fail(std::string("the node cannot start: ") + problem.what());
  }
}

Result<std::unique_ptr<Node>> Node::start_all(const RunNode& run, Signals& signals, StateDir& directory) {
  const std::size_t peers = run.config.find(run.name)->peers.size();
  if (auto enough = check_descriptors({raise_descriptor_limit(), peers}); !enough) {
    return tl::unexpected(enough.error());
  }
  if (run.keys) log_key_warnings(run.keys->warnings);
  if (run.viewers) log_key_warnings(run.viewers->warnings);
  if (run.discard_journal) {
    const auto discarded = FileDisk::discard(directory.path());
    if (!discarded) return tl::unexpected(discarded.error());
    if (*discarded) spdlog::warn("event=journal_discarded moved_to={}", (*discarded)->string());
  }
  auto opened = FileDisk::open(directory.path(), random_id(), &directory);
  if (!opened) return tl::unexpected(opened.error());
  std::unique_ptr<Node> node(new Node(run, signals, directory.path(), std::move(*opened)));
  if (auto ready = node->open(); !ready) return tl::unexpected(ready.error());
  return node;
}

// ---- opening -------------------------------------------------------------------------------------------------------

Result<void> Node::open() {
  for (const std::string& warning : ports_at_risk(*config_.find(name_), read_port_range())) {
    spdlog::warn("event=port_at_risk reason=\"{}\"", warning);
  }
  report_certificates(config_, clock_.now().wall);
  const auto begin_run = [this] { return disk_->begin_run(replica_.planner().begin_run()); };
  return open_bus().and_then(begin_run).and_then([this] { return open_watching(); }).and_then([this]() -> Result<void> {
    const auto report_places = [this](places::ProviderFigures figures) {  // on the worker's thread
      asio::post(io_, [this, figures = std::move(figures)]() mutable {
        places_report_.receive(std::move(figures), monitor_.get(), clock_.now().wall);
      });
    };
    auto worker = places::start_worker(context_, worker_options(config_.places, report_places));
    if (!worker) return tl::unexpected(worker.error());
    places_worker_ = std::move(*worker);
    places_ = std::make_unique<places::Client>(context_, places::kPlacesEndpoint, config_.places.timeout);
    front_end_.emplace(FrontEnd::Parts{io_, replica_, config_.clients, config_.watches, counters_, clock_,
                                       [this](const places::Query& query) { return places_->ask(query, clock_.now()); },
                                       ack_timeout_, most_connections(), config_.find(name_)->http});
    viewers_.emplace(front_end_->asking(), clock_);
    answerer_.emplace(api::Answerer::Parts{replica_, front_end_->asking(), clock_, *viewers_});
    front_end_->use_tls(config_.clients.tls_context);
    use_tokens(std::exchange(start_tokens_, nullptr));
    if (auto listening = front_end_->listen(config_.find(name_)->clients); !listening) return listening;
    watch_descriptors();
    admin_.emplace(
        AdminSocket::Parts{io_, replica_, counters_, clock_, ack_timeout_, [this] { return reload_and_notify(); }});
    return admin_->listen(directory_);
  });
}

std::size_t Node::most_connections() const {
  const std::size_t most = connections_within({raise_descriptor_limit(), replica_.peers().size()});
  if (most < config_.clients.max_connections) {
    spdlog::warn("event=connections_limited most={} max_connections={} reason=\"the limit of open files: ulimit -n\"",
                 most, config_.clients.max_connections);
  }
  return most;
}

Result<void> Node::open_bus() {
  const NodeConfig& self = *config_.find(name_);
  auto own = own_endpoints_of(self.bus, "bus");
  if (!own) return tl::unexpected(own.error());
  bus::Bus::Addresses addresses{std::move(*own), {}, &resolver_};
  for (const std::string& peer : self.peers) addresses.peers.push_back(config_.find(peer)->bus_public);
  auto bus = bus::Bus::open(context_, addresses, replica_, std::exchange(start_keys_, std::nullopt));
  if (!bus) return tl::unexpected(bus.error());
  bus_ = std::move(*bus);
  loop_.emplace(bus::Loop::Parts{replica_, *bus_, journal_, *this});
  return {};
}

Result<void> Node::open_watching() {
  const NodeConfig& self = *config_.find(name_);
  if (!self.monitor.empty()) {
    Viewers::Limits limits;
    limits.viewers = viewers_within({raise_descriptor_limit(), replica_.peers().size()});
    auto monitor = start_monitor(context_, self, limits, std::exchange(start_viewers_, std::nullopt));
    if (!monitor) return tl::unexpected(monitor.error());
    monitor_ = std::move(*monitor);
    stats_.emplace(*monitor_, [this] { return status(); });
  }
  reporter_.emplace(replica_, monitor_.get());
  return self.http.port == 0 ? Result<void>{} : open_http();
}

void Node::watch_descriptors() {
  const auto watch = [this](int descriptor, std::function<void()> readable) {
    watches_.push_back(std::make_unique<DescriptorWatch>(io_, descriptor, std::move(readable)));
  };
  watch_bus();
  // end_iteration() reads all of these anyway, so they only need to wake the loop.
  watch(places_->fd(), [] {});
  if (monitor_) watch(monitor_->fd(), [] {});
  watch(disk_->descriptor(), [] {});
  watch(resolver_.descriptor(), [] {});
  watch(signals_.descriptor(), [this] { handle_signals(); });
}

void Node::watch_bus() {
  for (const int descriptor : bus_->descriptors()) {
    bus_watches_.push_back(
        std::make_unique<DescriptorWatch>(io_, descriptor, [this, descriptor] { bus_->note_readable(descriptor); }));
  }
}

void Node::handle_signals() {
  while (const auto signal = signals_.take()) {
    if (*signal == SIGHUP) {
      (void)reload_and_notify();
    } else {
      begin_stop();
    }
  }
}

// ---- the loop ------------------------------------------------------------------------------------------------------

bool Node::run() {
  spdlog::info("event=started clients={}:{} bus={} clients_known={}", config_.find(name_)->clients.host,
               front_end_->port(), config_.find(name_)->bus, replica_.store().size());
  end_iteration();
  while (!stopped()) iterate();
  if (loop_->disk_lost()) return false;
  bus_->leave();
  spdlog::info("event=stopped clients_known={}", replica_.store().size());
  return true;
}

void Node::iterate() {
  clock_.end_iteration();
  front_end_->end_iteration();
  if (!busy_) {
    wait_for(next_deadline());
    io_.run_one();
  }
  run_ready();
  end_iteration();
}

void Node::run_ready() {
  for (std::size_t count = 0; count < kHandlersPerIteration && io_.poll_one() > 0; ++count) {
  }
}

void Node::end_iteration() {
  busy_ = loop_->end_iteration(clock_.now());
  if (manager_.is_present()) notify(clock_.now());
  if (front_end_->ask()) busy_ = true;
  if (viewers_->work()) busy_ = true;
  // Sending a lookup may have consumed the edge of the descriptor that announces an answer: poll again without waiting.
  if (places_->counters().asked != delivered_at_) busy_ = true;
  for (const auto& watch : watches_) watch->arm();
  for (const auto& watch : bus_watches_) watch->arm();
  front_end_->arm();
}

void Node::deliver(Now now) {
  while (const auto answer = places_->poll(now)) front_end_->deliver(answer->ticket, answer->document);
  delivered_at_ = places_->counters().asked;
  front_end_->send_delivered();
}

void Node::release(bus::ChangeNumber acknowledged) {
  front_end_->release(acknowledged);
  admin_->release(acknowledged);
}

bus::ChangeNumber Node::awaited() const {
  return std::max(front_end_->awaited(), admin_->awaited());
}

bool Node::report(Now now) {
  ack_timeout_ = config_.updates.ack_timeout;
  if (!replica_.may_acknowledge()) ack_timeout_ = std::min(ack_timeout_, kRefusedPatience);
  journal_log_.report(journal_, now);
  reporter_->report_journal(journal_.trouble(), now);
  bool busy = reporter_->report(now);
  for (const bus::ConnectionCut& cut : bus_->take_cuts()) reporter_->report_cut(cut, now);
  for (const auto& refused : bus_->take_refused()) reporter_->report_refused(refused, now);
  for (const auto& change : bus_->addresses().take_changes()) reporter_->report_address(change, now);
  if (const auto trouble = bus_->take_bind_trouble()) spdlog::warn("event=bus_not_bound reason=\"{}\"", *trouble);
  if (own_report_.is_due(now)) report_to_peers(now);
  if (stats_) busy = stats_->serve(now) || busy;
  return busy;
}

// A node of which another process has the name has started too: a restart would change nothing.
void Node::notify(Now now) {
  if (settled()) manager_.ready(now.steady);
  manager_.work(now.steady);
}

void Node::report_to_peers(Now now) {
  const std::uint64_t updates = counters_.iamat_stored + replica_.counters().updates_merged;
  own_report_.set(replica_, {now.steady - started_.steady, ready(), updates}, now);
}

Nanoseconds Node::next_deadline() const {
  const Now& now = clock_.now();
  Nanoseconds deadline = std::min(loop_->next_deadline(now), places_->next_deadline().value_or(Nanoseconds::max()));
  if (stats_) deadline = std::min(deadline, stats_->next_deadline());
  deadline = std::min(deadline, front_end_->next_deadline().value_or(Nanoseconds::max()));
  deadline = std::min(deadline, manager_.next_deadline());
  if (manager_.is_present() && manager_.is_starting()) deadline = std::min(deadline, settled_by());
  if (stop_by_) deadline = std::min(deadline, now.steady + Nanoseconds{10ms});  // stopped() polls the peers' cursors
  return deadline;
}

// Arms the timer only if `deadline` is earlier than its present expiry. A timer that expires too early costs less than
// arming it in each iteration.
void Node::wait_for(Nanoseconds deadline) {
  clock_.end_iteration();
  if (deadline == Nanoseconds::max() || (timer_at_ && *timer_at_ <= deadline)) return;
  timer_at_ = deadline;
  timer_.expires_at(std::chrono::steady_clock::time_point(deadline));
  timer_.async_wait([this](const std::error_code& error) {
    if (!error) timer_at_.reset();
  });
}

// ---- stopping and reloading ----------------------------------------------------------------------------------------

void Node::begin_stop() {
  if (stop_by_) return;
  manager_.stopping(clock_.now().steady);
  spdlog::info("event=stopping connections={}", front_end_->connections());
  stop_began_ = clock_.now().steady;
  stop_by_ = stop_began_ + kStopPatience;
  journal_.check_soon();  // if the journal was removed a moment ago, it is written anew before the process ends
  front_end_->stop(*stop_by_);
  viewers_->stop();
  admin_->stop();
}

bool Node::stopped() const {
  if (loop_->disk_lost()) return true;
  if (!stop_by_) return false;
  if (clock_.now().steady >= *stop_by_) return true;
  return front_end_->idle() && peers_have_all() && replica_.planner().cursor() == replica_.store().feed().tail() &&
         journal_.confirmed() >= stop_began_;
}

bool Node::peers_have_all() const {
  for (bus::PeerIndex peer = 0; peer < replica_.peers().end_number(); ++peer) {
    if (!replica_.peers().has(peer)) continue;
    const bus::PeerStatus status = replica_.peer_status(peer, clock_.now());
    if (status.state == bus::Connected::Up && status.lag > 0) return false;
  }
  return true;
}

// ---- status ---------------------------------------------------------------------------------------------------------

bool Node::ready() const {
  return replica_.may_acknowledge() && settled();
}

// Whether it has what its peers have, or has waited for them long enough.
bool Node::settled() const {
  return replica_.synchronised() || clock_.now().steady >= settled_by();
}

Nanoseconds Node::settled_by() const {
  return started_.steady + config_.http.ready_timeout;
}

Status Node::status() const {
  const Now& now = clock_.now();
  Status status;
  status.node = name_;
  status.incarnation = replica_.self().incarnation;
  status.feed_id = replica_.self().feed_id;
  status.uptime = std::chrono::duration_cast<std::chrono::milliseconds>(now.steady - started_.steady);
  status.digest = replica_.store().digest();
  status.clients = replica_.store().size();
  status.connections = front_end_->connections();
  status.tls_handshakes_under_way = front_end_->handshakes();
  status.asking = status_of(front_end_->asking());
  status.commands = status_of(front_end_->figures(), propagation_);
  status.ready = ready();
  status.journal = {journal_.trouble(), config_.updates.ack != Acknowledge::Memory, disk_->bytes()};
  add_links(status, replica_, now);
  for (LinkStatus& link : status.links)
    link.address = bus_->addresses().endpoint(*replica_.peers().number_of(link.peer));
  for (const NodeConfig& node : config_.nodes) status.nodes.push_back(node.name);
  status.own_report = own_report_.latest(now);
  status.reports = reports_.of_others(now);
  status.providers = places_report_.figures();
  status.counters = read_counters({.clients = counters_,
                                   .bus = replica_.counters(),
                                   .journal = journal_.counters(),
                                   .lookups = places_->counters(),
                                   .providers = status.providers,
                                   .bus_connections_cut = bus_->counts().cut,
                                   .bus_refused = bus_->counts().refused,
                                   .log_dropped = log_dropped(),
                                   .watch_conflated = front_end_->asking().watch_counters().conflated,
                                   .watches_refused = front_end_->asking().watch_counters().refused,
                                   .monitor = monitor_counters()});
  status.taken = now;
  return status;
}

std::optional<CounterSources::OfMonitor> Node::monitor_counters() const {
  if (!monitor_) return std::nullopt;
  return {{monitor_->viewers().counters(), monitor_->published(), reporter_->clients_skipped()}};
}

}  // namespace herd::node
