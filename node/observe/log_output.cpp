#include "node/observe/log_output.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

#include "node/observe/log_ring.hpp"

namespace herd::node {
namespace {

using std::chrono::steady_clock;

// A wait for room or for lines ends at the latest after this, whatever was missed.
constexpr std::chrono::milliseconds kLongestWait{1'000};
// For a thread that has been asked to give up: unless it is stuck in a system call, it ends at once.
constexpr std::chrono::milliseconds kGiveUpPatience{100};
constexpr std::string_view kTooSlow = "they were not written as fast as they came";

}  // namespace

// What the thread and the owner share. It ends with the last of them.
class LogOutput::Writer {
 public:
  Writer(LogTarget target, DropReport report, std::size_t ring_bytes)
      : ring(ring_bytes),
        target_(std::move(target)),
        report_(std::move(report)),
        wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (wake_ < 0) throw std::system_error(errno, std::system_category(), "eventfd");
    chunk_.reserve(target_.most_bytes());
  }
  ~Writer() { close(wake_); }
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  void run();
  void wake() const noexcept;

  // Shared.
  LogRing ring;
  std::atomic<std::uint64_t> dropped = 0;
  std::atomic<std::uint64_t> settled = 0;  // everything up to this position of the ring is written or dropped
  std::atomic<bool> sleeps = false;        // the thread wants to be woken by the next line
  std::atomic<bool> stop = false;          // end when the ring is empty
  std::atomic<bool> give_up = false;       // end now

 private:
  bool fill();
  void write_some();
  void failed(int error);
  void drop_waiting();
  void chunk_written();
  void clear_chunk();
  void rest();
  void wait(std::chrono::milliseconds patience) const;

