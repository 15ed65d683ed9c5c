#include "tests/bench/load/load.hpp"

#include <sys/epoll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <fstream>
#include <limits>
#include <stdexcept>

#include "tests/bench/load/clock.hpp"
#include "tests/bench/load/connection.hpp"
#include "tests/bench/load/nats.hpp"

namespace herd::bench {
namespace {

constexpr std::uint64_t kPatienceNs = 20'000'000'000;  // without any reply: then the server hangs
constexpr int kEvents = 256;
// The data of an epoll event is the number of a connection, or the number of a subscriber with this bit set.
constexpr std::uint64_t kIsSubscriber = std::uint64_t{1} << 63;
constexpr std::uint64_t kIsWatcher = std::uint64_t{1} << 62;  // the same for a watcher
constexpr int kWaitMs = 100;
constexpr int kPacedWaitMs = 1;
// The most messages published and not received by every subscriber: far fewer than a nats-server buffers for a slow
// subscriber before it drops the connection.
constexpr std::uint64_t kMostUndelivered = 65'536;

std::uint64_t as_ns(double seconds) {
  return static_cast<std::uint64_t>(seconds * 1e9);
}

std::vector<Point> read_points(const std::string& path) {
  std::vector<Point> points;
  std::ifstream file(path);
  for (Point point; file >> point.latitude >> point.longitude;) points.push_back(point);
  if (points.empty() && !path.empty()) throw std::runtime_error(path + " contains no points");
  return points;
}

class Load {
 public:
  explicit Load(const Options& options);
  ~Load() { close(epoll_); }
  Load(const Load&) = delete;
  Load& operator=(const Load&) = delete;
  Result run();

 private:
  bool run_once();
  void serve(std::size_t number);
  void send_on(Connection& connection);
  void send_on_idle();
  [[nodiscard]] std::uint64_t allowed() const;
  [[nodiscard]] std::uint64_t delivered() const;
  [[nodiscard]] bool is_over() const;
  void check_delivered();
  void watch(std::size_t number, int operation);
  void add_reader(int descriptor, std::uint64_t data);
  void begin_measuring(std::uint64_t now);
  void end_measuring(std::uint64_t now);
  void refresh_time();

