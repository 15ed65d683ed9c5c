#include "node/config/state_dir.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

namespace herd::node {
namespace {

using protocol::fail;
using protocol::Result;
namespace fs = std::filesystem;

constexpr std::string_view kElsewhere = "correct that, or set `state_dir` or $HERD_STATE_DIR to another directory";

// Syncs the parent of a new directory, so that its name is durable before the files in it. If that fails, only a power
// cut can lose the name.
void sync_directory(const fs::path& path) {
  const int folder = ::open(path.empty() ? "." : path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return;
  (void)fsync(folder);
  close(folder);
}

// Creates every missing directory of the path with mode 0700, because the state contains locations of clients. Existing
// directories stay unchanged.
Result<fs::path> make_directories(const fs::path& path) {
  fs::path made;
  for (const auto& part : path) {
    made /= part;
    if (mkdir(made.c_str(), 0700) == 0) {
      sync_directory(made.parent_path());
      continue;
    }
    if (errno == EEXIST) continue;
    const int reason = errno;
    std::error_code ignored;
    if (fs::is_directory(made, ignored)) continue;  // with a read-only parent, errno may be EROFS though it exists
    return fail(
        fmt::format("state directory {} cannot be created ({}): {}", made.string(), std::strerror(reason), kElsewhere));
  }
  return path;
}

std::string read_holder(int lock) {
  std::array<char, 32> text{};
  const auto length = pread(lock, text.data(), text.size(), 0);
  const std::string_view read(text.data(), length > 0 ? static_cast<std::size_t>(length) : 0);
  return std::string(read.substr(0, read.find('\n')));
}

bool has_name(int file, const fs::path& path) {
  struct stat own {};
  struct stat named {};
  return fstat(file, &own) == 0 && stat(path.c_str(), &named) == 0 && own.st_dev == named.st_dev &&
         own.st_ino == named.st_ino;
}

// Writes the process id, which another process shows in its error. The lock itself does not depend on it: the kernel
// releases it at the end of this process. Returns false and sets errno if the file cannot be written.
bool write_holder(int lock) {
  const std::string pid = fmt::format("{}\n", getpid());
  return ftruncate(lock, 0) == 0 && pwrite(lock, pid.data(), pid.size(), 0) == static_cast<ssize_t>(pid.size());
}

// Locks the file `lock` in the directory. Returns its descriptor, or an Error of one line.
Result<int> take_lock(const fs::path& directory) {
  constexpr int kTries = 10;  // another process may remove the file between opening and locking it
  const auto file = directory / "lock";
  for (int tries = 0; tries < kTries; ++tries) {
    const int lock = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (lock < 0) {
      return fail(fmt::format("state directory {} cannot be used ({}): {}", directory.string(), std::strerror(errno),
                              kElsewhere));
    }
    if (flock(lock, LOCK_EX | LOCK_NB) != 0) {
      const auto holder = read_holder(lock);
      close(lock);
      return fail(
          fmt::format("state directory {} is used by process {}: stop that process, or set `state_dir` or "
                      "$HERD_STATE_DIR to another directory",
                      directory.string(), holder.empty() ? "(unknown)" : holder));
    }
    if (has_name(lock, file)) {
      if (write_holder(lock)) return lock;
      const int reason = errno;
      close(lock);
      return fail(
          fmt::format("state directory {} cannot be written ({}): free space there, or set `state_dir` or "
                      "$HERD_STATE_DIR to another directory",
                      directory.string(), std::strerror(reason)));
    }
    close(lock);
  }
  return fail(
      fmt::format("state directory {}: another process removes its lock file repeatedly: stop that process, or set "
                  "`state_dir` or $HERD_STATE_DIR to another directory",
                  directory.string()));
}

}  // namespace

Result<StateDir> StateDir::open(const Config& config, std::string_view name) {
  auto path = make_directories(node_dir(config, name));
  if (!path) return tl::unexpected(path.error());
  const auto lock = take_lock(*path);
  if (!lock) return tl::unexpected(lock.error());
  return StateDir(std::move(*path), *lock);
}

Result<bool> StateDir::restore() {
  if (has_name(lock_, path_ / "lock")) return false;
  if (const auto made = make_directories(path_); !made) return tl::unexpected(made.error());
  const auto lock = take_lock(path_);
  if (!lock) return tl::unexpected(lock.error());
  close(std::exchange(lock_, *lock));
  return true;
}

StateDir::StateDir(StateDir&& other) noexcept : path_(std::move(other.path_)), lock_(std::exchange(other.lock_, -1)) {}

StateDir::~StateDir() {
  if (lock_ >= 0) close(lock_);
}

}  // namespace herd::node
