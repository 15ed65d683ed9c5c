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

// The longest wait for the destination or for lines. It bounds the cost of a missed wakeup.
constexpr std::chrono::milliseconds kLongestWait{1'000};
// For a thread that was asked to give up. Unless it is stuck in a system call, it ends at once.
constexpr std::chrono::milliseconds kGiveUpPatience{100};
constexpr std::string_view kTooSlow = "they were not written as fast as they came";

}  // namespace

// The state that the thread and the owner share; the last of the two destroys it.
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

  // Used by all threads.
  LogRing ring;
  std::atomic<std::uint64_t> dropped = 0;
  std::atomic<std::uint64_t> settled = 0;  // all lines before this position of the ring are written or dropped
  std::atomic<bool> sleeps = false;        // the next line must wake the thread
  std::atomic<bool> reopens = false;       // follow the path of the file now
  std::atomic<bool> stop = false;          // the thread ends when the ring is empty
  std::atomic<bool> give_up = false;       // the thread ends now

 private:
  bool fill();
  void write_some();
  void failed(int error);
  void drop_waiting();
  void chunk_written();
  void clear_chunk();
  void rest();
  void wait(std::chrono::milliseconds patience) const;

  // Used by the writing thread only.
  LogTarget target_;
  DropReport report_;
  int wake_;                       // eventfd
  std::string chunk_;              // complete lines, taken from the ring, that are being written
  std::size_t written_ = 0;        // bytes written of chunk_
  std::vector<std::size_t> ends_;  // end of each line in chunk_, without the drop report
  std::size_t report_end_ = 0;     // end of the drop report at the start of chunk_; 0: there is none
  std::uint64_t reported_ = 0;     // dropped lines that this report counts
  std::uint64_t unreported_ = 0;   // dropped lines that no report has counted
  bool is_torn_ = false;           // the last write ended within a line
  bool is_busy_ = false;           // something was written since the last rest()
  std::string reason_;             // of the drops: the latest error; empty if there was none
  std::optional<steady_clock::time_point> failing_since_;
  steady_clock::time_point followed_{};
};

void LogOutput::Writer::wake() const noexcept {
  const std::uint64_t one = 1;
  // Fails only if the eventfd is readable already.
  if (::write(wake_, &one, sizeof one) < 0) return;
}

void LogOutput::Writer::run() {
  while (!give_up) {
    const bool is_last_check = stop;
    if (!chunk_.empty() || fill()) {
      write_some();
    } else if (is_last_check) {
      return;
    } else {
      if (reopens.exchange(false)) target_.follow_path();
      rest();
    }
  }
}

// Moves lines from the ring to chunk_, after a drop report if lines were dropped before them. Returns false if there is
// nothing to write.
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
  // The lines of chunk_ were read before the flag, so one that was logged after reopen() does not miss it.
  if (written_ == 0 && (reopens.exchange(false) || now - followed_ >= kLogFollow)) {
    followed_ = now;
    target_.follow_path();
  }
  const LogTarget::Written result = target_.write(std::string_view(chunk_).substr(written_));
  if (result.error != 0) {
    failed(result.error);
  } else if (result.bytes == 0) {
    wait(kLogGathering);  // so that this thread does not spin if poll() reports a target as writable that is not
    target_.wait_until_writable(wake_, kLongestWait);
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

// Drops the unwritten lines of chunk_ and all lines that are in the ring now.
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

// Waits for lines when there is nothing to write. The first time it waits kLogGathering, and new lines do not wake it.
// The second time in a row it sleeps until a line wakes it.
void LogOutput::Writer::rest() {
  if (std::exchange(is_busy_, false)) return wait(kLogGathering);
  // Either push() sees this flag, or this thread sees the line that push() has added before it read the flag: all four
  // steps are sequentially consistent.
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

void LogOutput::reopen() noexcept {
  writer_->reopens = true;
  writer_->wake();
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