  // The thread's.
  LogTarget target_;
  DropReport report_;
  int wake_;                       // eventfd
  std::string chunk_;              // whole lines, taken out of the ring and being written
  std::size_t written_ = 0;        // of chunk_
  std::vector<std::size_t> ends_;  // of each line in chunk_, but the report
  std::size_t report_end_ = 0;     // of the report at the start of chunk_; 0: there is none
  std::uint64_t reported_ = 0;     // lines that the report counts
  std::uint64_t unreported_ = 0;   // dropped lines that no report has counted
  bool is_torn_ = false;           // what was written last is a part of a line
  bool is_busy_ = false;           // something was written since the last rest
  std::string reason_;             // of the drops: the latest error, empty if there was none
  std::optional<steady_clock::time_point> failing_since_;
  steady_clock::time_point followed_{};
};

void LogOutput::Writer::wake() const noexcept {
  const std::uint64_t one = 1;
  // Fails only if it is readable already.
  if (::write(wake_, &one, sizeof one) < 0) return;
}

void LogOutput::Writer::run() {
  while (!give_up) {
    const bool is_last_look = stop;
    if (!chunk_.empty() || fill()) {
      write_some();
    } else if (is_last_look) {
      return;
    } else {
      rest();
    }
  }
}

// Takes lines out of the ring, after a report if lines are missing before them. False if there is nothing to write.
bool LogOutput::Writer::fill() {
  unreported_ += ring.take_drops();
  if (unreported_ > 0) {
    if (is_torn_) chunk_ = "\n";
    chunk_ += report_(unreported_, reason_.empty() ? kTooSlow : reason_);
    report_end_ = chunk_.size();
    reported_ = std::exchange(unreported_, 0);
  }
  while (const auto bytes = ring.next_bytes()) {
    if (!chunk_.empty() && (chunk_.size() + *bytes > target_.most_bytes() || ring.drops_before_next())) break;
    ring.pop(chunk_);
    ends_.push_back(chunk_.size());
  }
  return !chunk_.empty();
}

void LogOutput::Writer::write_some() {
  const auto now = steady_clock::now();
  if (written_ == 0 && now - followed_ >= kLogFollow) {
    followed_ = now;
    target_.follow_path();
  }
  const LogTarget::Written result = target_.write(std::string_view(chunk_).substr(written_));
  if (result.error != 0) {
    failed(result.error);
  } else if (result.bytes == 0) {
    wait(kLogGathering);  // if poll() sees room where there is none, this thread does not spin
    target_.wait_for_room(wake_, kLongestWait);
  } else {
    failing_since_.reset();
    is_busy_ = true;
    written_ += result.bytes;
    if (written_ == chunk_.size()) chunk_written();
  }
}

void LogOutput::Writer::chunk_written() {
  is_torn_ = false;
  reason_.clear();
  clear_chunk();
  settled = ring.released();
}

void LogOutput::Writer::clear_chunk() {
  chunk_.clear();
  written_ = 0;
  ends_.clear();
  report_end_ = 0;
  reported_ = 0;
}

void LogOutput::Writer::failed(int error) {
  const auto now = steady_clock::now();
  if (!failing_since_) failing_since_ = now;
  reason_ = std::error_code(error, std::generic_category()).message();
  if (stop) {
    drop_waiting();
    give_up = true;
    return;
  }
  if (now - *failing_since_ >= kLogErrorPatience) drop_waiting();
  wait(kLogRetry);
}

// Drops what is in the chunk and not yet written, and what is in the ring now.
void LogOutput::Writer::drop_waiting() {
  auto lines = static_cast<std::uint64_t>(
      std::count_if(ends_.begin(), ends_.end(), [this](std::size_t end) { return end > written_; }));
  if (report_end_ > written_) unreported_ += reported_;
  if (written_ > 0) {
    is_torn_ = written_ != report_end_ && std::find(ends_.begin(), ends_.end(), written_) == ends_.end();
  }
  clear_chunk();
  const std::uint64_t end = ring.reserved();
  while (ring.released() < end && ring.next_bytes()) {
    unreported_ += ring.take_drops();
    ring.pop(chunk_);
    chunk_.clear();
    ++lines;
  }
  dropped += lines;
  unreported_ += lines;
  settled = ring.released();
}

// Nothing to write: waits for lines. The first time for a moment without being woken, the second time in a row for
// long.
void LogOutput::Writer::rest() {
  if (std::exchange(is_busy_, false)) return wait(kLogGathering);
  // Either push() sees this, or the line that it has added before is seen here: all four steps are sequentially
  // consistent.
  sleeps = true;
  if (!ring.next_bytes() && !stop) wait(kLongestWait);
  sleeps = false;
}

void LogOutput::Writer::wait(std::chrono::milliseconds patience) const {
  pollfd woken{wake_, POLLIN, 0};
  poll(&woken, 1, static_cast<int>(patience.count()));
  std::uint64_t count = 0;
  if (read(wake_, &count, sizeof count) < 0) return;  // it was not woken
}

// ---- the owner's side ----------------------------------------------------------------------------------------------

LogOutput::LogOutput(LogTarget target, DropReport report, std::size_t ring_bytes)
    : writer_(std::make_shared<Writer>(std::move(target), std::move(report), ring_bytes)),
      thread_("herd-log", [writer = writer_] { writer->run(); }) {}

LogOutput::~LogOutput() {
  finish(kLogEndPatience);
}

void LogOutput::push(std::string_view line) noexcept {
  if (!writer_->ring.push(line)) {
    writer_->dropped.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  if (writer_->sleeps && writer_->sleeps.exchange(false)) writer_->wake();
}

std::uint64_t LogOutput::pushed() const noexcept {
  return writer_->ring.reserved();
}

bool LogOutput::is_settled(std::uint64_t position) const noexcept {
  return writer_->settled >= position;
}

std::uint64_t LogOutput::dropped() const noexcept {
  return writer_->dropped.load(std::memory_order_relaxed);
}

void LogOutput::finish(std::chrono::milliseconds patience) {
  writer_->stop = true;
  writer_->wake();
  if (thread_.join_for(patience)) return;
  writer_->give_up = true;
  writer_->wake();
  thread_.join_for(kGiveUpPatience);
}

}  // namespace herd::node
