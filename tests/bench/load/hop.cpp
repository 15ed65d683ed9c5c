// How long a report takes from one node to another, as clients of both see it.
#include <poll.h>

#include <stdexcept>
#include <thread>

#include "tests/bench/load/clock.hpp"
#include "tests/bench/load/connection.hpp"
#include "tests/bench/load/load.hpp"

namespace herd::bench {
namespace {

constexpr std::uint64_t kReports = 1'000;
constexpr auto kRest =
    std::chrono::milliseconds(2);  // between two reports: nodes fall asleep, as they do in quiet hours
constexpr std::uint64_t kPatienceNs = 5'000'000'000;

void wait_readable(const Connection& connection) {
  pollfd one{connection.descriptor(), POLLIN, 0};
  if (poll(&one, 1, 5'000) == 0) throw std::runtime_error("no reply for 5 s");
}

// Asks about the one client of a hop, without places, and knows its answers before and after a report.
class Question : public Dialect {
 public:
  char* ask(char* at, Sequence& /*sequence*/, Expected& /*expected*/) override {
    return at + request_.copy(at, kLongestRequest);
  }
  Reading read(std::string_view bytes, const Expected& /*expected*/) override {
    const bool unknown = bytes.starts_with("? ");
    const std::size_t end = bytes.find(unknown ? "\n" : "\n\n");
    if (end == std::string_view::npos) return {};
    last_ = bytes.substr(0, bytes.find('\n'));
    return {Reading::Verdict::kWhole, end + (unknown ? 1 : 2)};
  }
  void about(std::string_view client) { request_ = "WHATSAT " + std::string(client) + " 0 0\n"; }
  [[nodiscard]] bool knows(std::string_view report) const { return std::string_view(last_).ends_with(report); }

 private:
  std::string request_;
  std::string last_;
};

// Says what IAMAT says and keeps the text, so that the other node's answer can be compared.
class Report : public Dialect {
 public:
  explicit Report(const Options& options) : iamat_(make_at_dialect(options)) {}
  char* ask(char* at, Sequence& sequence, Expected& expected) override {
    char* const end = iamat_->ask(at, sequence, expected);
    text_ = expected.view();
    return end;
  }
  Reading read(std::string_view bytes, const Expected& expected) override { return iamat_->read(bytes, expected); }
  [[nodiscard]] std::string_view text() const { return text_; }

 private:
  std::unique_ptr<Dialect> iamat_;
  std::string text_;
};

}  // namespace

Result run_hop(const Options& options) {
  Options one = options;
  one.mode = Mode::kIamat;
  one.clients = 1;
  auto report_owner = std::make_unique<Report>(one);
  auto question_owner = std::make_unique<Question>();
  Report& report = *report_owner;
  Question& question = *question_owner;
  Connection told(options.targets[0], std::move(report_owner), 1);
  Connection asked(options.targets[1], std::move(question_owner), 1);
  Sequence sequence;
  Result result;
  const auto ignore = [&result](std::uint64_t replies, std::uint64_t) { result.checked += replies; };
  const std::uint64_t begin = monotonic_ns();
  result.server = cpu_of(options.pids);
  const std::uint64_t reports = options.count == 0 ? kReports : options.count;
  for (std::uint64_t i = 0; i < reports; ++i) {
    std::this_thread::sleep_for(kRest);
    sequence.time_ns = std::max(sequence.time_ns, posix_ns());
    const std::uint64_t sent = monotonic_ns();
    told.ask(sequence, 1, sent);
    question.about(report.text().substr(0, report.text().find(' ')));
    do {
      asked.ask(sequence, 1, monotonic_ns());
      while (asked.in_flight() > 0) {
        wait_readable(asked);
        asked.receive(ignore);
      }
      if (monotonic_ns() - sent > kPatienceNs) throw std::runtime_error("the second node was not told within 5 s");
    } while (!question.knows(report.text()));
    result.latency.add(monotonic_ns() - sent);
    while (told.in_flight() > 0) {
      wait_readable(told);
      told.receive(ignore);
    }
  }
  result.replies = reports;
  result.seconds = static_cast<double>(monotonic_ns() - begin) / 1e9;
  result.server = cpu_of(options.pids) - result.server;
  result.own = own_cpu();
  return result;
}

}  // namespace herd::bench
