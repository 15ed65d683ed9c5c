#include "node/observe/log_target.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstring>
#include <utility>

namespace herd::node {
namespace {

using protocol::fail;
using protocol::Result;

// The most bytes of one write to a file: few system calls, and little is lost if the disk hangs during one.
constexpr std::size_t kFileBytes = std::size_t{64} * 1024;
constexpr int kFirstFreeDescriptor = STDERR_FILENO + 1;
constexpr mode_t kFileMode = 0666;  // the umask applies

// Without O_NONBLOCK, open() would block on a pipe without a reader. No other process shares the open file description.
int open_for_appending(const std::filesystem::path& path) {
  return open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, kFileMode);
}

}  // namespace

LogTarget::LogTarget(int descriptor, std::filesystem::path path) : descriptor_(descriptor), path_(std::move(path)) {
  struct stat status {};
  const bool is_known = fstat(descriptor_, &status) == 0;
  is_socket_ = is_known && S_ISSOCK(status.st_mode);
  is_file_ = is_known && S_ISREG(status.st_mode);
  // A pipe that poll() reports as writable accepts PIPE_BUF bytes, and writes them atomically.
  most_bytes_ = is_file_ ? kFileBytes : PIPE_BUF;
}

LogTarget::LogTarget(LogTarget&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)),
      path_(std::move(other.path_)),
      is_socket_(other.is_socket_),
      is_file_(other.is_file_),
      most_bytes_(other.most_bytes_) {}

LogTarget& LogTarget::operator=(LogTarget&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  path_.swap(other.path_);
  is_socket_ = other.is_socket_;
  is_file_ = other.is_file_;
  most_bytes_ = other.most_bytes_;
  return *this;
}

LogTarget::~LogTarget() {
  if (descriptor_ >= 0) close(descriptor_);
}

Result<LogTarget> LogTarget::standard_error() {
  const int own = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, kFirstFreeDescriptor);
  if (own < 0) return fail(fmt::format("standard error cannot be used for the log: {}", std::strerror(errno)));
  return LogTarget(own, {});
}

Result<LogTarget> LogTarget::file(const std::filesystem::path& path) {
  std::error_code unreadable;
  const auto directory = std::filesystem::absolute(path, unreadable).parent_path();
  if (!std::filesystem::is_directory(directory, unreadable)) {
    return fail(fmt::format("log file {} cannot be opened: {} is not a directory", path.string(), directory.string()));
  }
  const int descriptor = open_for_appending(path);
  if (descriptor < 0) {
    return fail(fmt::format("log file {} cannot be opened: {}", path.string(), std::strerror(errno)));
  }
  return LogTarget(descriptor, path);
}

LogTarget::Written LogTarget::write(std::string_view text) {
  pollfd writable{descriptor_, POLLOUT, 0};
  if (poll(&writable, 1, 0) == 0) return {};
  const std::size_t size = is_file_ ? text.size() : std::min(text.size(), most_bytes_);
  // poll() reports a socket as writable even if it accepts only a part of the bytes, so send() must not block.
  const ssize_t written = is_socket_ ? send(descriptor_, text.data(), size, MSG_DONTWAIT | MSG_NOSIGNAL)
                                     : ::write(descriptor_, text.data(), size);
  if (written >= 0) return {static_cast<std::size_t>(written), 0};
  const bool is_temporary = errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
  return {0, is_temporary ? 0 : errno};
}

void LogTarget::write_all(std::string_view text, std::chrono::milliseconds patience) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (!text.empty()) {
    const Written written = write(text);
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    if (written.error != 0 || (written.bytes == 0 && left.count() <= 0)) return;
    text.remove_prefix(written.bytes);
    if (written.bytes == 0) wait_until_writable(-1, left);
  }
}

void LogTarget::wait_until_writable(int wake, std::chrono::milliseconds patience) const {
  std::array<pollfd, 2> either{{{descriptor_, POLLOUT, 0}, {wake, POLLIN, 0}}};
  poll(either.data(), either.size(), static_cast<int>(patience.count()));
}

void LogTarget::follow_path() {
  if (path_.empty()) return;
  struct stat at_path {};
  struct stat opened {};
  const bool is_there = stat(path_.c_str(), &at_path) == 0;
  if (!is_there && errno != ENOENT) return;
  if (fstat(descriptor_, &opened) != 0) return;
  if (is_there && at_path.st_dev == opened.st_dev && at_path.st_ino == opened.st_ino) return;
  const int fresh = open_for_appending(path_);
  if (fresh >= 0) *this = LogTarget(fresh, path_);
}

}  // namespace herd::node
