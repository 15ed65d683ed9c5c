#include "node/state_dir.hpp"

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

// Makes every missing directory on the way for the owner alone: state tells who was where. What exists stays as it is.
Result<fs::path> make_directories(const fs::path& path) {
  fs::path made;
  for (const auto& part : path) {
    made /= part;
    if (mkdir(made.c_str(), 0700) == 0 || errno == EEXIST) continue;
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

}  // namespace

Result<StateDir> StateDir::open(const Config& config, std::string_view name) {
  auto path = make_directories(node_dir(config, name));
  if (!path) return tl::unexpected(path.error());
  const auto file = *path / "lock";
  const int lock = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (lock < 0) {
    return fail(
        fmt::format("state directory {} cannot be used ({}): {}", path->string(), std::strerror(errno), kElsewhere));
  }
  StateDir directory(std::move(*path), lock);  // from here on it closes the descriptor
  if (flock(lock, LOCK_EX | LOCK_NB) != 0) {
    const auto holder = read_holder(lock);
    return fail(fmt::format("state directory {} is used by process {}: stop it or set HERD_STATE_DIR",
                            directory.path_.string(), holder.empty() ? "(unknown)" : holder));
  }
  // For the message above alone: the lock itself is the kernel's and ends with this process, however that ends.
  const std::string pid = fmt::format("{}\n", getpid());
  if (ftruncate(lock, 0) != 0 || pwrite(lock, pid.data(), pid.size(), 0) != static_cast<ssize_t>(pid.size())) {
    return fail(fmt::format("state directory {} cannot be written ({}): make room there, or set HERD_STATE_DIR",
                            directory.path_.string(), std::strerror(errno)));
  }
  return directory;
}

StateDir::StateDir(StateDir&& other) noexcept : path_(std::move(other.path_)), lock_(std::exchange(other.lock_, -1)) {}

StateDir::~StateDir() {
  if (lock_ >= 0) close(lock_);
}

}  // namespace herd::node
