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

constexpr std::string_view kElsewhere = "permit it, or set HERD_STATE_DIR to a directory of your own";

// A new directory's name is on the disk before anything in it counts. Where a directory cannot be synced, nothing is
// lost by that but the name in a power cut.
void sync_directory(const fs::path& path) {
  const int folder = ::open(path.empty() ? "." : path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return;
  (void)fsync(folder);
  close(folder);
}

// Makes every missing directory on the way for the owner alone: state tells who was where. What exists stays as it is.
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
    if (fs::is_directory(made, ignored)) continue;  // a read-only parent says so before it says that it exists
    return fail(
        fmt::format("state directory {} cannot be made ({}): {}", made.string(), std::strerror(reason), kElsewhere));
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

// For the message to another process alone: the lock itself is the kernel's and ends with this process, however that
// ends. False, with errno, where it cannot be written.
bool write_holder(int lock) {
  const std::string pid = fmt::format("{}\n", getpid());
  return ftruncate(lock, 0) == 0 && pwrite(lock, pid.data(), pid.size(), 0) == static_cast<ssize_t>(pid.size());
}

// Locks the file `lock` in the directory. Returns its descriptor, or fails with one line that says what to do.
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
      return fail(fmt::format("state directory {} is used by process {}: stop it or set HERD_STATE_DIR",
                              directory.string(), holder.empty() ? "(unknown)" : holder));
    }
    if (has_name(lock, file)) {
      if (write_holder(lock)) return lock;
      const int reason = errno;
      close(lock);
      return fail(fmt::format("state directory {} cannot be written ({}): make room there, or set HERD_STATE_DIR",
                              directory.string(), std::strerror(reason)));
    }
    close(lock);
  }
  return fail(
      fmt::format("state directory {}: another process keeps removing its lock file: stop it, or set "
                  "HERD_STATE_DIR",
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