  const Options& options_;
  std::vector<std::unique_ptr<Connection>> connections_;
  std::vector<std::unique_ptr<Subscriber>> subscribers_;
  std::vector<std::unique_ptr<Watcher>> watchers_;
  Sequence sequence_;
  Result result_;
  Connection::Answered answered_;
  int epoll_ = epoll_create1(EPOLL_CLOEXEC);
  std::uint64_t left_;  // requests that may still be sent
  std::uint64_t sent_ = 0;
  std::uint64_t begin_ = 0;
  std::uint64_t now_ = 0;  // when the present event is handled
  std::uint64_t last_reply_ = 0;
  std::uint64_t measure_from_ = 0;
  std::uint64_t measure_until_ = std::numeric_limits<std::uint64_t>::max();
  bool measuring_ = false;
  bool done_ = false;
};

Load::Load(const Options& options)
    : options_(options), left_(options.count == 0 ? std::numeric_limits<std::uint64_t>::max() : options.count) {
  sequence_.points = read_points(options.points);
  if (options.cities > 0) {
    sequence_.fleet = std::make_unique<Fleet>(options.clients, options.cities, options.in_cities);
  }
  const bool nats = options.mode == Mode::kNats;
  if (nats) subscribers_ = subscribe(options);
  const std::size_t servers = nats ? options.publish_to : options.targets.size();
  for (std::uint32_t i = 0; i < options.connections; ++i) {
    connections_.push_back(
        std::make_unique<Connection>(options.targets[i % servers], make_dialect(options), options.depth));
    watch(i, EPOLL_CTL_ADD);
  }
  for (std::size_t i = 0; i < subscribers_.size(); ++i) add_reader(subscribers_[i]->descriptor(), i | kIsSubscriber);
  watchers_ = begin_watches(options, sequence_.fleet.get());
  for (std::size_t i = 0; i < watchers_.size(); ++i) add_reader(watchers_[i]->descriptor(), i | kIsWatcher);
  answered_ = [this](std::uint64_t replies, std::uint64_t sent_ns) {
    result_.checked += replies;
    if (!measuring_) return;
    result_.replies += replies;
    result_.latency.add(now_ - sent_ns, replies);
  };
}

void Load::watch(std::size_t number, int operation) {
  const Connection& connection = *connections_[number];
  epoll_event event{};
  event.events = EPOLLIN | (connection.wants_write() ? EPOLLOUT : 0U);
  event.data.u64 = number;
  if (epoll_ctl(epoll_, operation, connection.descriptor(), &event) != 0) throw std::runtime_error("epoll_ctl failed");
}

void Load::add_reader(int descriptor, std::uint64_t data) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = data;
  if (epoll_ctl(epoll_, EPOLL_CTL_ADD, descriptor, &event) != 0) throw std::runtime_error("epoll_ctl failed");
}

void Load::refresh_time() {
  sequence_.time_ns = std::max(sequence_.time_ns, posix_ns());
}

void Load::begin_measuring(std::uint64_t now) {
  measuring_ = true;
  measure_from_ = now;
  result_.events = sum_of(watchers_);
  result_.server = cpu_of(options_.pids);
  result_.own = own_cpu();
}

void Load::end_measuring(std::uint64_t now) {
  measuring_ = false;
  done_ = true;
  left_ = 0;
  result_.events = sum_of(watchers_) - result_.events;
  result_.seconds = static_cast<double>(now - measure_from_) / 1e9;
  result_.server = cpu_of(options_.pids) - result_.server;
  result_.own = own_cpu() - result_.own;
}

void Load::serve(std::size_t number) {
  Connection& connection = *connections_[number];
  const bool had_rest = connection.wants_write();
  connection.flush();
  connection.receive(answered_);
  send_on(connection);
  if (had_rest != connection.wants_write()) watch(number, EPOLL_CTL_MOD);
}

void Load::send_on(Connection& connection) {
  const std::uint64_t sent = connection.send_requests(sequence_, allowed(), now_);
  sent_ += sent;
  left_ -= sent;
}

// How many requests may be sent now.
std::uint64_t Load::allowed() const {
  std::uint64_t most = left_;
  if (options_.rate > 0) {
    const auto due = static_cast<std::uint64_t>(static_cast<double>(now_ - begin_) * 1e-9 * options_.rate);
    most = std::min(most, due - std::min(due, sent_));
  }
  if (!subscribers_.empty()) most = std::min(most, kMostUndelivered - std::min(kMostUndelivered, sent_ - delivered()));
  return most;
}

// Sends requests on connections without any in flight: on all at the start, later on those that the rate held back.
void Load::send_on_idle() {
  for (std::size_t i = 0; i < connections_.size(); ++i) {
    if (connections_[i]->in_flight() > 0) continue;
    now_ = monotonic_ns();
    send_on(*connections_[i]);
    if (connections_[i]->wants_write()) watch(i, EPOLL_CTL_MOD);
  }
}

std::uint64_t Load::delivered() const {
  std::uint64_t least = std::numeric_limits<std::uint64_t>::max();
  for (const auto& subscriber : subscribers_) least = std::min(least, subscriber->updates());
  return least;
}

void Load::check_delivered() {
  if (subscribers_.empty()) return;
  for (const auto& subscriber : subscribers_) {
    if (subscriber->updates() != sent_ || subscriber->sum() != sequence_.sum) {
      throw std::runtime_error("a subscriber did not receive exactly the published updates");
    }
  }
  result_.delivered = sent_;
  result_.delivered_seconds = static_cast<double>(monotonic_ns() - begin_) / 1e9;
}

bool Load::is_over() const {
  if (left_ != 0) return false;
  for (const auto& connection : connections_) {
    if (connection->in_flight() > 0) return false;
  }
  return subscribers_.empty() || delivered() >= sent_;
}

// Waits once and handles all events. Returns false when the run is over.
bool Load::run_once() {
  std::array<epoll_event, kEvents> events{};
  const int ready = epoll_wait(epoll_, events.data(), kEvents, options_.rate > 0 ? kPacedWaitMs : kWaitMs);
  if (ready < 0 && errno != EINTR) throw std::runtime_error("epoll_wait failed");
  refresh_time();
  const std::uint64_t before = result_.checked;
  for (int i = 0; i < ready; ++i) {
    now_ = monotonic_ns();
    const std::uint64_t source = events[static_cast<std::size_t>(i)].data.u64;
    if ((source & kIsSubscriber) != 0) {
      subscribers_[source & ~kIsSubscriber]->receive();
    } else if ((source & kIsWatcher) != 0) {
      watchers_[source & ~kIsWatcher]->receive();
    } else {
      serve(source);
    }
  }
  if (options_.rate > 0 || !subscribers_.empty()) send_on_idle();
  now_ = monotonic_ns();
  if (result_.checked != before) last_reply_ = now_;
  if (now_ - last_reply_ > kPatienceNs) throw std::runtime_error("no reply for 20 s");
  return !is_over();
}

Result Load::run() {
  const bool counts = options_.count != 0;
  now_ = last_reply_ = begin_ = monotonic_ns();
  const std::uint64_t measure_at = now_ + (counts ? 0 : as_ns(options_.warm_up));
  if (!counts) measure_until_ = measure_at + as_ns(options_.seconds);
  if (measure_at == now_) begin_measuring(now_);
  refresh_time();
  send_on_idle();
  while (run_once()) {
    if (!measuring_ && !done_ && now_ >= measure_at) begin_measuring(now_);
    if (measuring_ && now_ >= measure_until_) end_measuring(now_);
  }
  if (measuring_) end_measuring(now_);
  check_delivered();
  return result_;
}

}  // namespace

Result run_load(const Options& options) {
  return Load(options).run();
}

}  // namespace herd::bench
