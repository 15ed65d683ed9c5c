// Measures how long a report takes from one node to another, as clients of both nodes observe it.
#include <poll.h>
#include <sys/prctl.h>

#include <random>
#include <stdexcept>
#include <thread>

#include "tests/bench/load/clock.hpp"
#include "tests/bench/load/connection.hpp"
#include "tests/bench/load/load.hpp"
#include "tests/bench/load/nats.hpp"
#include "tests/bench/load/request_text.hpp"
#include "tests/bench/load/watcher.hpp"

namespace herd::bench {
namespace {

constexpr std::uint64_t kReports = 1'000;
// The pause between two reports, in microseconds, drawn at random each time. The nodes fall asleep in it, as they do
// with little load, and no timer of theirs can stay in step.
constexpr int kShortestRest = 1'000;
constexpr int kLongestRest = 3'000;
constexpr std::uint64_t kPatienceNs = 5'000'000'000;
// A sleep may end up to this much late, so the last part of a wait is a busy loop.
constexpr std::uint64_t kAwakeNs = 80'000;
constexpr double kFirstAgeNs = 200'000;  // the first guess
constexpr double kStep = 1.05;           // factor by which the delay of the first query is tuned

void wait_readable(int descriptor) {
  pollfd one{descriptor, POLLIN, 0};
  if (poll(&one, 1, 5'000) == 0) throw std::runtime_error("no reply for 5 s");
}

void wait_until(std::uint64_t when) {
  const std::uint64_t now = monotonic_ns();
  if (when > now + kAwakeNs) std::this_thread::sleep_for(std::chrono::nanoseconds(when - now - kAwakeNs));
  while (monotonic_ns() < when) {
  }
}

void rest() {
  static std::minstd_rand random;
  std::this_thread::sleep_for(
      std::chrono::microseconds(std::uniform_int_distribution(kShortestRest, kLongestRest)(random)));
}

// Queries the client of a hop, without places, and compares the answer with a report.
class Question : public Dialect {
 public:
  char* write_request(char* at, Sequence& /*sequence*/, Expected& /*expected*/) override {
    return at + request_.copy(at, kLongestRequest);
  }
  Reading read(std::string_view bytes, const Expected& /*expected*/) override {
    const bool unknown = bytes.starts_with("? ");
    const std::size_t end = bytes.find(unknown ? "\n" : "\n\n");
    if (end == std::string_view::npos) return {};
    last_ = bytes.substr(0, bytes.find('\n'));
    return {Reading::Verdict::kComplete, end + (unknown ? 1 : 2)};
  }
  void about(std::string_view client) { request_ = "WHATSAT " + std::string(client) + " 0 0\n"; }
  [[nodiscard]] bool knows(std::string_view report) const { return std::string_view(last_).ends_with(report); }

 private:
  std::string request_;
  std::string last_;
};

// Writes an IAMAT and stores its text, to compare the other node's answer with it.
class Report : public Dialect {
 public:
  explicit Report(const Options& options) : iamat_(make_at_dialect(options)) {}
  char* write_request(char* at, Sequence& sequence, Expected& expected) override {
    char* const end = iamat_->write_request(at, sequence, expected);
    text_ = expected.view();
    return end;
  }
  Reading read(std::string_view bytes, const Expected& expected) override { return iamat_->read(bytes, expected); }
  [[nodiscard]] std::string_view text() const { return text_; }

 private:
  std::unique_ptr<Dialect> iamat_;
  std::string text_;
};

// Sends one report after the other over one connection, and waits for each at the other end.
class Hop {
 public:
  Hop() = default;
  virtual ~Hop() = default;
  Hop(const Hop&) = delete;
  Hop& operator=(const Hop&) = delete;

  // Sends a report and returns its latency in nanoseconds.
  virtual std::uint64_t once(Result& result) = 0;

 protected:
  // Sends the next report; returns when it was written.
  std::uint64_t report(Connection& reporter) {
    sequence_.time_ns = std::max(sequence_.time_ns, posix_ns());
    const std::uint64_t sent = monotonic_ns();
    reporter.send_requests(sequence_, 1, sent);
    return sent;
  }
  void collect(Connection& connection, Result& result) {
    while (connection.in_flight() > 0) {
      wait_readable(connection.descriptor());
      connection.receive([&result](std::uint64_t replies, std::uint64_t) { result.checked += replies; });
    }
  }
  Sequence sequence_;
};

class PolledHop : public Hop {
 public:
  explicit PolledHop(const Options& options) : PolledHop(options, std::make_unique<Report>(options)) {}

  std::uint64_t once(Result& result) override {
    const std::uint64_t sent = report(reporter_);
    question_->about(report_->text().substr(0, report_->text().find(' ')));
    wait_until(sent + static_cast<std::uint64_t>(first_age_));
    std::uint64_t queried_at = query(result);
    const bool early = !question_->knows(report_->text());
    first_age_ *= early ? kStep : 1 / kStep;
    while (!question_->knows(report_->text())) {
      if (queried_at - sent > kPatienceNs)
        throw std::runtime_error("the second node did not receive the report within 5 s");
      queried_at = query(result);
    }
    collect(reporter_, result);
    return queried_at - sent;
  }

 private:
  PolledHop(const Options& options, std::unique_ptr<Report> report)
      : report_(report.get()),
        reporter_(options.targets[0], std::move(report), 1),
        question_(new Question),
        query_connection_(options.targets[1], std::unique_ptr<Dialect>(question_), 1) {}

  std::uint64_t query(Result& result) {
    const std::uint64_t now = monotonic_ns();
    query_connection_.send_requests(sequence_, 1, now);
    collect(query_connection_, result);
    return now;
  }

  Report* report_;  // owned by reporter_
  Connection reporter_;
  Question* question_;  // owned by query_connection_
  Connection query_connection_;
  double first_age_ = kFirstAgeNs;
};

class PushedHop : public Hop {
 public:
  explicit PushedHop(const Options& options)
      : subscribers_(subscribe(options)), reporter_(options.targets[0], make_nats_dialect(options), 1) {}

  std::uint64_t once(Result& result) override {
    Subscriber& far = *subscribers_[1];
    const std::uint64_t before = far.updates();
    const std::uint64_t sent = report(reporter_);
    while (far.updates() == before) {
      wait_readable(far.descriptor());
      far.receive();
    }
    const std::uint64_t took = monotonic_ns() - sent;
    collect(reporter_, result);
    subscribers_[0]->receive();
    return took;
  }

 private:
  std::vector<std::unique_ptr<Subscriber>> subscribers_;
  Connection reporter_;
};

class WatchedHop : public Hop {
 public:
  explicit WatchedHop(const Options& options) : WatchedHop(options, std::make_unique<Report>(options)) {
    std::string command = "WATCH w CLIENT " + std::string(options.id_bytes, ' ') + "\n";
    put_id(command.data() + command.size() - 1 - options.id_bytes, options.client_base, options.id_bytes);
    watcher_.begin(command, 1);
  }

  std::uint64_t once(Result& result) override {
    const std::uint64_t sent = report(reporter_);
    while (!watcher_.last_event().ends_with(report_->text())) {
      wait_readable(watcher_.descriptor());
      watcher_.receive();
    }
    const std::uint64_t took = monotonic_ns() - sent;
    collect(reporter_, result);
    return took;
  }

 private:
  WatchedHop(const Options& options, std::unique_ptr<Report> report)
      : report_(report.get()), reporter_(options.targets[0], std::move(report), 1), watcher_(options.targets[1]) {}

  Report* report_;  // owned by reporter_
  Connection reporter_;
  Watcher watcher_;
};

std::unique_ptr<Hop> make_hop(const Options& options) {
  if (options.mode == Mode::kNatsHop) return std::make_unique<PushedHop>(options);
  if (options.mode == Mode::kWatchHop) return std::make_unique<WatchedHop>(options);
  return std::make_unique<PolledHop>(options);
}

}  // namespace

Result run_hop(const Options& options) {
  prctl(PR_SET_TIMERSLACK, 1UL);  // sleeps end on time, not up to 50 us later
  Options one = options;
  one.clients = 1;
  const std::unique_ptr<Hop> hop = make_hop(one);
  Result result;
  const std::uint64_t reports = options.count == 0 ? kReports : options.count;
  for (std::uint64_t i = 0; i < reports / 10; ++i) {  // tunes the delay of the first query
    rest();
    hop->once(result);
  }
  const std::uint64_t begin = monotonic_ns();
  result.server = cpu_of(options.pids);
  result.own = own_cpu();
  for (std::uint64_t i = 0; i < reports; ++i) {
    rest();
    result.latency.add(hop->once(result));
  }
  result.replies = reports;
  result.seconds = static_cast<double>(monotonic_ns() - begin) / 1e9;
  result.server = cpu_of(options.pids) - result.server;
  result.own = own_cpu() - result.own;
  return result;
}

}  // namespace herd::bench
